// Our own keys: platforms verify with them what we ask for and send. Made by themselves, kept
// sealed in the store, replaced every quarter: a new key is published a day before it signs, and
// an old one stays published for a day after, as platforms keep what they fetched.
#pragma once

#include <string>
#include <vector>

#include "auth/authenticator.hpp"
#include "auth/jwt.hpp"

namespace passerelle::auth::lti13 {

/// The hub's loop only.
class ToolKeys {
 public:
  explicit ToolKeys(const Surroundings& around) : around_(around) {}

  /// The key that signs now.
  Task<Result<jwt::Key>> signing();
  /// The key set, as platforms fetch it.
  Task<Result<std::string>> published();

 private:
  struct Kept {
    jwt::Key key;
    std::string pem;
    Instant made{};
  };
  Task<Result<void>> refresh();
  Task<Result<Kept>> make();
  Result<std::vector<Kept>> read(const std::string& sealed) const;
  std::string seal(const std::vector<Kept>& keys) const;

  const Surroundings& around_;
  std::vector<Kept> keys_;  // oldest first
};

}  // namespace passerelle::auth::lti13
