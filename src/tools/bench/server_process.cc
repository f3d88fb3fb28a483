#include "tools/bench/server_process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace godwit::bench {

Usage ServerProcess::sample() const {
  int pid = pid_;
  if (!pid_file_.empty()) std::ifstream(pid_file_) >> pid;
  if (pid <= 0) return {};
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(in, line)) return {};
  // The command in parentheses may hold blanks; what follows it are plain fields, the state being the third.
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  fields >> user >> system;
  for (int field = 16; field < 24; ++field) fields >> skipped;
  std::uint64_t pages = 0;
  fields >> pages;
  if (!fields) return {};
  return {true, static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK)),
          pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE))};
}

double own_cpu_s() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  // Root may go beyond the hard limit, up to fs.nr_open.
  rlim_t most = limit.rlim_max;
  std::ifstream("/proc/sys/fs/nr_open") >> most;
  const rlimit higher{most, most};
  if (setrlimit(RLIMIT_NOFILE, &higher) != 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace godwit::bench
