// Who may see what of an account.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "godwit/ids.h"
#include "store.pb.h"

namespace godwit {

// What a privacy rule is about.
enum class Rule : std::uint8_t { last_seen, online, profile, status, may_add_me };
inline constexpr std::size_t kRules = 5;

// Values of the wire and of the store.
enum class Audience : std::uint8_t { everyone = 1, contacts = 2, nobody = 3 };

struct PrivacyRule {
  static constexpr std::size_t kMaxExcept = 1'000;
  Audience audience = Audience::everyone;
  std::vector<UserId> except;  // ascending: who may not all the same
  bool operator==(const PrivacyRule&) const = default;
};

// A new account has the defaults.
struct PrivacySettings {
  std::array<PrivacyRule, kRules> rules;
  bool hide_read_receipts = false;
  bool ask_first = false;
  bool operator==(const PrivacySettings&) const = default;

  const PrivacyRule& rule(Rule which) const { return rules[static_cast<std::size_t>(which)]; }
  // Takes over what is set in `changed`, each rule as a whole.
  void change(const store::PrivacySettings& changed);
  void to_row(store::PrivacySettings& row) const;
};

}  // namespace godwit
