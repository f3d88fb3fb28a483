#include "tools/cli/command_session.h"

#include <sodium.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "godwit.pb.h"
#include "tools/cli/format.h"

namespace godwit::cli {
namespace {

using std::chrono::seconds;

// A person is waiting, so a server that has silently gone is noticed within two of these.
constexpr std::uint32_t kKeepaliveS = 60;
constexpr seconds kClosePatience{2};
// An attempt under way at the connect deadline is let finish; its steps have their own timeouts.
constexpr seconds kAttemptPatience{15};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::filesystem::path profiles_home(const GlobalOptions& options) {
  if (!options.home.empty()) return options.home;
  if (const std::string home = environment("GODWIT_HOME"); !home.empty()) return home;
  if (const std::string config = environment("XDG_CONFIG_HOME"); !config.empty()) {
    return std::filesystem::path(config) / "godwit";
  }
  const std::string home = environment("HOME");
  if (home.empty()) throw CommandError(ExitCode::usage, "usage", "no home directory: give --home DIR");
  return std::filesystem::path(home) / ".config" / "godwit";
}

std::string chosen_url(const Context& context, const Profile& profile) {
  if (!context.options.url.empty()) return context.options.url;
  if (profile.registered()) return profile.account->server_url;
  if (const std::string url = environment("GODWIT_URL"); !url.empty()) return url;
  return std::string(kDefaultUrl);
}

ClientOptions client_options(const Context& context, const Profile& profile, Login login) {
  ClientOptions options;
  options.transport = transport_options(context, profile);
  options.authenticate = login == Login::device;
  options.keepalive_s = kKeepaliveS;
  return options;
}

}  // namespace

std::unique_ptr<Profile> open_profile(const Context& context) {
  const std::string& name = context.options.profile;
  if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.')) {
    throw CommandError(ExitCode::usage, "usage", "not a profile name: " + name);
  }
  try {
    return std::make_unique<Profile>(profiles_home(context.options) / name);
  } catch (const CommandError&) {
    throw;
  } catch (const std::exception& e) {
    throw CommandError(ExitCode::usage, "profile", e.what());
  }
}

std::unique_ptr<Profile> open_account(const Context& context) {
  auto profile = open_profile(context);
  if (!profile->registered()) {
    throw CommandError(ExitCode::usage, "no_account",
                       "this profile has no account: use register or link first");
  }
  return profile;
}

std::unique_ptr<Profile> open_new_account(const Context& context, const std::string& device_name) {
  auto profile = open_profile(context);
  if (profile->registered()) {
    throw CommandError(
        ExitCode::usage, "has_account",
        "this profile belongs to " + profile->account->handle + " already: choose another --profile");
  }
  if (!profile->account) profile->account = make_account({}, {});
  Account& account = *profile->account;
  account.server_url = chosen_url(context, *profile);
  account.device_name = device_name;
  account.ca_file = context.options.ca_file.empty() ? "" : std::filesystem::absolute(context.options.ca_file);
  account.insecure = context.options.insecure;
  profile->save_account();
  return profile;
}

TransportOptions transport_options(const Context& context, const Profile& profile) {
  const std::string text = chosen_url(context, profile);
  const auto url = parse_server_url(text);
  if (!url) throw CommandError(ExitCode::usage, "usage", "not a ws:// or wss:// address: " + text);
  TransportOptions options;
  options.url = *url;
  options.ca_file = context.options.ca_file;
  options.insecure = context.options.insecure;
  if (profile.registered()) {
    if (options.ca_file.empty()) options.ca_file = profile.account->ca_file;
    options.insecure = options.insecure || profile.account->insecure;
  }
  options.json = context.options.json_wire;
  options.user_agent = "godwit-cli/" GODWIT_VERSION;
  if (options.insecure && url->tls && !url->loopback()) {
    throw CommandError(ExitCode::usage, "usage", "--insecure is for servers on this machine; use --ca-file");
  }
  return options;
}

CommandSession::CommandSession(Context& context, Profile& profile, Login login, ClientEvents events)
    : context_(context),
      profile_(profile),
      client_(context.loop, profile, client_options(context, profile, login),
              with_defaults(std::move(events))) {
  const ServerUrl url = transport_options(context, profile).url;
  if (!url.tls && !url.loopback())
    out().note("warning: the connection to " + url.host + " is not encrypted (ws://)");
}

