// Launch links in Onyxia's syntax: "resources.limits.cpu=«500m»&git.enabled=false".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "spawners/kubernetes/chart/form.hpp"

namespace passerelle::spawners::chart {

/// The changes that a link's query asks for; keys without a dot are not values. `-` removes an item
/// of a list, and of anything else takes the value away, which the form cannot: it is left out.
Changes changes_in(const text::Form& query);

/// The other way: percent-encoded, joined by "&". Secrets and what cannot stand in a link are left
/// out.
std::string link_of(const FormParts& parts, const Changes& changes);

}  // namespace passerelle::spawners::chart
