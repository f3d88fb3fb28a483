#include "tools/cli/profile_state.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "auth/base64url.h"
#include "base/random.h"
#include "tools/cli/private_file.h"

namespace godwit::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;

Json chat_to_json(const ChatState& chat) {
  return {{"last_chat_seq", chat.last_chat_seq}, {"peer_delivered", chat.peer_delivered},
          {"peer_read", chat.peer_read},         {"own_delivered", chat.own_delivered},
          {"own_read", chat.own_read},           {"read_wanted", chat.read_wanted}};
}

ChatState chat_from_json(const Json& in) {
  ChatState chat;
  in.at("last_chat_seq").get_to(chat.last_chat_seq);
  in.at("peer_delivered").get_to(chat.peer_delivered);
  in.at("peer_read").get_to(chat.peer_read);
  in.at("own_delivered").get_to(chat.own_delivered);
  in.at("own_read").get_to(chat.own_read);
  in.at("read_wanted").get_to(chat.read_wanted);
  return chat;
}

ProfileState from_json(const Json& in) {
  if (in.at("format").get<int>() != kFormat) throw std::runtime_error("its format is of another version");
  ProfileState state;
  if (!in.at("cursor").is_null()) state.cursor = in.at("cursor").get<std::uint64_t>();
  in.at("log_offset").get_to(state.log_offset);
  in.at("printed_offset").get_to(state.printed_offset);
  in.at("clock_skew_ms").get_to(state.clock_skew_ms);
  for (const auto& [user, chat] : in.at("chats").items()) {
    state.chats[UserId(std::stoull(user))] = chat_from_json(chat);
  }
  // Profiles from before there were groups have none of these.
  const Json group_chats = in.value("group_chats", Json::object());
  for (const auto& [id, chat] : group_chats.items()) {
    if (const auto group = parse_group_id(id)) state.chats[ChatRef(*group)] = chat_from_json(chat);
  }
  const Json groups = in.value("groups", Json::object());
  for (const auto& [id, known] : groups.items()) {
    const auto group = parse_group_id(id);
    const auto name = auth::base64url_decode(known.at("sealed_name").get<std::string>());
    if (group && name) state.groups[*group] = {*name, known.at("version").get<std::uint64_t>()};
  }
  for (const auto& [user, handle] : in.at("handles").items()) {
    state.handles[UserId(std::stoull(user))] = handle.get<std::string>();
  }
  return state;
}

}  // namespace

ProfileState load_state(const std::filesystem::path& file) {
  const auto text = read_private_file(file);
  if (!text) return {};
  try {
    return from_json(Json::parse(*text));
  } catch (const std::exception& e) {
    throw std::runtime_error(file.string() + " cannot be used: " + e.what());
  }
}

void save_state(const std::filesystem::path& file, const ProfileState& state) {
  Json out = {{"format", kFormat},
              {"cursor", nullptr},
              {"log_offset", state.log_offset},
              {"printed_offset", state.printed_offset},
              {"clock_skew_ms", state.clock_skew_ms},
              {"chats", Json::object()},
              {"group_chats", Json::object()},
              {"groups", Json::object()},
              {"handles", Json::object()}};
  if (state.cursor) out["cursor"] = *state.cursor;
  for (const auto& [ref, chat] : state.chats) {
    if (ref.is_group()) {
      out["group_chats"][hex(ref.group.view())] = chat_to_json(chat);
    } else {
      out["chats"][std::to_string(ref.peer.value)] = chat_to_json(chat);
    }
  }
  for (const auto& [id, group] : state.groups) {
    out["groups"][hex(id.view())] = {{"sealed_name", auth::base64url_encode(group.sealed_name)},
                                     {"version", group.version}};
  }
  for (const auto& [user, handle] : state.handles) out["handles"][std::to_string(user.value)] = handle;
  write_private_file(file, out.dump(1, ' ', true, Json::error_handler_t::replace) + "\n");
}

}  // namespace godwit::cli
