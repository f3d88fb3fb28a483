#include "base/metrics.h"

#include <prometheus/family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace godwit {
namespace {

struct ProcessUsage {
  double virtual_bytes = 0;
  double resident_bytes = 0;
  double open_fds = 0;
  double max_fds = 0;
  double cpu_seconds = 0;
};

double open_file_descriptors() {
  // Linux since 6.2 gives their number as the size of the folder; before, the folder must be read.
  struct stat info {};
  if (::stat("/proc/self/fd", &info) == 0 && info.st_size > 0) return static_cast<double>(info.st_size);
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  double count = 0;
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) ++count;
  return std::max(0.0, count - 1);  // the folder itself was open
}

ProcessUsage read_process_usage() {
  ProcessUsage usage;
  std::ifstream statm("/proc/self/statm");
  double virtual_pages = 0;
  double resident_pages = 0;
  if (statm >> virtual_pages >> resident_pages) {
    const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    usage.virtual_bytes = virtual_pages * page;
    usage.resident_bytes = resident_pages * page;
  }
  usage.open_fds = open_file_descriptors();
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) usage.max_fds = static_cast<double>(files.rlim_cur);
  rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) == 0) {
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    usage.cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
  }
  return usage;
}

// Seconds since the Unix epoch at which this process started; 0 if /proc does not tell (proc(5)).
double process_start_time() {
  std::ifstream self("/proc/self/stat");
  std::string line;
  std::getline(self, line);
  // The second field is the program's name in parentheses and may hold anything; the start is field 22.
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream rest(line.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) rest >> field;
  double boot = 0;
  std::ifstream system("/proc/stat");
  while (std::getline(system, line)) {
    if (line.starts_with("btime ")) boot = std::stod(line.substr(6));
  }
  if (field.empty() || boot == 0) return 0;
  return boot + std::stod(field) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// A counter cannot share its name with another type, as only its name ends in _total.
void check_name(const std::string& name, const std::string& help, bool is_counter) {
  const bool clean = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (!clean || !name.starts_with("godwit_")) {
    throw std::invalid_argument("metric " + name + ": a name is godwit_ and then [a-z0-9_]");
  }
  if (name.ends_with("_total") != is_counter) {
    throw std::invalid_argument("metric " + name + ": counters, and only they, end in _total");
  }
  if (help.empty()) throw std::invalid_argument("metric " + name + ": the help text is empty");
}

}  // namespace

Metrics::Metrics() : registry_(std::make_unique<prometheus::Registry>()) {
  add_process_metrics();
}

Metrics::~Metrics() = default;

Counter& Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
  const std::lock_guard lock(families_mutex_);
  check_name(name, help, true);
  auto& family = counters_[name];
  if (family == nullptr) family = &prometheus::BuildCounter().Name(name).Help(help).Register(*registry_);
  return family->Add(labels);
}

Gauge& Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  const std::lock_guard lock(families_mutex_);
  check_name(name, help, false);
  if (histograms_.contains(name))
    throw std::invalid_argument("metric " + name + ": registered with another type");
  auto& family = gauges_[name];
  if (family == nullptr) family = &prometheus::BuildGauge().Name(name).Help(help).Register(*registry_);
  return family->Add(labels);
}

Histogram& Metrics::histogram(const std::string& name, const std::string& help,
                              std::span<const double> buckets, const Labels& labels) {
  const std::lock_guard lock(families_mutex_);
  check_name(name, help, false);
  if (gauges_.contains(name))
    throw std::invalid_argument("metric " + name + ": registered with another type");
  std::vector<double> bounds(buckets.begin(), buckets.end());
  if (std::adjacent_find(bounds.begin(), bounds.end(), std::greater_equal<>()) != bounds.end()) {
    throw std::invalid_argument("metric " + name + ": the buckets do not ascend");
  }
  auto& family = histograms_[name];
  if (family == nullptr) {
    family = &prometheus::BuildHistogram().Name(name).Help(help).Register(*registry_);
    buckets_[name] = bounds;
  } else if (buckets_[name] != bounds) {
    throw std::invalid_argument("metric " + name + ": registered with other buckets");
  }
  return family->Add(labels, bounds);
}

void Metrics::add_collector(std::function<void()> collect) {
  const std::lock_guard lock(collectors_mutex_);
  collectors_.push_back(std::move(collect));
}

std::string Metrics::render() {
  const std::lock_guard lock(collectors_mutex_);
  for (const auto& collect : collectors_) collect();
  return prometheus::TextSerializer().Serialize(registry_->Collect());
}

// Named as every Prometheus client library names them, so outside check_name's prefix.
void Metrics::add_process_metrics() {
  const auto gauge = [&](const char* name, const char* help) -> Gauge& {
    return prometheus::BuildGauge().Name(name).Help(help).Register(*registry_).Add({});
  };
  Gauge& resident = gauge("process_resident_memory_bytes", "Resident memory size in bytes.");
  Gauge& virtual_size = gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.");
  Gauge& open_fds = gauge("process_open_fds", "Number of open file descriptors.");
  Gauge& max_fds = gauge("process_max_fds", "Maximum number of open file descriptors.");
  Counter& cpu = prometheus::BuildCounter()
                     .Name("process_cpu_seconds_total")
                     .Help("Total user and system CPU time spent in seconds.")
                     .Register(*registry_)
                     .Add({});
  gauge("process_start_time_seconds", "Start time of the process since the Unix epoch in seconds.")
      .Set(process_start_time());
  add_collector([&resident, &virtual_size, &open_fds, &max_fds, &cpu] {
    const ProcessUsage usage = read_process_usage();
    resident.Set(usage.resident_bytes);
    virtual_size.Set(usage.virtual_bytes);
    open_fds.Set(usage.open_fds);
    max_fds.Set(usage.max_fds);
    raise_to(cpu, usage.cpu_seconds);
  });
}

void raise_to(Counter& counter, double total) {
  const double missing = total - counter.Value();
  if (missing > 0) counter.Increment(missing);
}

}  // namespace godwit
