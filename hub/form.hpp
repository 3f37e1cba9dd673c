// A profile's form on a page: its fields as a view, and the values that a browser sends back.
#pragma once

#include <optional>

#include "base/text.hpp"
#include "config/form.hpp"
#include "hub/launcher.hpp"
#include "web/view.hpp"

namespace passerelle::hub {

struct Parts;

/// What is wrong with the values of a request, before it is made; nothing too when there is no such
/// profile, which the launcher tells.
std::optional<config::ValueProblem> problem_with(const Parts& parts, const LaunchRequest& request);

/// The fields of the page spawn. `values`: what stands in them; `wrong`: what was refused, if it
/// was.
web::Json fields_view(const config::Profile& profile,
                      const config::Values& values,
                      const config::ValueProblem* wrong);

/// What the page spawn sent: fields are called "<profile>:<field>", for all profiles stand on one
/// page.
config::Values values_from(const config::Profile& profile, const text::Form& sent);

}  // namespace passerelle::hub
