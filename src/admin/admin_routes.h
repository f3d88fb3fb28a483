// The operator's HTTP API: health, readiness, metrics, invites, accounts, backup, log level. docs/admin-api.md lists it.
#pragma once

#include <functional>
#include <string>

#include "base/metrics.h"
#include "godwit/journal.h"
#include "net/http.h"
#include "router/checkpointer.h"
#include "router/router.h"

namespace godwit::admin {

struct AdminWiring {
  Router& router;
  Checkpointer& checkpointer;
  Store& store;
  Journal& journal;
  ReaderPool& readers;
  Metrics& metrics;
  const Clock& clock;
  // Empty when the server can take traffic, else why not.
  std::function<std::string()> not_ready;
  // Begins the same as SIGTERM.
  std::function<void()> drain;
  std::string token;        // bearer token for everything but health and readiness; empty: none is asked for
  std::string backup_root;  // backups are made in folders of this one
};

// All of it, for the admin port. Handlers run on the admin port's own thread and may block it.
net::HttpRoutes admin_routes(const AdminWiring& wiring);
// Health and readiness alone, which the client port serves too (for load balancers).
void add_health_routes(net::HttpRoutes& routes, std::function<std::string()> not_ready);

// One file each, but those of accounts.
net::HttpHandler metrics_handler(const AdminWiring& wiring);
net::HttpHandler create_invite_handler(const AdminWiring& wiring);
net::HttpHandler find_account_handler(const AdminWiring& wiring);
net::HttpHandler sign_out_handler(const AdminWiring& wiring);
net::HttpHandler delete_account_handler(const AdminWiring& wiring);
net::HttpHandler backup_handler(const AdminWiring& wiring);
net::HttpHandler compaction_handler(const AdminWiring& wiring);
net::HttpHandler trace_handler(const AdminWiring& wiring);
net::HttpHandler log_level_handler();
net::HttpHandler drain_handler(const AdminWiring& wiring);

// A JSON answer, and a JSON error with a sentence.
net::HttpResponse json_response(int status, const std::string& body);
net::HttpResponse json_error(int status, const std::string& sentence);

}  // namespace godwit::admin
