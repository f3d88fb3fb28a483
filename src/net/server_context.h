// What all workers of one NetServer share. Constant after construction, or thread-safe by itself.
#pragma once

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "net/http.h"
#include "net/ip_address.h"
#include "net/large_inputs.h"
#include "net/options.h"
#include "net/probe.h"
#include "net/quotas.h"
#include "net/tls_context.h"

namespace godwit::net {

class Shard;

struct ServerContext {
  ServerContext(Options o, HttpRoutes r, SessionFactory f, Metrics& metrics)
      : options(std::move(o)),
        trusted(options.trusted_proxies),
        routes(std::move(r)),
        factory(std::move(f)),
        quotas(options.max_connections, options.max_connections_per_address),
        large_inputs(options.max_large_input_bytes, options.max_frame_bytes),
        probe(metrics, options.name) {}

  const Options options;
  const Networks trusted;
  const HttpRoutes routes;
  const SessionFactory factory;
  Quotas quotas;
  LargeInputs large_inputs;
  Probe probe;
  const std::chrono::steady_clock::time_point started =
      std::chrono::steady_clock::now();        // tick 0 of all shards
  std::unique_ptr<TlsContext> tls;             // null: plain text
  std::vector<std::unique_ptr<Shard>> shards;  // one a worker, in order of the workers
};

}  // namespace godwit::net
