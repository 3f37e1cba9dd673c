// JSON Web Key Sets (RFC 7517): the public keys of somebody who signs tokens, fetched, kept, and
// fetched again when they changed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/jwt.hpp"
#include "auth/single_flight.hpp"
#include "base/clock.hpp"
#include "base/http_client.hpp"

namespace passerelle::auth {

using KeySet = std::vector<jwt::Key>;

/// The signing keys of a set that we can use; others (encryption, symmetric, other curves, RSA
/// below 2048 bits) are passed over, as sets hold them. Errc::invalid: no key set at all.
Result<KeySet> read_key_set(std::string_view json);

/// The keys at one address. One loop only.
class KeySource {
 public:
  /// `http` and `clock` outlive it. `ca_file`: trusted instead of the system's; empty: the
  /// system's.
  KeySource(HttpClient& http, const Clock& clock, std::string ca_file)
      : http_(http), clock_(clock), ca_file_(std::move(ca_file)) {}

  /// The token's claims if one of the keys at `url` signed it. Keys are kept as long as the answer
  /// said (5 minutes to a day). A key that is not among them is looked for again, once a minute at
  /// most however many tokens ask; when the fetch fails, the keys known go on. Errc::invalid: the
  /// token is wrong; Errc::not_found: none of the keys is its own; Errc::unavailable: no keys to
  /// tell it by.
  Task<Result<nlohmann::json>> open(jwt::Token token, std::string url);

  /// For check-config: fetches now and says how many keys can be used.
  Task<Result<std::size_t>> fetch_now(std::string url);

 private:
  /// As they were fetched, and how long they may be kept.
  struct Fetched {
    KeySet keys;
    seconds lasts{0};
  };
  Task<Result<Fetched>> fetch(std::string url);
  Task<Result<void>> renew(std::string url);
  const jwt::Key* find(const jwt::Token& token) const;

  HttpClient& http_;
  const Clock& clock_;
  std::string ca_file_;
  std::string url_;  // where keys_ come from
  KeySet keys_;
  Instant good_until_{};
  std::optional<Instant> failed_;  // last fetch that gave nothing
  std::optional<Instant> missed_;  // last fetch for a key that was not there
  SingleFlight<Fetched> flight_;
};

}  // namespace passerelle::auth
