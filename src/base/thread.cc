#include "base/thread.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace godwit {
namespace {

constexpr int kBulkNice = 5;
// The least and the most that the kernel grants. Who asks for more at a time is chosen later.
constexpr std::uint64_t kShortSliceNs = 100'000;
constexpr std::uint64_t kLongSliceNs = 100'000'000;

// struct sched_attr of sched_setattr(2), which glibc 2.36 does not declare.
struct SchedAttr {
  std::uint32_t size = sizeof(SchedAttr);
  std::uint32_t policy = 0;  // SCHED_OTHER
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = 0;
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};

void set_slice(int nice, std::uint64_t slice_ns) {
  SchedAttr attributes;
  attributes.nice = nice;
  attributes.runtime_ns = slice_ns;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace

void begin_responsive_thread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.c_str());
  set_slice(getpriority(PRIO_PROCESS, 0), kShortSliceNs);
}

void begin_bulk_thread() {
  set_slice(kBulkNice, kLongSliceNs);
}

}  // namespace godwit
