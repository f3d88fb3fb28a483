#include "net/large_inputs.h"

#include <utility>

namespace godwit::net {

LargeInput::~LargeInput() {
  const std::lock_guard lock(all_.mutex_);
  all_.waiting_ -= waiting_;
  all_.bytes_ -= bytes_;
  if (bytes_ == 0) return;
  const auto mine = all_.of_owner_.find(owner_);
  mine->second -= bytes_;
  if (mine->second == 0) all_.of_owner_.erase(mine);
}

Room LargeInput::ask(std::size_t size, std::size_t here) {
  if (has_room()) return Room::given;
  const std::lock_guard lock(all_.mutex_);
  const auto mine = all_.of_owner_.find(owner_);
  const std::uint64_t of_owner = mine != all_.of_owner_.end() ? mine->second : 0;
  all_.waiting_ -= std::exchange(waiting_, 0);
  if (all_.bytes_ + size <= all_.limit_ && of_owner + size <= all_.share_) {
    bytes_ = size;
    all_.bytes_ += size;
    all_.of_owner_[owner_] = of_owner + size;
    return Room::given;
  }
  if (all_.waiting_ + here > all_.limit_) return Room::refused;
  waiting_ = here;
  all_.waiting_ += here;
  return Room::wait;
}

}  // namespace godwit::net
