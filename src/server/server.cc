#include "server/server.h"

#include <google/protobuf/stubs/logging.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <utility>

#include "admin/admin_routes.h"
#include "auth/http_fetch.h"
#include "base/http_client.h"
#include "base/log.h"
#include "base/random.h"
#include "net/net_server.h"
#include "router/checkpointer.h"
#include "router/router.h"
#include "server/module_options.h"
#include "server/web_files.h"
#include "session/session.h"
#include "storage/reader_pool.h"

namespace godwit {
namespace {

// Key rotation and the like.
constexpr std::chrono::seconds kMaintenance{30};
constexpr unsigned kAdminWorker = 64;

void make_data_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw std::runtime_error("the data directory " + path + " cannot be made: " + error.message());
  std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
}

// One connection is one descriptor; the default of 1,024 is spent before breakfast.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

// In order of construction; destroyed in the opposite order.
struct Server::Parts {
  SystemClock clock;
  Metrics metrics;
  boost::asio::io_context main{1};
  boost::asio::signal_set signals{main};
  boost::asio::steady_timer maintenance{main};
  std::unique_ptr<Store> store;
  std::unique_ptr<ReaderPool> readers;
  std::unique_ptr<LocalJournal> journal;
  std::unique_ptr<WakeUpSender> wake_ups;
  std::unique_ptr<Router> router;
  std::unique_ptr<Checkpointer> checkpointer;
  Authenticator auth;
  std::unique_ptr<CodeSender> codes;
  std::unique_ptr<SessionProbe> probe;
  std::vector<std::unique_ptr<SessionHost>> hosts;
  std::unique_ptr<Worker> admin_worker;
  std::unique_ptr<net::NetServer> clients;
  std::unique_ptr<net::NetServer> admin;
};

Server::Server(Config config, std::function<LoadResult()> reread)
    : config_(std::move(config)), reread_(std::move(reread)), parts_(std::make_unique<Parts>()) {
  Parts& p = *parts_;
  init_crypto();
  // Protobuf reports malformed input on standard error by itself, as often as a stranger sends it.
  google::protobuf::SetLogHandler(nullptr);
  raise_descriptor_limit();
  make_data_directory(config_.server.data_dir);
  p.signals.add(SIGTERM);
  p.signals.add(SIGINT);
  p.signals.add(SIGHUP);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of write(), not the end

  const std::int64_t began = p.clock.steady_ms();
  p.store = std::make_unique<Store>(store_options(config_), p.clock, p.metrics);
  p.readers = std::make_unique<ReaderPool>(static_cast<unsigned>(config_.storage.reader_threads), p.metrics);
  p.journal = std::make_unique<LocalJournal>(journal_options(config_), p.metrics);
  p.router = std::make_unique<Router>(worker_count(config_), shard_options(config_), p.clock, *p.store, *p.readers,
                                      *p.journal, p.metrics);
  if (!config_.push.webhook_url.empty()) {
    p.wake_ups = std::make_unique<WakeUpSender>(wake_up_options(config_), p.metrics);
    p.router->set_wake_up([sender = p.wake_ups.get()](WakeUp wake) {
      sender->send({wake.user, std::move(wake.devices), std::move(wake.collapse), wake.expires_s});
    });
  }
  p.router->recover();
  p.checkpointer =
      std::make_unique<Checkpointer>(*p.router, *p.store, *p.journal, checkpoint_options(config_), p.metrics);
  build_sessions();
  build_ports();
  add_metrics();
  p.router->start();
  p.admin_worker->start();
  p.checkpointer->start();
  log_info("started", {{"recovered_records", p.router->recovered_records()},
                       {"milliseconds", p.clock.steady_ms() - began},
                       {"workers", p.router->workers()},
                       {"client_port", client_ports().front()},
                       {"admin_port", admin_port()}});
}

Server::~Server() {
  if (!parts_) return;
  Parts& p = *parts_;
  p.checkpointer->stop();
  p.router->stop();
  p.admin_worker->stop();
  p.admin_worker->join();
  p.readers->stop();
}

void Server::build_sessions() {
  Parts& p = *parts_;
  const std::int64_t now_s = p.clock.wall_ms() / 1000;
  if (config_.auth.oidc_issuer.empty()) {
    p.auth.issuer = std::make_unique<auth::TokenIssuer>(issuer_options(config_), now_s);
  } else {
    HttpClient::Options http;
    http.ca_file = config_.auth.oidc_ca_file;
    p.auth.oidc = std::make_unique<auth::OidcVerifier>(oidc_options(config_),
                                                       auth::http_fetch(std::make_shared<const HttpClient>(http)));
  }
  if (!config_.account.verify_webhook_url.empty()) {
    p.codes = std::make_unique<CodeSender>(code_sender_options(config_), p.metrics);
  }
  p.probe = std::make_unique<SessionProbe>(p.metrics);
  std::vector<SessionHost*> all;
  for (unsigned i = 0; i < p.router->workers(); ++i) {
    p.hosts.push_back(std::make_unique<SessionHost>(i, *p.router, p.clock, *p.store, *p.readers, p.auth, p.codes.get(),
                                                    *p.probe, session_options(config_)));
    all.push_back(p.hosts.back().get());
    p.router->worker(i).add_end_of_turn([host = all.back()] { host->end_turn(); });
  }
  for (auto& host : p.hosts) host->hosts = all;
}

void Server::build_ports() {
  Parts& p = *parts_;
  net::HttpRoutes routes;
  admin::add_health_routes(routes, [this] { return not_ready(); });
  if (config_.server.web_dir.empty()) {
    routes.add("GET", "/", [](net::HttpRequest, net::HttpReply reply) {
      reply({200, "text/plain; charset=utf-8",
             "Godwit " GODWIT_VERSION "\nWebSocket endpoint: /v1/ws (subprotocols godwit.v1, godwit.v1.json)\n", {}});
    });
  } else {
    add_web_files(routes, config_.server.web_dir);
  }
  routes.add("GET", "/.well-known/jwks.json", [this](net::HttpRequest, net::HttpReply reply) {
    if (!parts_->auth.issuer) return reply(net::http_error(404));
    reply({200, "application/json", parts_->auth.issuer->jwks_json(), {{"Cache-Control", "public, max-age=300"}}});
  });
  std::vector<Worker*> workers;
  for (unsigned i = 0; i < p.router->workers(); ++i) workers.push_back(&p.router->worker(i));
  p.clients = std::make_unique<net::NetServer>(
      client_port_options(config_), workers, p.metrics, std::move(routes), [&p](Link& link) {
        return std::make_unique<Session>(link, *p.hosts[link.worker().index()]);
      });
  p.admin_worker = std::make_unique<Worker>(kAdminWorker);
  p.admin = std::make_unique<net::NetServer>(
      admin_port_options(config_), std::vector<Worker*>{p.admin_worker.get()}, p.metrics,
      admin::admin_routes({*p.router, *p.checkpointer, *p.store, *p.journal, *p.readers, p.metrics, p.clock, [this] { return not_ready(); },
                           [this] { request_drain(); }, config_.admin.token, config_.server.data_dir + "/backups"}),
      nullptr);
  p.clients->listen();
  p.admin->listen();
}

void Server::add_metrics() {
  Parts& p = *parts_;
  struct Gauges {
    Gauge& inboxes;
    Gauge& chats;
    Gauge& accounts;
    Gauge& online;
    Gauge& dirty;
    Gauge& to_notify;
    Gauge& status_users;
    Gauge& key_users;
    Gauge& mailbox;
  };
  std::vector<Gauges> gauges;
  for (unsigned i = 0; i < p.router->workers(); ++i) {
    const Metrics::Labels worker{{"worker", std::to_string(i)}};
    const auto gauge = [&](const char* name, const char* help) -> Gauge& { return p.metrics.gauge(name, help, worker); };
    gauges.push_back({gauge("godwit_cached_inboxes", "Inboxes in memory"), gauge("godwit_cached_chats", "Chats in memory"),
                      gauge("godwit_cached_accounts", "Accounts in memory"),
                      gauge("godwit_users_online", "Users with a connection"),
                      gauge("godwit_dirty_rows", "Rows that the next checkpoint will write"),
                      gauge("godwit_users_to_notify", "Users online who have yet to be told of new entries"),
                      gauge("godwit_cached_status_users", "Feeds and own statuses of users in memory"),
                      gauge("godwit_cached_key_users", "Users whose keys are described in memory"),
                      gauge("godwit_mailbox_depth", "Tasks handed to a worker and not yet run")});
  }
  p.metrics.gauge("godwit_build_info", "The version, as a label", {{"version", GODWIT_VERSION}}).Set(1);
  Gauge& ready = p.metrics.gauge("godwit_ready", "1 when the server can take traffic");
  p.metrics.add_collector([this, gauges, &ready] {
    for (unsigned i = 0; i < parts_->router->workers(); ++i) {
      const Shard::Sizes sizes = parts_->router->shard(i).sizes();
      gauges[i].inboxes.Set(static_cast<double>(sizes.inboxes));
      gauges[i].chats.Set(static_cast<double>(sizes.chats));
      gauges[i].accounts.Set(static_cast<double>(sizes.accounts));
      gauges[i].online.Set(static_cast<double>(sizes.users_online));
      gauges[i].dirty.Set(static_cast<double>(sizes.dirty));
      gauges[i].to_notify.Set(static_cast<double>(sizes.to_notify));
      gauges[i].status_users.Set(static_cast<double>(sizes.status_users));
      gauges[i].key_users.Set(static_cast<double>(sizes.key_users));
      gauges[i].mailbox.Set(static_cast<double>(parts_->router->worker(i).mailbox_depth()));
    }
    ready.Set(not_ready().empty() ? 1 : 0);
  });
}

std::vector<std::uint16_t> Server::client_ports() const {
  return parts_->clients->ports();
}

std::uint16_t Server::admin_port() const {
  return parts_->admin->ports().front();
}

std::string Server::not_ready() const {
  if (draining_) return "draining";
  if (!parts_->journal->writable()) return "the store does not accept writes";
  if (parts_->auth.oidc && !parts_->auth.oidc->ready()) return "the keys of the token issuer are not known yet";
  return {};
}

void Server::run() {
  wait_for_signal();
  maintain();
  parts_->main.run();
}

void Server::wait_for_signal() {
  parts_->signals.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGHUP) {
      reload();
      return wait_for_signal();
    }
    drain();
  });
}

