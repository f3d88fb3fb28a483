#include "base/metrics.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <regex>
#include <stdexcept>
#include <string>

namespace godwit {
namespace {

bool holds_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

// The sample of a metric without labels, or -1.
double sample(const std::string& text, const std::string& name) {
  std::smatch match;
  if (!std::regex_search(text, match, std::regex("(^|\n)" + name + " ([0-9.e+]+)"))) return -1;
  return std::stod(match[2]);
}

TEST(MetricsTest, counter_counted_is_rendered_with_help_type_and_labels) {
  Metrics metrics;
  metrics.counter("godwit_frames_total", "Frames read.", {{"kind", "send"}}).Increment(3);
  metrics.counter("godwit_frames_total", "Frames read.", {{"kind", "ack"}}).Increment();
  const std::string text = metrics.render();
  EXPECT_TRUE(holds_line(text, "# HELP godwit_frames_total Frames read.")) << text;
  EXPECT_TRUE(holds_line(text, "# TYPE godwit_frames_total counter")) << text;
  EXPECT_TRUE(holds_line(text, "godwit_frames_total{kind=\"send\"} 3")) << text;
  EXPECT_TRUE(holds_line(text, "godwit_frames_total{kind=\"ack\"} 1")) << text;
}

TEST(MetricsTest, same_name_and_labels_twice_is_the_same_metric) {
  Metrics metrics;
  Counter& first = metrics.counter("godwit_frames_total", "Frames read.", {{"kind", "send"}});
  EXPECT_EQ(&first, &metrics.counter("godwit_frames_total", "Frames read.", {{"kind", "send"}}));
  Histogram& latency = metrics.histogram("godwit_sync_seconds", "Time of a sync.", kLatencyBuckets);
  EXPECT_EQ(&latency, &metrics.histogram("godwit_sync_seconds", "Time of a sync.", kLatencyBuckets));
}

TEST(MetricsTest, histogram_observed_falls_into_its_buckets) {
  Metrics metrics;
  Histogram& latency = metrics.histogram("godwit_sync_seconds", "Time of a sync.", kLatencyBuckets);
  latency.Observe(0.003);
  latency.Observe(99);
  const std::string text = metrics.render();
  EXPECT_TRUE(holds_line(text, "godwit_sync_seconds_bucket{le=\"0.0025\"} 0")) << text;
  EXPECT_TRUE(holds_line(text, "godwit_sync_seconds_bucket{le=\"0.005\"} 1")) << text;
  EXPECT_TRUE(holds_line(text, "godwit_sync_seconds_bucket{le=\"+Inf\"} 2")) << text;
}

TEST(MetricsTest, collector_runs_before_each_render) {
  Metrics metrics;
  Gauge& depth = metrics.gauge("godwit_queue_bytes", "Bytes queued.");
  int renders = 0;
  metrics.add_collector([&] { depth.Set(++renders * 10); });
  EXPECT_EQ(sample(metrics.render(), "godwit_queue_bytes"), 10);
  EXPECT_EQ(sample(metrics.render(), "godwit_queue_bytes"), 20);
}

TEST(MetricsTest, wrong_name_is_refused) {
  Metrics metrics;
  EXPECT_THROW(metrics.counter("godwit_frames", "No _total."), std::invalid_argument);
  EXPECT_THROW(metrics.gauge("godwit_depth_total", "A gauge."), std::invalid_argument);
  EXPECT_THROW(metrics.gauge("depth", "No prefix."), std::invalid_argument);
  EXPECT_THROW(metrics.gauge("godwit_Depth", "Upper case."), std::invalid_argument);
  EXPECT_THROW(metrics.gauge("godwit_depth", ""), std::invalid_argument);
}

TEST(MetricsTest, name_of_another_type_or_with_other_buckets_is_refused) {
  Metrics metrics;
  metrics.gauge("godwit_depth", "A gauge.");
  EXPECT_THROW(metrics.histogram("godwit_depth", "A histogram.", kByteBuckets), std::invalid_argument);
  metrics.histogram("godwit_frame_bytes", "Size.", kByteBuckets);
  EXPECT_THROW(metrics.gauge("godwit_frame_bytes", "A gauge."), std::invalid_argument);
  EXPECT_THROW(metrics.histogram("godwit_frame_bytes", "Size.", kBatchBuckets), std::invalid_argument);
  const double descending[] = {2.0, 1.0};
  EXPECT_THROW(metrics.histogram("godwit_batch", "Size.", descending), std::invalid_argument);
}

TEST(MetricsTest, raise_to_never_lowers) {
  Metrics metrics;
  Counter& counter = metrics.counter("godwit_seen_total", "Seen.");
  raise_to(counter, 5);
  raise_to(counter, 3);
  EXPECT_EQ(counter.Value(), 5);
}

TEST(MetricsTest, process_metrics_are_those_of_this_process) {
  Metrics metrics;
  const std::string text = metrics.render();
  EXPECT_GT(sample(text, "process_resident_memory_bytes"), 1e6);
  EXPECT_GT(sample(text, "process_virtual_memory_bytes"), sample(text, "process_resident_memory_bytes"));
  EXPECT_GE(sample(text, "process_open_fds"), 3);
  EXPECT_GE(sample(text, "process_max_fds"), sample(text, "process_open_fds"));
  EXPECT_GE(sample(text, "process_cpu_seconds_total"), 0);
  const auto now = static_cast<double>(std::time(nullptr));
  EXPECT_NEAR(sample(text, "process_start_time_seconds"), now, 600);
}

TEST(MetricsTest, opened_file_raises_the_number_of_descriptors) {
  Metrics metrics;
  const double before = sample(metrics.render(), "process_open_fds");
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(sample(metrics.render(), "process_open_fds"), before + 1);
  std::fclose(file);
}

TEST(MetricsTest, render_passes_promtool) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) {
    // Not a skip: the names are held by check_name as well. The machine that releases has promtool.
    SUCCEED() << "promtool is not installed";
    return;
  }
  Metrics metrics;
  metrics.counter("godwit_frames_total", "Frames read.", {{"kind", "send \"quoted\"\n"}}).Increment();
  metrics.gauge("godwit_queue_bytes", "Bytes queued.").Set(1.5);
  metrics.histogram("godwit_sync_seconds", "Time of a sync.", kLatencyBuckets).Observe(0.1);
  metrics.histogram("godwit_frame_bytes", "Size of a frame.", kByteBuckets).Observe(100);
  std::FILE* tool = ::popen("promtool check metrics 2>&1 >/dev/null", "w");
  ASSERT_NE(tool, nullptr);
  const std::string text = metrics.render();
  std::fwrite(text.data(), 1, text.size(), tool);
  EXPECT_EQ(::pclose(tool), 0) << text;
}

}  // namespace
}  // namespace godwit
