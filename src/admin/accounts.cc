// POST /v1/accounts/find, /v1/accounts/sign-out, /v1/accounts/delete {"handle": "ann"} or {"user_id": "<digits>"}: for
// people who ask the operator, since they have no device of theirs at hand.
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "admin/admin_routes.h"
#include "admin/request_body.h"
#include "protocol/handle.h"
#include "router/account_deletion.h"

namespace godwit::admin {
namespace {

using nlohmann::json;

net::HttpResponse refusal(const Error& error) {
  const ErrorInfo& info = error_info(error.code);
  return json_error(info.http_status, std::string(error.detail.empty() ? info.text : error.detail));
}

// The body, and the user that it names, on the user's worker.
using AccountFn = std::function<void(Shard&, UserId, const json& body, net::HttpReply)>;

net::HttpHandler of_account(const AdminWiring& wiring, AccountFn fn) {
  return [&router = wiring.router, fn = std::move(fn)](net::HttpRequest request, net::HttpReply reply) {
    const json body = json::parse(request.body, nullptr, false);
    const bool by_handle = body.is_object() && body.contains("handle");
    const auto handle = by_handle && body["handle"].is_string() ? canonical_handle(body["handle"].get<std::string>())
                                                               : std::nullopt;
    const auto user = body.is_object() ? user_of(body, "user_id") : std::nullopt;
    if (handle.has_value() == user.has_value() || by_handle != handle.has_value()) {
      return reply(json_error(400, "either `handle` or `user_id` (digits, as a string) is needed"));
    }
    const auto go = [&router, fn, body, reply](UserId found) {
      router.on(found, [fn, body, reply, found](Shard& shard) { fn(shard, found, body, reply); });
    };
    if (user) return go(*user);
    router.on(std::string_view(*handle), [handle = *handle, go, reply](Shard& shard) {
      shard.accounts().lookup(handle, [go, reply](const Result<UserId>& found) {
        found ? go(*found) : reply(refusal(found.error()));
      });
    });
  };
}

json describe(Shard& shard, const Account& account) {
  json devices = json::array();
  for (const DeviceInfo& device : account.devices()) {
    devices.push_back({{"device_id", device.id.value},
                       {"name", device.name},
                       {"created_ms", device.created_ms},
                       {"last_seen_ms", device.last_seen_ms},
                       {"online", shard.registry().online(account.user(), device.id)}});
  }
  return {{"user_id", std::to_string(account.user().value)},
          {"handle", account.handle()},
          {"created_ms", account.created_ms()},
          {"devices", std::move(devices)}};
}

}  // namespace

net::HttpHandler find_account_handler(const AdminWiring& wiring) {
  return of_account(wiring, [](Shard& shard, UserId user, const json&, net::HttpReply reply) {
    shard.accounts().with_account(user, [&shard, reply](Account& account) {
      if (!account.exists()) return reply(refusal(Errc::user_not_found));
      reply(json_response(200, describe(shard, account).dump(-1, ' ', false, json::error_handler_t::replace)));
    });
  });
}

net::HttpHandler sign_out_handler(const AdminWiring& wiring) {
  return of_account(wiring, [](Shard& shard, UserId user, const json& body, net::HttpReply reply) {
    const json device = body.value("device_id", json());
    if (!device.is_number_unsigned() || device.get<std::uint64_t>() == 0 || device.get<std::uint64_t>() > UINT32_MAX) {
      return reply(json_error(400, "`device_id` (a number) is needed"));
    }
    shard.accounts().revoke_device(user, DeviceId(device.get<std::uint32_t>()), [reply](const Status& revoked) {
      reply(revoked ? json_response(200, R"({"signed_out":true})") : refusal(revoked.error()));
    });
  });
}

net::HttpHandler delete_account_handler(const AdminWiring& wiring) {
  return of_account(wiring, [&router = wiring.router, &store = wiring.store, &readers = wiring.readers,
                             &clock = wiring.clock](Shard&, UserId user, const json&, net::HttpReply reply) {
    delete_account(router, store, readers, clock, user, DeviceId(), [reply](const Status& deleted) {
      reply(deleted ? json_response(200, R"({"deleted":true})") : refusal(deleted.error()));
    });
  });
}

}  // namespace godwit::admin
