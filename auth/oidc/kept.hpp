// Kept: what must be remembered of a sign-in to ask about the person again: AuthState::secret.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "auth/oidc/token.hpp"

namespace passerelle::auth::oidc {

struct Kept {
  Tokens tokens;  ///< Without the id_token itself.
  std::string nonce;
  std::string subject;      ///< The provider's own; Identity::subject may hold more.
  nlohmann::json id_token;  ///< Its claims; null: there was none, or they were too many to keep.
};

std::string to_text(const Kept& kept);
std::optional<Kept> kept_from_text(std::string_view text);

}  // namespace passerelle::auth::oidc
