#include "auth/proof.h"

namespace godwit::auth {
namespace {

// Appends fields after "context\0"; a field of a wrong length spoils the whole.
class Input {
 public:
  explicit Input(std::string_view context) : bytes_(context) { bytes_.push_back('\0'); }

  Input& fixed(std::string_view field, std::size_t length) {
    good_ = good_ && field.size() == length;
    bytes_.append(field);
    return *this;
  }
  Input& rest(std::string_view field) {
    bytes_.append(field);
    return *this;
  }
  template <class Id>
  Input& id(Id id) {
    for (int shift = static_cast<int>(sizeof(id.value)) * 8 - 8; shift >= 0; shift -= 8) {
      bytes_.push_back(static_cast<char>((id.value >> shift) & 0xFF));
    }
    return *this;
  }
  std::string take() { return good_ ? std::move(bytes_) : std::string(); }

 private:
  std::string bytes_;
  bool good_ = true;
};

}  // namespace

std::string hello_input(std::string_view nonce, std::string_view token) {
  return Input("godwit/v1/hello").fixed(nonce, kNonceBytes).rest(token).take();
}

std::string register_input(std::string_view nonce, std::string_view device_key, std::string_view handle) {
  return Input("godwit/v1/register")
      .fixed(nonce, kNonceBytes)
      .fixed(device_key, kEd25519KeyBytes)
      .rest(handle)
      .take();
}

std::string refresh_input(std::string_view nonce, UserId user, DeviceId device) {
  return Input("godwit/v1/refresh").fixed(nonce, kNonceBytes).id(user).id(device).take();
}

std::string link_begin_input(std::string_view nonce, std::string_view device_key) {
  return Input("godwit/v1/link-begin").fixed(nonce, kNonceBytes).fixed(device_key, kEd25519KeyBytes).take();
}

std::string link_approve_input(std::string_view link_id, std::string_view device_key, UserId user) {
  return Input("godwit/v1/link-approve")
      .fixed(link_id, kLinkIdBytes)
      .fixed(device_key, kEd25519KeyBytes)
      .id(user)
      .take();
}

std::string delete_account_input(std::string_view nonce, UserId user) {
  return Input("godwit/v1/delete-account").fixed(nonce, kNonceBytes).id(user).take();
}

bool verify_proof(std::string_view device_key, std::string_view input, std::string_view signature) {
  return !input.empty() && verify_ed25519(device_key, input, signature);
}

}  // namespace godwit::auth
