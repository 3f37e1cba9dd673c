// JSON that comes from outside and decides who somebody is: what two readers could read differently
// is refused.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.hpp"

namespace passerelle::auth {

/// RFC 8259 without liberties: no member twice in one object, no comments, valid UTF-8, at most 32
/// levels deep. Errc::invalid otherwise, also above `most` bytes; never throws.
Result<nlohmann::json> parse_json(std::string_view text, std::size_t most);

/// The member if it is there and a text, else an empty string. `object` may be anything.
std::string text_member(const nlohmann::json& object, const char* name);

}  // namespace passerelle::auth
