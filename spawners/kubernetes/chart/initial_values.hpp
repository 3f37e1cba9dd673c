// The values that the form of a chart begins with, by Onyxia's rules. Of each place, the first of
// these that is valid there: `const`; for an object its members; overwriteDefaultWith, or what is
// near to it; `default`; what values.yaml has; for a list `minItems` copies of an item's value.
#pragma once

#include "spawners/kubernetes/chart/chart.hpp"
#include "spawners/kubernetes/chart/expression.hpp"

namespace passerelle::spawners::chart {

/// `schema` is resolved (resolve_schema), `context` an object. Holds exactly the places of the
/// schema; one whose type the form cannot know is left out, so that the chart's own value stays.
/// Errc::invalid names the place for which there is no value, as Onyxia refuses such a chart.
Result<Json> initial_values(const Json& schema, const Json& values_yaml, const Json& context);

/// What one more item of a list begins with.
Result<Json> initial_item(const Json& items, const Scope& scope);

/// Slider ends that the region sets (`useRegionSliderConfig` names an entry of region.sliders).
/// For forms and for what people send; initial values are found with the chart's own ends.
Json with_region_sliders(Json schema, const Json& context);

}  // namespace passerelle::spawners::chart
