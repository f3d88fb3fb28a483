// How many connections there may be, in all and per address.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "net/ip_address.h"

namespace godwit::net {

class Quotas;

// A connection's place in the quotas: given back when the token goes. The Quotas must live longer.
class ConnectionToken {
 public:
  ConnectionToken() = default;
  ConnectionToken(ConnectionToken&& other) noexcept
      : quotas_(std::exchange(other.quotas_, nullptr)), entry_(std::exchange(other.entry_, nullptr)) {}
  ConnectionToken& operator=(ConnectionToken&& other) noexcept {
    std::swap(quotas_, other.quotas_);
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~ConnectionToken() { release(); }

  explicit operator bool() const { return quotas_ != nullptr; }
  bool has_address() const { return entry_ != nullptr; }
  // Counts the connection for the address of its client, once that is known. False: the address has as many
  // as it may. Once only.
  bool bind(const IpAddress& address);
  void release();

 private:
  friend class Quotas;
  struct Key {
    std::uint64_t high;
    std::uint64_t low;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      return static_cast<std::size_t>((key.high ^ (key.low * 0x9E3779B97F4A7C15ULL)) * 0xFF51AFD7ED558CCDULL);
    }
  };
  using Entry = std::pair<const Key, std::uint32_t>;

  Quotas* quotas_ = nullptr;
  Entry* entry_ = nullptr;
};

// Thread-safe. The map of addresses has at most as many entries as there are connections.
class Quotas {
 public:
  Quotas(std::uint32_t max_total, std::uint32_t max_per_address)
      : max_total_(max_total), max_per_address_(max_per_address) {}

  // An empty token when there are as many connections as there may be.
  ConnectionToken acquire();
  std::uint32_t total() const { return total_.load(std::memory_order_relaxed); }

 private:
  friend class ConnectionToken;

  const std::uint32_t max_total_;
  const std::uint32_t max_per_address_;
  std::atomic<std::uint32_t> total_{0};
  std::mutex mutex_;
  std::unordered_map<ConnectionToken::Key, std::uint32_t, ConnectionToken::KeyHash>
      by_address_;  // guarded by mutex_
};

}  // namespace godwit::net
