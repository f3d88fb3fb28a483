// The result of a run: one JSON object, printed as a table for people.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "tools/bench/counters.h"
#include "tools/bench/fleet.h"
#include "tools/bench/histogram.h"

namespace godwit::bench {

// Figures in order of insertion. A run fails as soon as one `fail_if` was given a count above 0.
class Report {
 public:
  Report(const Options& options, std::uint64_t seed);

  void set(const std::string& name, std::uint64_t value) { json_[name] = value; }
  void set(const std::string& name, double value);  // rounded to hundredths
  nlohmann::ordered_json& operator[](const std::string& name) { return json_[name]; }
  // Nanoseconds in, microseconds out: p50, p99, p999, max, count.
  void set_latency(const std::string& name, const Histogram& histogram);
  // Bytes on the wire per message, by kind of frame, with WebSocket headers.
  void set_bytes(const Tally& traffic);
  // Server CPU between the samples, also per million of `messages`; resident bytes at the end.
  void set_server(const Usage& before, const Usage& after, std::uint64_t messages);
  // CPU of this tool over so many nanoseconds.
  void set_generator(double cpu_s, std::int64_t ns);
  // Everything that went wrong over the whole run; what the verification found makes the run fail.
  void set_verdict(const Tally& whole_run, const Faults& faults, std::uint64_t lost);
  void fail_if(const std::string& name, std::uint64_t count);
  // The run fails for this reason.
  void fail(const std::string& why);

  bool failed() const { return !failures_.empty(); }
  void print() const;
  // Throws std::runtime_error.
  void write(const std::string& file) const;

 private:
  nlohmann::ordered_json json_;
  nlohmann::ordered_json failures_ = nlohmann::ordered_json::array();
};

// `count` per second over `ns`.
double per_second(std::uint64_t count, std::int64_t ns);

}  // namespace godwit::bench