CommandSession::~CommandSession() {
  if (passphrase_) sodium_memzero(passphrase_->data(), passphrase_->size());
}

ClientEvents CommandSession::with_defaults(ClientEvents events) {
  if (!events.notice) events.notice = [this](const std::string& text) { out().note(text); };
  if (!events.gap) {
    events.gap = [this](std::uint64_t from, std::uint64_t to) {
      out().note("the server no longer has inbox entries " + std::to_string(from) + " to " +
                 std::to_string(to) +
                 ", which this device had not received; `history` shows what the chats still have");
    };
  }
  if (!events.send_failed) {
    events.send_failed = [this](const OutgoingMessage& message, const Failure& failure, bool dropped) {
      out().note("message " + format_uuid(message.id) + (dropped ? " was refused: " : " waits: ") +
                 failure.name);
    };
  }
  return events;
}

void CommandSession::connect() {
  client_.start();
  const auto settled = [this] { return client_.ready() || client_.failure(); };
  const Deadline deadline = std::chrono::steady_clock::now() + seconds(context_.options.connect_timeout_s);
  if (!context_.loop.run_until(settled, deadline)) {
    context_.loop.run_until([&] { return settled() || client_.waiting(); },
                            std::chrono::steady_clock::now() + kAttemptPatience);
  }
  if (client_.ready()) return;
  if (context_.loop.interrupted()) throw CommandError(ExitCode::interrupted, "interrupted", "interrupted");
  throw CommandError(client_.failure().value_or(client_.last_problem()));
}

void CommandSession::close() {
  client_.stop();
  context_.loop.run_until([this] { return client_.ended(); },
                          std::chrono::steady_clock::now() + kClosePatience);
}

Deadline CommandSession::deadline() const {
  return std::chrono::steady_clock::now() + seconds(context_.options.timeout_s);
}

void CommandSession::wait(const std::function<bool()>& done, Deadline deadline, const std::string& what) {
  if (context_.loop.run_until([&] { return done() || client_.failure(); }, deadline) && done()) return;
  if (client_.failure()) throw CommandError(*client_.failure());
  if (context_.loop.interrupted()) throw CommandError(ExitCode::interrupted, "interrupted", "interrupted");
  throw CommandError(ExitCode::timeout, "timeout", "no " + what + " in time");
}

std::optional<v1::ServerFrame> CommandSession::attempt(const v1::ClientFrame& frame, Deadline deadline,
                                                       Failure& failure) {
  // Shared with the handler, which may outlive a wait that throws.
  struct Outcome {
    std::optional<v1::ServerFrame> reply;
    std::optional<Failure> failure;
  };
  const auto outcome = std::make_shared<Outcome>();
  client_.request(frame, [outcome](const v1::ServerFrame* reply, const Failure* why) {
    if (reply != nullptr) outcome->reply = *reply;
    if (why != nullptr) outcome->failure = *why;
  });
  wait([&] { return outcome->reply || outcome->failure; }, deadline, "reply");
  if (outcome->failure) failure = *outcome->failure;
  return outcome->reply;
}

v1::ServerFrame CommandSession::call(const v1::ClientFrame& frame, int kind, Retry retry) {
  const Deadline until = deadline();
  for (;;) {
    Failure failure;
    if (auto reply = attempt(frame, until, failure)) {
      if (reply->body_case() == kind) return std::move(*reply);
      throw CommandError(ExitCode::server, "unexpected_reply", "the server answered something else");
    }
    if (retry == Retry::no || !failure.retryable) throw CommandError(failure);
    if (failure.exit == ExitCode::connection) {
      wait([this] { return client_.ready(); }, until, "connection");
      continue;
    }
    const Deadline again = std::chrono::steady_clock::now() +
                           std::chrono::milliseconds(std::max<std::uint32_t>(failure.retry_after_ms, 200));
    if (again > until) throw CommandError(failure);
    context_.loop.run_until([this] { return client_.failure().has_value(); }, again);
  }
}

}  // namespace godwit::cli
