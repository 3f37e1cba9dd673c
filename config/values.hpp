// Values: what one text in the file means (durations, sizes, moments, addresses, colours), and
// back. Pure functions; an Error's message says what is wrong and what to write instead, to follow
// the key's name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

/// "30m", "2h30m", "45s", "7d": whole numbers with units, larger units first, at most 10 years.
Result<seconds> parse_duration(std::string_view text);
std::string duration_text(seconds duration);

/// "2GiB", "512M", "1.5G" in bytes: K, M, G, T are powers of 1000, Ki, Mi, Gi, Ti of 1024; a
/// trailing B may be left out.
Result<std::uint64_t> parse_size(std::string_view text);
std::string size_text(std::uint64_t bytes);

/// "2026-12-01" (the end of that day, UTC), "2026-12-01T18:00:00Z", "2026-12-01T18:00+01:00".
Result<Instant> parse_moment(std::string_view text);

Result<std::uint64_t> parse_count(std::string_view text);
Result<double> parse_number(std::string_view text);
Result<bool> parse_boolean(std::string_view text);

/// "127.0.0.1:8000", "[::1]:8000"; an address, never a name.
Result<Listen> parse_listen(std::string_view text);
std::string listen_text(const Listen& listen);
bool is_loopback(const Listen& listen);

/// "10.0.0.0/8", "::1": an address alone becomes /32 or /128.
Result<std::string> parse_network(std::string_view text);

/// "#1f5fbf" or "#15b", in lower case with six digits; dark enough for white text on it
/// (WCAG 2.2, 1.4.3: 4.5 to 1).
Result<std::string> parse_colour(std::string_view text);

struct PublicUrl {
  std::string scheme;
  std::string host;      ///< Without brackets or port.
  std::string base_url;  ///< The path, with both slashes.
};
/// http or https, a host, perhaps a port and a path; no user, query, fragment, dot segment or
/// escape.
Result<PublicUrl> parse_public_url(std::string_view text);
/// Likewise, of somebody who vouches for people: plain http only to a loopback address, because who
/// sits on the way could vouch for anybody.
Result<PublicUrl> parse_provider_url(std::string_view text);
/// Scheme, host and port of a checked one, as browsers write an origin; empty for an empty one.
std::string origin_of(std::string_view public_url);

/// Where a link may lead: https, http, mailto, or a path of our own.
Result<std::string> parse_link(std::string_view text);

}  // namespace passerelle::config
