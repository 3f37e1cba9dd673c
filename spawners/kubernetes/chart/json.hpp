// JSON and YAML of charts, contexts and forms: they come from strangers, so they are read within
// bounds, and objects keep their order (a form shows its fields in the order of the schema).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.hpp"

namespace passerelle::spawners::chart {

using Json = nlohmann::ordered_json;

/// What one document may hold; everything that walks a tree afterwards relies on it.
struct Bounds {
  std::size_t bytes = 1U << 20U;
  std::size_t depth = 64;       ///< Objects and lists inside each other.
  std::size_t members = 2000;   ///< Of one object or list.
  std::size_t values = 50'000;  ///< All together; what a YAML alias repeats counts each time.
};

/// `what` names the document in the error: Errc::invalid, or Errc::exhausted above a bound. Of a
/// key that stands twice, the last one counts.
Result<Json> parse_json(std::string_view text, const std::string& what, const Bounds& bounds = {});

/// YAML by the rules of version 1.2 (`yes` is a text), with anchors and `<<`. An empty document is
/// null. Tags but !!str are not looked at.
Result<Json> parse_yaml(std::string_view text, const std::string& what, const Bounds& bounds = {});

/// Equal whatever the order of members; 1 equals 1.0.
bool same(const Json& a, const Json& b);

/// All values of a tree, itself too.
std::size_t count_values(const Json& tree);

/// The member, or nothing when `node` is no object or has none.
const Json* member(const Json& node, std::string_view key);

}  // namespace passerelle::spawners::chart
