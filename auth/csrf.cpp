#include "auth/csrf.hpp"

#include "base/secrets.hpp"

namespace passerelle::auth {

Csrf::Csrf(std::string key) : key_(std::move(key)) {}

std::string Csrf::sign(std::string_view purpose, std::string_view what) const {
  const std::string data = std::string(purpose) + ':' + std::string(what);
  const secrets::Digest digest = secrets::hmac_sha256(key_, data);
  return secrets::to_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string Csrf::token(std::string_view session_id) const {
  return sign("session", session_id);
}

bool Csrf::check(std::string_view session_id, std::string_view presented) const {
  return !session_id.empty() && secrets::equal(token(session_id), presented);
}

std::string Csrf::visitor_token(std::string_view visitor) const {
  return sign("visitor", visitor);
}

bool Csrf::check_visitor(std::string_view visitor, std::string_view presented) const {
  return !visitor.empty() && secrets::equal(visitor_token(visitor), presented);
}

}  // namespace passerelle::auth
