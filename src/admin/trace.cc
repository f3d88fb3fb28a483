// POST /v1/traces {"from": "<user id>", "to": "<user id>" or "chat": "<hex>", "id": "<hex>"} -> 200: where a
// message is, per recipient and device.
#include <charconv>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "admin/admin_routes.h"
#include "admin/request_body.h"
#include "chat/chat_id.h"
#include "router/device_trace.h"

namespace godwit::admin {
namespace {

using nlohmann::json;

struct Asked {
  UserId from;
  ChatId chat;
  MessageId id;
};

std::optional<std::string> bytes_of(const json& body, const char* name) {
  if (!body.contains(name) || !body[name].is_string()) return std::nullopt;
  std::string text = body[name].get<std::string>();
  std::erase(text, '-');  // as UUIDs are written
  if (text.size() != 32) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, value, 16);
    if (error != std::errc() || end != text.data() + i + 2) return std::nullopt;
    bytes.push_back(static_cast<char>(value));
  }
  return bytes;
}

std::optional<Asked> parse(const std::string& text) {
  const json body = json::parse(text, nullptr, false);
  if (!body.is_object()) return std::nullopt;
  const auto from = user_of(body, "from");
  const auto to = user_of(body, "to");
  const auto chat = bytes_of(body, "chat");
  const auto id = bytes_of(body, "id");
  if (!from || !id || to.has_value() == chat.has_value()) return std::nullopt;
  return Asked{*from, chat ? ChatId::from(*chat) : direct_chat_id(*from, *to), MessageId::from(*id)};
}

// Gathers what the workers of the recipients tell; each on its own thread.
struct Gathering {
  std::mutex mutex;  // guards what follows
  json body;
  std::size_t left = 0;
  net::HttpReply reply;

  void add(std::size_t recipient, const std::vector<DeviceTrace>& devices) {
    const std::lock_guard lock(mutex);
    json& out = body["recipients"][recipient]["devices"];
    for (const DeviceTrace& device : devices) {
      out.push_back({{"device_id", device.device.value},
                     {"online", device.online},
                     {"pushed", device.pushed},
                     {"delivered", device.delivered},
                     {"last_seen_ms", device.last_seen_ms}});
    }
    if (--left == 0) reply(json_response(200, body.dump()));
  }
};

void gather(const AdminWiring& wiring, const Asked& asked, const Trace& trace, net::HttpReply reply) {
  auto gathering = std::make_shared<Gathering>();
  gathering->body = {{"chat_seq", trace.chat_seq},
                     {"accepted_ms", trace.accepted_ms},
                     {"durable_ms", trace.durable_ms},
                     {"recipients", json::array()}};
  for (const Trace::Recipient& recipient : trace.recipients) {
    gathering->body["recipients"].push_back({{"user_id", std::to_string(recipient.user.value)},
                                             {"delivered_ms", recipient.delivered_ms},
                                             {"read_ms", recipient.read_ms},
                                             {"blocks_sender", recipient.hidden},
                                             {"devices", json::array()}});
  }
  gathering->left = trace.recipients.size();
  gathering->reply = std::move(reply);
  if (trace.recipients.empty()) return gathering->reply(json_response(200, gathering->body.dump()));
  Router& router = wiring.router;
  for (std::size_t i = 0; i < trace.recipients.size(); ++i) {
    const TracedRecipient recipient{trace.recipients[i].user, asked.chat, trace.chat_seq,
                                    trace.recipients[i].delivered_ms != 0};
    router.on(recipient.user, [&store = wiring.store, &readers = wiring.readers, &router, recipient, gathering,
                               i](Shard& shard) {
      trace_devices(shard, store, readers, router.map(), recipient, UserId(),
                    [gathering, i](const std::vector<DeviceTrace>& devices) { gathering->add(i, devices); });
    });
  }
}

}  // namespace

net::HttpHandler trace_handler(const AdminWiring& wiring) {
  return [wiring](net::HttpRequest request, net::HttpReply reply) {
    const auto asked = parse(request.body);
    if (!asked) {
      return reply(json_error(400, "`from` (a user id), `id` (32 hex digits), and `to` (a user id) or `chat` (32 hex "
                                   "digits) are needed"));
    }
    wiring.router.on(asked->chat, [wiring, asked = *asked, reply](Shard& shard) {
      shard.chats().trace(asked.chat, asked.from, asked.id, [wiring, asked, reply](const Result<Trace>& found) {
        if (!found) return reply(json_error(404, "there is no such message"));
        gather(wiring, asked, *found, reply);
      });
    });
  };
}

}  // namespace godwit::admin
