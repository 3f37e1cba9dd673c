// Location of a response that names the server's own address, which nobody but us can reach.
#pragma once

#include <optional>
#include <string_view>

#include "base/upstream.hpp"

namespace passerelle::proxy {

/// What follows the authority if `location` is an absolute or scheme-relative URL of exactly this
/// upstream (its address and port, or "localhost" for a loopback one); nothing otherwise, and never
/// for a Unix socket.
std::optional<std::string_view> behind_upstream(std::string_view location,
                                                const Upstream& upstream) noexcept;

}  // namespace passerelle::proxy
