// States: what authenticators keep of the people they let in (AuthState), sealed in the store.
#pragma once

#include "auth/authenticator.hpp"
#include "base/secrets.hpp"

namespace passerelle::auth {

/// One text for the store and back; Errc::invalid for what is none.
std::string to_text(const AuthState& state);
Result<AuthState> state_from_text(std::string_view text);

/// The hub's loop only.
class States {
 public:
  States(store::IdentityStore& store, const secrets::Sealer& sealer)
      : store_(store), sealer_(sealer) {}

  /// For an identity that is somebody's. Sealed for this identity: moved to another row it does not
  /// open.
  Task<Result<void>> put(std::string authenticator, std::string subject, AuthState state);
  /// None: nothing is kept, or it cannot be opened with the keys there are (which is logged).
  /// An error: the store could not tell.
  Task<Result<std::optional<AuthState>>> find(std::string authenticator, std::string subject);
  Task<Result<void>> erase(std::string authenticator, std::string subject);

  std::string seal_hint(std::string_view hint) const;
  /// The plain hint, or empty when it does not open.
  std::string open_hint(std::string_view sealed) const;

 private:
  store::IdentityStore& store_;
  const secrets::Sealer& sealer_;
};

}  // namespace passerelle::auth
