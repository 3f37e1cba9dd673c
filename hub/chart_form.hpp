// A chart's form on a page: its rows as a view, and what a browser sends back.
#pragma once

#include "base/text.hpp"
#include "spawners/kubernetes/chart_desk.hpp"
#include "web/view.hpp"

namespace passerelle::hub {

/// `groups` of the page chart, with what is wrong beside the fields.
web::Json chart_groups(const spawners::kubernetes::FilledForm& form);
/// Problems of places that the form does not show: one text, or null.
web::Json chart_strays(const spawners::kubernetes::FilledForm& form);
/// `quota.gauges` of the page chart: those that people know, with what the form asks for.
web::Json chart_gauges(const std::vector<spawners::kubernetes::Gauge>& gauges,
                       const spawners::kubernetes::Demand& demand);
/// Why there is no room for it; null: there is.
web::Json chart_no_room(const std::vector<spawners::kubernetes::Gauge>& gauges,
                        const spawners::kubernetes::Demand& demand);
/// Field names begin with "v:"; the pressed button is called "do".
spawners::kubernetes::Filling chart_filling(const text::Form& sent);

}  // namespace passerelle::hub
