#include "router/registry.h"

#include <algorithm>

namespace godwit {

void Registry::add(UserId user, Subscriber& subscriber) {
  eject(user, subscriber.device(), CloseReason::replaced);
  users_[user].devices.push_back(&subscriber);
}

void Registry::remove(UserId user, Subscriber& subscriber) {
  const auto it = users_.find(user);
  if (it == users_.end()) return;
  Devices& devices = it->second.devices;
  devices.erase(std::remove(devices.begin(), devices.end(), &subscriber), devices.end());
  if (devices.empty()) users_.erase(it);
}

Registry::User* Registry::find(UserId user) {
  const auto it = users_.find(user);
  return it != users_.end() ? &it->second : nullptr;
}

Subscriber* Registry::find(UserId user, DeviceId device) {
  const User* entry = find(user);
  if (entry == nullptr) return nullptr;
  const auto it = std::find_if(entry->devices.begin(), entry->devices.end(),
                               [&](const Subscriber* s) { return s->device() == device; });
  return it != entry->devices.end() ? *it : nullptr;
}

bool Registry::online(UserId user, DeviceId device) {
  return find(user, device) != nullptr;
}

void Registry::eject(UserId user, DeviceId device, CloseReason reason) {
  User* entry = find(user);
  if (entry == nullptr) return;
  const Devices devices = entry->devices;  // on_ejected() removes from the original
  for (Subscriber* subscriber : devices) {
    if (subscriber->device() == device) subscriber->on_ejected(reason);
  }
}

void Registry::eject_all(UserId user, CloseReason reason) {
  User* entry = find(user);
  if (entry == nullptr) return;
  const Devices devices = entry->devices;
  for (Subscriber* subscriber : devices) subscriber->on_ejected(reason);
}

}  // namespace godwit
