#include <chrono>
#include <stdexcept>

#include "tools/bench/key_package.h"
#include "tools/bench/requester.h"
#include "tools/bench/scenarios/rig.h"

namespace godwit::bench {
namespace {

constexpr int kUpload = 100;

std::int64_t now_s() {
  using namespace std::chrono;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

// With `replace` the packages take the places of those that are in stock.
v1::ClientFrame publication(const Ed25519Key& identity, const Account& account, std::uint32_t packages, bool replace) {
  v1::ClientFrame frame;
  auto& keys = *frame.mutable_publish_keys();
  keys.set_replace(replace);
  set_identity(identity, account, keys);
  for (std::uint32_t i = 0; i < packages; ++i) keys.add_key_packages(make_key_package(identity, account, now_s()));
  return frame;
}

void publish(Requester& who, const v1::ClientFrame& frame) {
  if (!who.call(frame).has_key_stock()) throw std::runtime_error("PublishKeys was not answered so");
}

}  // namespace

// Account 0 takes keys of all others, then publishes. Everybody else publishes as many packages as are taken.
Report run_keys(Bench& bench) {
  const Options& options = bench.options;
  Rig rig(bench);
  Histogram uploads;
  Histogram fresh_identities;
  Histogram claims;
  Histogram lookups;
  std::uint64_t wrong = 0;
  bench.fleet.run("publish", [&](Shard& shard) {
    if (shard.index != 0) return;
    for (std::size_t i = 1; i <= options.users; ++i) {
      Requester who(shard, bench.accounts[i], i);
      who.log_in();
      publish(who, publication(Ed25519Key::generate(), bench.accounts[i], options.requests, false));
      who.log_out();
    }
  });
  bench.fleet.run("claim and upload", [&](Shard& shard) {
    if (shard.index != 0) return;
    Requester who(shard, bench.accounts[0], 0);
    who.log_in();
    v1::ClientFrame frame;
    auto& claim = *frame.mutable_claim_keys();
    for (std::size_t i = 1; i <= options.users; ++i) claim.add_users(bench.accounts[i].user.value);
    const auto count = static_cast<int>(options.users);
    for (std::uint32_t i = 0; i < options.requests; ++i) {
      claim.set_key_packages(false);
      if (who.call(frame).claimed_keys().users_size() != count) ++wrong;
      lookups.record(static_cast<std::uint64_t>(who.took_ns()));
      claim.set_key_packages(true);
      const v1::ServerFrame reply = who.call(frame);
      claims.record(static_cast<std::uint64_t>(who.took_ns()));
      if (reply.claimed_keys().users_size() != count) ++wrong;
      for (const v1::UserKeys& user : reply.claimed_keys().users()) {
        if (user.devices_size() == 0 || user.devices(0).key_package().empty()) ++wrong;
      }
    }
    const Ed25519Key lasting = Ed25519Key::generate();
    publish(who, publication(lasting, bench.accounts[0], kUpload, false));
    for (std::uint32_t i = 0; i < options.requests; ++i) {
      publish(who, publication(lasting, bench.accounts[0], kUpload, true));
      uploads.record(static_cast<std::uint64_t>(who.took_ns()));
    }
    for (std::uint32_t i = 0; i < options.requests; ++i) {
      publish(who, publication(Ed25519Key::generate(), bench.accounts[0], kUpload, false));
      fresh_identities.record(static_cast<std::uint64_t>(who.took_ns()));
    }
    who.log_out();
  });
  Report report(options, bench.seed);
  report["parameters"]["users"] = options.users;
  report.set_latency("claim_of_all", claims);
  report.set_latency("lookup_of_all", lookups);
  report.set_latency("upload_of_100", uploads);
  report.set_latency("upload_of_100_under_a_new_identity", fresh_identities);
  report.fail_if("wrong", wrong);
  rig.report_verdict(report, false);
  return report;
}

}  // namespace godwit::bench
