// A chart's values against its schema, as Helm will look at them: JSON Schema, draft 7.
#pragma once

#include <string>
#include <vector>

#include "spawners/kubernetes/chart/json.hpp"

namespace passerelle::spawners::chart {

struct Misfit {
  std::string place;  ///< "git.repository", "environment[0].name"; empty: the whole
  std::string rule;   ///< The library's words, in English
};

/// At most 20 misfits. `schema` is resolved; what it still refers to elsewhere, `format` and
/// `patternProperties` are left to Helm. Errc::invalid for a schema that is none.
Result<std::vector<Misfit>> validate(const Json& schema, const Json& values);

/// `over` laid upon `values` as Helm does it: objects are merged, everything else is replaced, and
/// null removes.
Json merged(Json values, const Json& over);

}  // namespace passerelle::spawners::chart
