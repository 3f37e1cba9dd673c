// Vault's login with a JWT: a person's token becomes a token of Vault. Pure: what is sent, and what
// an answer means.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "config/spawners/lent.hpp"

namespace passerelle::spawners::kubernetes {

struct VaultToken {
  std::string value;  ///< A secret
  seconds lease{0};   ///< 0: it does not end by itself.
};

HttpRequest vault_request(const config::VaultTokens& settings, const std::string& token);

/// As sts_answer.
Result<VaultToken> vault_answer(const HttpResponse& response);

}  // namespace passerelle::spawners::kubernetes
