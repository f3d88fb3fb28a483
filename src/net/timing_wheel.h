// Deadlines of many connections without a timer for each.
#pragma once

#include <array>
#include <cstdint>

namespace godwit::net {

// A place in a wheel slot: a link of a circular list. Not linked when it points to itself.
class WheelNode {
 public:
  WheelNode() : previous_(this), next_(this) {}
  ~WheelNode() { unlink(); }
  WheelNode(const WheelNode&) = delete;
  WheelNode& operator=(const WheelNode&) = delete;

  bool is_linked() const { return next_ != this; }
  void unlink() {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }

 private:
  template <class T>
  friend class TimingWheel;

  void insert_before(WheelNode& other) {
    previous_ = other.previous_;
    next_ = &other;
    previous_->next_ = this;
    other.previous_ = this;
  }

  WheelNode* previous_;
  WheelNode* next_;
};

// A hashed wheel of kSlots ticks, lazy: a T looks at its deadline only when its slot comes by, and a deadline
// that has moved on is simply entered again. T derives from WheelNode and says when it is due by
// `std::uint32_t due_tick()`. The wheel links, but does not own.
template <class T>
class TimingWheel {
 public:
  static constexpr std::uint32_t kSlots = 512;

  std::uint32_t now() const { return now_; }

  // (Re-)enters `item` for its present due_tick(), the next tick at the earliest.
  void schedule(T& item) {
    WheelNode& node = item;
    node.unlink();
    const std::uint32_t due = item.due_tick();
    std::uint32_t wait = due > now_ ? due - now_ : 1;
    if (wait > kSlots - 1) wait = kSlots - 1;
    node.insert_before(slots_[(now_ + wait) % kSlots]);
  }

  // One tick later: `expired(item)` for each that is due. It may schedule and unlink as it likes.
  template <class F>
  void advance(F expired) {
    ++now_;
    WheelNode due_now;
    take_slot(slots_[now_ % kSlots], due_now);
    while (due_now.is_linked()) {
      T& item = static_cast<T&>(*due_now.next_);
      const bool expires = item.due_tick() <= now_;
      schedule(item);
      if (expires) expired(item);
    }
  }

  // `visit(item)` for each; it may unlink the item it is given, and no other.
  template <class F>
  void for_each(F visit) {
    for (WheelNode& slot : slots_) {
      for (WheelNode* node = slot.next_; node != &slot;) {
        WheelNode* const next = node->next_;
        visit(static_cast<T&>(*node));
        node = next;
      }
    }
  }

 private:
  static void take_slot(WheelNode& slot, WheelNode& into) {
    if (!slot.is_linked()) return;
    into.insert_before(slot);
    slot.unlink();
  }

  std::uint32_t now_ = 1;
  std::array<WheelNode, kSlots> slots_;
};

}  // namespace godwit::net
