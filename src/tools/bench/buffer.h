// Bytes on their way out: appended at the end, taken from the front.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace godwit::bench {

// Unlike std::string it does not clear what grow() hands out, which would cost a pass over every payload.
// Bound: none of its own; senders look at size() before they add more.
class Buffer {
 public:
  // `count` more bytes, which the caller fills before anything else is called.
  char* grow(std::size_t count) {
    if (end_ + count > capacity_) make_room(count);
    char* at = data_.get() + end_;
    end_ += count;
    return at;
  }
  void append(std::string_view bytes) { std::memcpy(grow(bytes.size()), bytes.data(), bytes.size()); }

  std::string_view pending() const { return {data_.get() + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  void consume(std::size_t count) {
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Gives the memory back; what was pending is dropped.
  void release() {
    data_.reset();
    begin_ = end_ = capacity_ = 0;
  }

 private:
  void make_room(std::size_t count) {
    const std::size_t pending_bytes = size();
    std::size_t capacity = capacity_ == 0 ? 512 : capacity_;
    while (capacity < pending_bytes + count) capacity *= 2;
    std::unique_ptr<char[]> data(new char[capacity]);
    if (pending_bytes > 0) std::memcpy(data.get(), data_.get() + begin_, pending_bytes);
    data_ = std::move(data);
    capacity_ = capacity;
    begin_ = 0;
    end_ = pending_bytes;
  }

  std::unique_ptr<char[]> data_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace godwit::bench
