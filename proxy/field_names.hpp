// Which field name is whose: a perfect hash over the names somebody here decides about.
#pragma once

#include <string_view>

#include "proxy/head.hpp"

namespace passerelle::proxy {

/// Any case. `name` must consist of token characters (RFC 9110, 5.6.2); the scanner has seen to
/// that.
FieldId identify_field(std::string_view name) noexcept;

/// Both are token characters; `lower` is written in lower case with letters, digits and "-" only.
bool is_name(std::string_view name, std::string_view lower) noexcept;

}  // namespace passerelle::proxy
