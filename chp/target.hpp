// Target: where a route or the error pages lead, as a URL says it: http, https, or http+unix with
// an escaped socket path for host. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/upstream.hpp"

namespace passerelle::chp {

struct Target {
  bool secure = false;    ///< https
  bool named = false;     ///< `upstream.host` is a name that must be resolved.
  Upstream upstream;      ///< Port filled in.
  std::string authority;  ///< For Host: lower case, without the scheme's own port. "localhost" for
                          ///< a socket.
  std::string path;   ///< Without slashes at the end: "/base", or empty. Escaped where it must be.
  std::string query;  ///< Without "?".

  /// "http://host:81/base", to be gone on with.
  std::string url() const;
};

/// Errc::invalid for what is no such URL (names and passwords in it too).
Result<Target> parse_target(std::string_view url);

}  // namespace passerelle::chp
