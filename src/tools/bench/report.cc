#include "tools/bench/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace godwit::bench {
namespace {

using Json = nlohmann::ordered_json;

double rounded(double value) {
  return std::round(value * 100) / 100;
}

std::string with_separators(std::uint64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

std::string shown(const Json& value) {
  if (value.is_number_unsigned()) return with_separators(value.get<std::uint64_t>());
  if (value.is_number_float() && value.get<double>() < 1000) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.2f", value.get<double>());
    return text.data();
  }
  if (value.is_number_float()) {
    return with_separators(static_cast<std::uint64_t>(std::llround(value.get<double>())));
  }
  return value.is_string() ? value.get<std::string>() : value.dump();
}

void print_rows(const std::string& prefix, const Json& object) {
  for (const auto& [name, value] : object.items()) {
    if (value.is_object()) {
      print_rows(prefix + name + ".", value);
    } else {
      const bool figure = prefix != "parameters.";
      std::printf("  %-44s %s\n", (prefix + name).c_str(),
                  figure ? shown(value).c_str() : value.dump().c_str());
    }
  }
}

Json parameters(const Options& options, std::uint64_t seed) {
  return {{"url", options.url},         {"seed", seed},
          {"threads", options.threads}, {"payload", options.payload},
          {"seconds", options.seconds}, {"rate", options.rate},
          {"window", options.window},   {"window_on", options.window_on_sent ? "sent" : "delivered"},
          {"both", options.both},       {"ack_delay_ms", options.ack_delay_ms}};
}

}  // namespace

double per_second(std::uint64_t count, std::int64_t ns) {
  return ns <= 0 ? 0
                 : rounded(static_cast<double>(count) * static_cast<double>(kNsPerSecond) /
                           static_cast<double>(ns));
}

Report::Report(const Options& options, std::uint64_t seed) {
  json_["scenario"] = options.scenario;
  json_["parameters"] = parameters(options, seed);
}

void Report::set(const std::string& name, double value) {
  json_[name] = rounded(value);
}

void Report::set_latency(const std::string& name, const Histogram& histogram) {
  const auto us = [&](double fraction) {
    return rounded(static_cast<double>(histogram.percentile(fraction)) / 1000);
  };
  json_["latency_us"][name] = {{"p50", us(0.5)},
                               {"p99", us(0.99)},
                               {"p999", us(0.999)},
                               {"max", rounded(static_cast<double>(histogram.max()) / 1000)},
                               {"count", histogram.count()}};
}

void Report::set_bytes(const Tally& traffic) {
  const auto each = [&](Counter bytes, Counter messages) {
    const std::uint64_t count = traffic[messages];
    return count == 0 ? 0.0 : rounded(static_cast<double>(traffic[bytes]) / static_cast<double>(count));
  };
  const double sent = each(Counter::sent_bytes, Counter::stored);
  const double ack = each(Counter::ack_bytes, Counter::delivered);
  const double watermark = each(Counter::watermark_bytes, Counter::delivered);
  json_["bytes_per_message"] = {{"send", each(Counter::send_bytes, Counter::sends)},
                                {"deliver", each(Counter::deliver_bytes, Counter::delivered)},
                                {"sent", sent},
                                {"ack", ack},
                                {"watermark", watermark},
                                {"acknowledgements", rounded(sent + ack + watermark)}};
}

void Report::set_server(const Usage& before, const Usage& after, std::uint64_t messages) {
  if (!before.known || !after.known) return;
  const double cpu = std::max(after.cpu_s - before.cpu_s, 0.0);
  json_["server_rss_bytes"] = after.rss_bytes;
  json_["server_cpu_s"] = rounded(cpu);
  if (messages > 0) json_["server_cpu_s_per_million"] = rounded(cpu * 1e6 / static_cast<double>(messages));
}

void Report::set_generator(double cpu_s, std::int64_t ns) {
  json_["generator_cpu_s"] = rounded(cpu_s);
  json_["generator_cpu_cores"] =
      rounded(ns <= 0 ? 0 : cpu_s * static_cast<double>(kNsPerSecond) / static_cast<double>(ns));
}

void Report::set_verdict(const Tally& run, const Faults& faults, std::uint64_t lost) {
  json_["totals"] = {{"sends", run[Counter::sends]},
                     {"stored", run[Counter::stored]},
                     {"delivered", run[Counter::delivered]},
                     {"logins", run[Counter::logins]},
                     {"login_retries", run[Counter::login_retries]},
                     {"resends", run[Counter::resends]},
                     {"drops", run[Counter::drops]},
                     {"repeats_dropped", run[Counter::repeats]},
                     {"foreign", run[Counter::foreign]},
                     {"held_back", run[Counter::held_back]}};
  json_["faults"] = faults.empty() ? Json::object() : Json(faults);
  fail_if("lost", lost);
  fail_if("duplicated", run[Counter::duplicated]);
  fail_if("out_of_order", run[Counter::out_of_order]);
  fail_if("corrupt", run[Counter::corrupt]);
  fail_if("mismatched", run[Counter::mismatched]);
  fail_if("inbox_holes", run[Counter::holes]);
  fail_if("gap_entries", run[Counter::gaps]);
  fail_if("errors", run[Counter::errors]);
}

void Report::fail_if(const std::string& name, std::uint64_t count) {
  json_[name] = count;
  if (count > 0) fail(name + " " + std::to_string(count));
}

void Report::fail(const std::string& why) {
  failures_.push_back(why);
}

void Report::print() const {
  print_rows("", json_);
  if (!failed()) {
    std::printf("  verified: every message arrived once and in order\n");
    return;
  }
  for (const Json& failure : failures_) std::printf("  FAILED: %s\n", failure.get<std::string>().c_str());
}

void Report::write(const std::string& file) const {
  Json whole = json_;
  whole["ok"] = !failed();
  whole["failures"] = failures_;
  std::ofstream out(file);
  out << whole.dump(2) << '\n';
  if (!out.flush()) throw std::runtime_error(file + " cannot be written");
}

}  // namespace godwit::bench
