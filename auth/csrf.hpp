// Csrf: the tokens that forms and programs on our pages send back. Bound to the session, so that a
// cookie planted by a neighbouring host is of no use (CVE-2024-28233). Before the sign-in they are
// bound to a random visitor cookie.
#pragma once

#include <string>
#include <string_view>

namespace passerelle::auth {

/// Immutable; any thread.
class Csrf {
 public:
  /// `key`: 32 secret bytes that survive a restart, so that open pages go on working.
  explicit Csrf(std::string key);

  std::string token(std::string_view session_id) const;
  bool check(std::string_view session_id, std::string_view presented) const;

  /// For the sign-in form: the cookie holds a random visitor value, the form this token of it.
  std::string visitor_token(std::string_view visitor) const;
  bool check_visitor(std::string_view visitor, std::string_view presented) const;

 private:
  std::string sign(std::string_view purpose, std::string_view what) const;

  std::string key_;
};

}  // namespace passerelle::auth
