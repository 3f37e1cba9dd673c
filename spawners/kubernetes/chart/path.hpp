// Path: a place among a chart's values, written as launch links write it: "a.b[0].c"; a dot inside
// a name is "\.", and a name at the top stands with a dot behind it ("name.").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "spawners/kubernetes/chart/json.hpp"

namespace passerelle::spawners::chart {

using Step = std::variant<std::string, std::size_t>;  ///< A member's name or an index
using Path = std::vector<Step>;

/// Nothing for an empty path or name, a broken index, or more than 32 steps.
std::optional<Path> parse_path(std::string_view text);
std::string to_string(const Path& path);

const Json* at(const Json& values, const Path& path);
Json* at(Json& values, const Path& path);

/// What the schema says of a place; null: nothing.
const Json* schema_at(const Json& schema, const Path& path);

}  // namespace passerelle::spawners::chart
