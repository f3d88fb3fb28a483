#include "admin/admin_routes.h"

namespace godwit::admin {

void add_health_routes(net::HttpRoutes& routes, std::function<std::string()> not_ready) {
  // Alive: a process that answers this must not be restarted.
  routes.add("GET", "/health", [](net::HttpRequest, net::HttpReply reply) { reply({200, "text/plain; charset=utf-8", "ok\n", {}}); });
  // Ready: a load balancer may send new connections here.
  routes.add("GET", "/ready", [not_ready = std::move(not_ready)](net::HttpRequest, net::HttpReply reply) {
    const std::string why = not_ready();
    reply({why.empty() ? 200 : 503, "text/plain; charset=utf-8", (why.empty() ? "ready" : why) + "\n", {}});
  });
}

net::HttpHandler metrics_handler(const AdminWiring& wiring) {
  return [&metrics = wiring.metrics](net::HttpRequest, net::HttpReply reply) {
    reply({200, "text/plain; version=0.0.4; charset=utf-8", metrics.render(), {}});
  };
}

net::HttpHandler drain_handler(const AdminWiring& wiring) {
  return [drain = wiring.drain](net::HttpRequest, net::HttpReply reply) {
    reply(json_response(202, R"({"draining":true})"));
    drain();
  };
}

}  // namespace godwit::admin
