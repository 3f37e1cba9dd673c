// Claims: how a shared-password authenticator knows that it is the same person again. The first
// browser that takes a name gets a random secret in a long-lived cookie; a PIN, shown once, brings
// the person back on another browser.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.hpp"
#include "base/worker_pool.hpp"
#include "store/store.hpp"

namespace passerelle::auth::dummy {

inline constexpr const char* kClaimCookie = "claim";

/// A fresh claim: what the browser keeps, and what the store keeps of it.
struct Claim {
  std::string secret;
  store::Credential credential;
};
Claim new_claim();

/// The cookie's value after a new secret: the newest first, the others of that browser behind it
/// (people share machines), eight at most. `secret` may be there already.
std::string with_secret(std::string_view cookie, std::string_view secret);

/// The secret of `cookie` that one of `credentials` knows; empty if none.
std::string known_secret(std::string_view cookie,
                         const std::vector<store::Credential>& credentials);

struct Pin {
  std::string digits;  ///< As shown: "1234 5678".
  store::Credential credential;
};
Task<Result<Pin>> new_pin(WorkerPool& workers);
/// Spaces and dashes in `typed` do not matter. An error: could not tell.
Task<Result<bool>> is_pin(WorkerPool& workers,
                          std::vector<store::Credential> credentials,
                          std::string typed);

}  // namespace passerelle::auth::dummy
