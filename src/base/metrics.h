// Metrics in the Prometheus text format: counters, gauges and histograms, registered by name and kept for
// ever.
//
// A module asks for its metrics once, at construction, and keeps the references: they are valid as long as
// the Metrics, and counting with them is lock-free. Registering takes a lock.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace prometheus {
class Registry;
template <typename T>
class Family;
}  // namespace prometheus

namespace godwit {

using Counter = prometheus::Counter;
using Gauge = prometheus::Gauge;
using Histogram = prometheus::Histogram;

// Upper bounds of histogram buckets. Latencies in seconds, from a hop between workers to a stalled disk.
inline constexpr std::array kLatencyBuckets = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                               0.05,   0.1,     0.25,   0.5,   1.0,    2.5,   5.0,  10.0};
// Sizes in bytes, from an acknowledgement to a checkpoint.
inline constexpr std::array kByteBuckets = {64.0,    256.0,    1024.0,    4096.0,    16384.0,
                                            65536.0, 262144.0, 1048576.0, 4194304.0, 16777216.0};
// How many things went into one batch.
inline constexpr std::array kBatchBuckets = {1.0,   2.0,   4.0,   8.0,    16.0,   32.0,  64.0,
                                             128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0};

// Thread-safe. A wrong name throws std::invalid_argument, as it is a fault of the program found at start-up:
// names begin with "godwit_" and are [a-z0-9_]; a counter's ends in "_total", and no other's does; help is
// not empty; a name has one type. Asking again for the same name and labels returns the same metric.
class Metrics {
 public:
  using Labels = std::map<std::string, std::string>;

  // Holds the process_* metrics of this process from the start.
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  // `buckets` ascend, and are the same for every label set of one name.
  Histogram& histogram(const std::string& name, const std::string& help, std::span<const double> buckets,
                       const Labels& labels = {});

  // `collect` runs before each render, on the thread that renders, to set gauges whose source lives
  // elsewhere. What it refers to must outlive the last render.
  void add_collector(std::function<void()> collect);

  // Everything in the Prometheus text format 0.0.4. One render at a time; others wait. Touches /proc, so it
  // belongs on the admin thread and not on a worker.
  std::string render();

 private:
  template <class T>
  using Families = std::map<std::string, prometheus::Family<T>*>;

  void add_process_metrics();

  std::unique_ptr<prometheus::Registry> registry_;
  std::mutex families_mutex_;  // guards the four below
  Families<Counter> counters_;
  Families<Gauge> gauges_;
  Families<Histogram> histograms_;
  std::map<std::string, std::vector<double>> buckets_;
  std::mutex collectors_mutex_;  // guards collectors_, and is held while they run
  std::vector<std::function<void()>> collectors_;
};

// Brings `counter` up to `total`, a count kept elsewhere. It never goes down. For collectors only: two
// threads that raise the same counter at once would add twice.
void raise_to(Counter& counter, double total);

}  // namespace godwit
