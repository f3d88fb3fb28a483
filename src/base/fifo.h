// A queue in one block of memory that costs nothing when empty: there are millions of them.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace godwit {

template <class T>
class Fifo {
 public:
  bool empty() const { return head_ == items_.size(); }
  std::size_t size() const { return items_.size() - head_; }
  T& operator[](std::size_t i) { return items_[head_ + i]; }
  const T& operator[](std::size_t i) const { return items_[head_ + i]; }
  T& front() { return items_[head_]; }
  const T& front() const { return items_[head_]; }
  const T& back() const { return items_.back(); }
  T& back() { return items_.back(); }

  void push_back(T item) { items_.push_back(std::move(item)); }

  void pop_front() {
    items_[head_] = T{};
    ++head_;
    if (empty()) {
      head_ = 0;
      items_.clear();
      if (items_.capacity() > kKeep) items_.shrink_to_fit();
    } else if (head_ >= kKeep && head_ * 2 >= items_.size()) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
  }

  void clear() {
    items_ = {};
    head_ = 0;
  }

 private:
  static constexpr std::size_t kKeep = 16;
  std::vector<T> items_;
  std::size_t head_ = 0;
};

}  // namespace godwit
