// What a chart's launch gets from elsewhere, for the person whose launch it is: keys for S3 and a
// token for Vault, both in exchange for the access token of the sign-in.
#pragma once

#include <string>

#include "base/clock.hpp"

namespace passerelle::config {

/// STS AssumeRoleWithWebIdentity, of MinIO, AWS and others.
struct S3Keys {
  std::string sts;       ///< Its URL; empty: no keys.
  std::string role;      ///< RoleArn; empty: the service's own choice (MinIO's claim policies)
  std::string policy;    ///< JSON that narrows it; empty: not narrowed.
  seconds duration{0};   ///< How long keys live; 0: the service's default.
  std::string endpoint;  ///< S3 itself, a URL; empty: `sts`.
  std::string region = "us-east-1";
  std::string bucket;  ///< `{user}` is the name in a safe form; empty: none.
  std::string prefix;  ///< Of what the person has in it; likewise.
  bool path_style = true;
  std::string ca;         ///< PEM; empty: the system's.
  bool required = false;  ///< Without keys, no launch.
  bool on() const noexcept { return !sts.empty(); }
};

/// Vault's login with a JWT.
struct VaultTokens {
  std::string url;            ///< Vault's; empty: no tokens.
  std::string login = "jwt";  ///< Where that method is mounted: auth/<login>/login
  std::string role;
  std::string mount;      ///< VAULT_MOUNT: of the key-value engine
  std::string directory;  ///< VAULT_TOP_DIR; `{user}` as above.
  std::string ca;
  bool required = false;
  bool on() const noexcept { return !url.empty(); }
};

}  // namespace passerelle::config