void Server::maintain() {
  parts_->maintenance.expires_after(kMaintenance);
  parts_->maintenance.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    if (parts_->auth.issuer) parts_->auth.issuer->rotate_if_due(parts_->clock.wall_ms() / 1000);
    maintain();
  });
}

void Server::reload() {
  const ReloadResult result = plan_reload(config_, reread_());
  for (const std::string& fault : result.faults) log_error("reload_refused", {{"fault", fault}});
  if (result.config) {
    config_ = *result.config;
    init_logging(config_.log.level, config_.log.format);
    const SessionOptions options = session_options(config_);
    for (auto& host : parts_->hosts) {
      host->worker().post([host = host.get(), options, watermark_ms = config_.chat.watermark_interval_ms,
                            receipt_ms = config_.chat.receipt_interval_ms, ice = call_options(config_).ice] {
        host->set_options(options);
        host->shard().chats().set_intervals(watermark_ms, receipt_ms);
        host->shard().calls().set_ice(ice);
      });
    }
    std::string changed;
    for (const std::string& name : result.changed) changed += (changed.empty() ? "" : ",") + name;
    log_info("reloaded", {{"changed", changed}});
  }
  if (!config_.net.tls_certificate.empty()) {
    const std::string fault = parts_->clients->reload_tls();
    if (!fault.empty()) log_error("certificate_reload_failed", {{"fault", fault}});
  }
}

void Server::request_drain() {
  boost::asio::post(parts_->main, [this] { drain(); });
}

void Server::drain() {
  if (draining_.exchange(true)) return;
  Parts& p = *parts_;
  log_info("draining", {{"connections", p.clients->open_connections()}});
  p.clients->close_listeners();
  for (auto& host : p.hosts) {
    host->worker().post([host = host.get()] { host->drain(); });
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(config_.server.drain_timeout_ms);
  while (p.clients->open_connections() > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  p.clients->close_all(CloseReason::draining);
  p.checkpointer->stop();
  log_info("stopped", {{"connections_left", p.clients->open_connections()}});
  p.main.stop();
}

}  // namespace godwit
