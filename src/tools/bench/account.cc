#include "tools/bench/account.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "base/random.h"

namespace godwit::bench {
namespace {

std::string unhex(const std::string& text) {
  std::string bytes(text.size() / 2, '\0');
  std::size_t count = 0;
  if (sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(), text.size(),
                     nullptr, &count, nullptr) != 0) {
    return {};
  }
  bytes.resize(count);
  return bytes;
}

Account parse_account(const std::string& line) {
  std::istringstream in(line);
  std::string handle;
  std::uint64_t user = 0;
  std::uint32_t device = 0;
  std::string seed;
  std::int64_t expires = 0;
  std::string token;
  in >> handle >> user >> device >> seed >> expires;
  if (!in || user == 0) throw std::runtime_error("not an account: " + handle);
  in >> token;
  return {handle, UserId(user), DeviceId(device), auth::DeviceKey::from_seed(unhex(seed)), token, expires};
}

}  // namespace

std::vector<Account> load_accounts(const std::string& file) {
  std::vector<Account> accounts;
  if (file.empty()) return accounts;
  std::ifstream in(file);
  if (!in) {
    if (errno == ENOENT) return accounts;
    throw std::runtime_error(file + ": " + std::strerror(errno));
  }
  for (std::string line; std::getline(in, line);) accounts.push_back(parse_account(line));
  return accounts;
}

void save_accounts(const std::string& file, const std::vector<Account>& accounts) {
  const std::string next = file + ".new";
  const int fd = ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  std::unique_ptr<FILE, int (*)(FILE*)> out(fd < 0 ? nullptr : ::fdopen(fd, "w"), std::fclose);
  if (!out) throw std::runtime_error(next + ": " + std::strerror(errno));
  for (const Account& account : accounts) {
    if (!account.registered()) continue;
    std::fprintf(out.get(), "%s %llu %u %s %lld %s\n", account.handle.c_str(),
                 static_cast<unsigned long long>(account.user.value), account.device.value,
                 hex(account.key.seed()).c_str(), static_cast<long long>(account.token_expires_ms),
                 account.token.c_str());
  }
  if (std::fflush(out.get()) != 0 || std::rename(next.c_str(), file.c_str()) != 0) {
    throw std::runtime_error(file + ": " + std::strerror(errno));
  }
}

}  // namespace godwit::bench
