// What a person may change of a chart's values: the places that the schema shows, and nothing else.
// This is the border between people and what runs on the cluster, whatever page or link the
// values came through.
#pragma once

#include <optional>
#include <vector>

#include "spawners/kubernetes/chart/expression.hpp"
#include "spawners/kubernetes/chart/path.hpp"

namespace passerelle::spawners::chart {

struct Input {
  Path path;
  std::optional<Json> value;  ///< Nothing: remove this item of a list.
};

/// `values` (the initial ones) with the inputs, in their order. `schema` is resolved. Refused with
/// the place in the message: places that the schema does not have or does not let people change
/// (const, hidden, readonly), and values that do not fit. A value close to what fits ("8" for 8)
/// becomes it. A list grows by naming the index behind its last
/// item, or something in it.
Result<Json> with_input(const Json& schema,
                        const Scope& scope,
                        Json values,
                        const std::vector<Input>& inputs);

/// Whether a form shows the place now: `hidden` may depend on another value. `path` leads to it.
bool hidden(const Json& schema, const Json& values, const Path& path);

}  // namespace passerelle::spawners::chart
