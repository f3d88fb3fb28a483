#include "tools/cli/message_store.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "godwit.pb.h"

namespace godwit::cli {
namespace {

constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kHeaderBytes = 4 + kChecksumBytes;
// No envelope comes near it; a larger length is damage.
constexpr std::uint32_t kMaxBodyBytes = 16 << 20;

using Checksum = std::array<char, kChecksumBytes>;

// BLAKE2b has no output under 16 bytes in libsodium, so the first 8 of them.
Checksum checksum_of(std::string_view body) {
  std::array<unsigned char, 16> full{};
  crypto_generichash(full.data(), full.size(), reinterpret_cast<const unsigned char*>(body.data()),
                     body.size(), nullptr, 0);
  Checksum out{};
  std::copy_n(full.begin(), out.size(), out.begin());
  return out;
}

enum class Read { whole, damaged, end };

struct Record {
  Read outcome = Read::end;
  std::string body;
};

// `damaged`: the length was plausible, so that reading can go on behind the record.
Record read_record(std::istream& in) {
  Record record;
  char header[kHeaderBytes];
  if (!in.read(header, sizeof header)) return record;
  std::uint32_t length = 0;
  for (int i = 3; i >= 0; --i) length = (length << 8) | static_cast<unsigned char>(header[i]);
  if (length > kMaxBodyBytes) return record;
  record.body.resize(length);
  if (!in.read(record.body.data(), length)) return record;
  Checksum stored{};
  std::copy_n(header + 4, stored.size(), stored.begin());
  record.outcome = stored == checksum_of(record.body) ? Read::whole : Read::damaged;
  return record;
}

}  // namespace

MessageStore::MessageStore(std::filesystem::path file, std::uint64_t trusted_bytes) : file_(std::move(file)) {
  fd_ = Fd(::open(file_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  struct stat info {};
  if (fd_.get() < 0 || ::fstat(fd_.get(), &info) != 0) {
    throw std::system_error(errno, std::generic_category(), file_.string());
  }
  size_ = static_cast<std::uint64_t>(info.st_size);
  cut_torn_tail(trusted_bytes);
}

void MessageStore::cut_torn_tail(std::uint64_t trusted_bytes) {
  std::uint64_t good = trusted_bytes <= size_ ? trusted_bytes : 0;
  std::ifstream in(file_, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(good));
  for (Record r = read_record(in); r.outcome == Read::whole; r = read_record(in)) {
    good += kHeaderBytes + r.body.size();
  }
  if (good == size_) return;
  if (::ftruncate(fd_.get(), static_cast<off_t>(good)) != 0) {
    throw std::system_error(errno, std::generic_category(), file_.string());
  }
  size_ = good;
}

std::uint64_t MessageStore::append(const v1::Envelope& envelope) {
  const std::string body = envelope.SerializeAsString();
  const Checksum checksum = checksum_of(body);
  std::string record;
  record.reserve(kHeaderBytes + body.size());
  for (int shift = 0; shift < 32; shift += 8)
    record.push_back(static_cast<char>((body.size() >> shift) & 0xFF));
  record.append(checksum.data(), checksum.size());
  record += body;
  write_all(fd_.get(), record);
  synced_ = false;
  size_ += record.size();
  return size_;
}

void MessageStore::sync() {
  if (synced_) return;
  if (::fdatasync(fd_.get()) != 0) throw std::system_error(errno, std::generic_category(), file_.string());
  synced_ = true;
}

void MessageStore::scan(std::uint64_t from, const Visitor& visit) const {
  std::ifstream in(file_, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(from));
  std::uint64_t offset = from;
  for (Record r = read_record(in); r.outcome != Read::end; r = read_record(in)) {
    offset += kHeaderBytes + r.body.size();
    v1::Envelope envelope;
    if (r.outcome == Read::damaged || !envelope.ParseFromString(r.body)) continue;
    if (!visit(envelope, offset)) return;
  }
}

}  // namespace godwit::cli
