#include "net/net_server.h"

#include <utility>

#include "net/listener.h"
#include "net/server_context.h"
#include "net/shard.h"

namespace godwit::net {

NetServer::NetServer(Options options, std::vector<Worker*> workers, Metrics& metrics, HttpRoutes routes,
                     SessionFactory factory) {
  validate(options);
  context_ =
      std::make_unique<ServerContext>(std::move(options), std::move(routes), std::move(factory), metrics);
  if (const Options& o = context_->options; !o.tls_certificate.empty()) {
    context_->tls = std::make_unique<TlsContext>(o.tls_certificate, o.tls_key);
  }
  for (Worker* worker : workers) context_->shards.push_back(std::make_unique<Shard>(*context_, *worker));
}

NetServer::~NetServer() = default;

void NetServer::listen() {
  for (const std::string& address : context_->options.listen) {
    listeners_.push_back(std::make_unique<Listener>(*context_, address));
  }
  resume_listeners();
}

std::vector<std::uint16_t> NetServer::ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& listener : listeners_) ports.push_back(listener->port());
  return ports;
}

template <class F>
void NetServer::on_listeners(F f) {
  context_->shards.front()->worker().post([this, f] {
    for (const auto& listener : listeners_) f(*listener);
  });
}

void NetServer::pause_listeners() {
  on_listeners([](Listener& listener) { listener.pause(); });
}

void NetServer::resume_listeners() {
  on_listeners([](Listener& listener) { listener.start(); });
}

void NetServer::close_listeners() {
  on_listeners([](Listener& listener) { listener.close(); });
}

void NetServer::close_all(CloseReason reason) {
  for (const auto& shard : context_->shards) {
    shard->worker().post([&shard = *shard, reason] { shard.close_all(reason); });
  }
}

std::size_t NetServer::open_connections() const {
  return context_->quotas.total();
}

std::vector<std::size_t> NetServer::connections_by_worker() const {
  std::vector<std::size_t> counts;
  for (const auto& shard : context_->shards) counts.push_back(shard->open_connections());
  return counts;
}

std::string NetServer::reload_tls() {
  return context_->tls ? context_->tls->reload() : std::string();
}

}  // namespace godwit::net
