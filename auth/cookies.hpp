// Cookies: names and attributes of every cookie we set, and how they are found again in a request.
// RFC 6265.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace passerelle::auth {

/// Immutable; any thread. All cookies are HttpOnly and SameSite=Lax; with an https `public_url`
/// also Secure, and named
/// "__Host-..." where the path allows it (base_url "/"), else "__Secure-...": sent to our path
/// only, because what else lives on that host must not be handed our sessions.
class Cookies {
 public:
  /// `public_url` may be empty (loopback http). `base_url` begins and ends with a slash.
  Cookies(std::string_view public_url, std::string base_url);

  const std::string& session_name() const noexcept { return session_name_; }
  const std::string& visitor_name() const noexcept { return visitor_name_; }
  const std::string& method_name() const noexcept { return method_name_; }
  const std::string& origin_name() const noexcept { return origin_name_; }
  const std::string& arrival_name() const noexcept { return arrival_name_; }
  /// The value of a Set-Cookie header. `lasts`: how long the browser keeps it.
  std::string session(std::string_view secret, seconds lasts) const;
  std::string clear_session() const;
  /// For a session that lives in a frame of another site, in a jar of its own for each site above
  /// it (SameSite=None, Partitioned); browsers take that with https only, so without it as
  /// session().
  std::string framed_session(std::string_view secret, seconds lasts) const;
  std::string clear_framed_session() const;
  /// At a person's own origin (origin_keys.hpp): the key, and what binds a way to the hub and back
  /// to the browser that began it; empty: cleared. `framed`: as framed_session(). `whole`: for all
  /// of that host, not only below base_url.
  std::string origin(std::string_view key, seconds lasts, bool framed, bool whole = false) const;
  std::string arrival(std::string_view value, bool framed, bool whole = false) const;
  std::string visitor(std::string_view value) const;         ///< Until the browser is closed.
  std::string method(std::string_view authenticator) const;  ///< The last one used; for a year.

  /// A cookie of one authenticator, sent to /hub/auth/<name>/ only. An empty value clears it.
  /// `framed`: sent to all of /hub/, from other sites' frames too, as framed_session().
  std::string of_authenticator(std::string_view authenticator,
                               std::string_view short_name,
                               std::string_view value,
                               seconds lasts,
                               bool framed = false) const;
  /// That authenticator's cookies of a request, by short name.
  std::map<std::string, std::string> for_authenticator(std::string_view authenticator,
                                                       std::string_view cookie_header) const;

 private:
  std::string authenticator_prefix(std::string_view authenticator) const;
  std::string make(std::string_view name, std::string_view value, std::string_view path) const;
  std::string make_framed(std::string_view name,
                          std::string_view value,
                          std::string_view path) const;
  std::string make_there(std::string_view name,
                         std::string_view value,
                         bool framed,
                         bool whole) const;

  bool secure_;
  std::string base_url_;
  std::string session_name_;
  std::string visitor_name_;
  std::string method_name_;
  std::string origin_name_;
  std::string arrival_name_;
};

/// The value of the only cookie of that name; nothing if it is absent, or there twice: a
/// neighbouring host can add a second one, and which of them is ours nobody can tell
/// (CVE-2024-28233). `header`: all Cookie lines joined by "; ".
std::optional<std::string_view> find_cookie(std::string_view header,
                                            std::string_view name) noexcept;

}  // namespace passerelle::auth
