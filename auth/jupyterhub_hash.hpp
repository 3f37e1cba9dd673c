// How JupyterHub stores a token: a salted SHA-512, found by the token's first characters. For
// tokens that were taken over from there (passerelle import-jupyterhub).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace passerelle::auth {

inline constexpr std::size_t kJupyterHubPrefix = 4;

struct JupyterHubHash {
  std::string prefix;  ///< The token's first kJupyterHubPrefix characters.
  std::string salt;    ///< As text.
  std::string digest;  ///< In hex.
};

/// Of our tokens table: "jupyterhub:<prefix>:<salt>:<digest>". Nothing for another kind of hash.
std::optional<JupyterHubHash> parse_jupyterhub_hash(std::string_view stored);

/// What our table keeps of JupyterHub's columns "prefix" and "hashed" ("sha512:1:<salt>:<digest>").
/// Nothing for one that takes more than a round: such are of its configuration, and would make each
/// wrong guess dear.
std::optional<std::string> from_jupyterhub(std::string_view prefix, std::string_view hashed);

/// SHA-512 in hex over the salt and the token.
std::string jupyterhub_digest(std::string_view salt, std::string_view token);

}  // namespace passerelle::auth
