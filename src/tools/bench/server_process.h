// What the daemon under test uses, read from /proc.
#pragma once

#include <cstdint>
#include <string>

namespace godwit::bench {

struct Usage {
  bool known = false;
  double cpu_s = 0;             // user and system time of all threads since its start
  std::uint64_t rss_bytes = 0;  // resident now
};

// The process may come and go: every sample finds it anew. Without a pid nothing is known.
class ServerProcess {
 public:
  // The pid file is read at every sample, since a restarted daemon has another pid. 0 and "" mean none.
  ServerProcess(int pid, std::string pid_file) : pid_(pid), pid_file_(std::move(pid_file)) {}
  Usage sample() const;

 private:
  int pid_;
  std::string pid_file_;
};

// CPU seconds of this process so far.
double own_cpu_s();
// Raises the limit of open descriptors as far as it goes; returns it.
std::uint64_t raise_descriptor_limit();

}  // namespace godwit::bench
