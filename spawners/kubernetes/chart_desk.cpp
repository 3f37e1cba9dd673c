#include "spawners/kubernetes/chart_desk.hpp"

#include <algorithm>

#include "spawners/kubernetes/chart/link.hpp"
#include "spawners/kubernetes/chart/validate.hpp"
#include "spawners/kubernetes/chart/write.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

using chart::Json;

void drop_secrets(const chart::FormParts& parts, chart::Changes& changes) {
  std::erase_if(changes, [&parts](const auto& change) {
    const auto path = chart::parse_path(change.first);
    const Json* schema = path ? chart::schema_at(parts.schema, *path) : nullptr;
    return schema != nullptr && chart::is_secret(*schema);
  });
}

/// What Helm will say of the whole, beside the fields that it is about.
void add_misfits(const ChartOffer& offer, const Json& values, FilledForm& made) {
  const auto misfits =
      chart::validate(offer.form.schema, chart::merged(offer.source->chart.values, values));
  if (!misfits) return;
  for (const chart::Misfit& misfit : *misfits) {
    const auto path = chart::parse_path(misfit.place);
    made.problems.push_back({path ? chart::to_string(*path) : "", "refused", misfit.rule});
  }
}

/// What somebody typed stands in its field again, though it does not fit.
void show_refused(FilledForm& made) {
  for (chart::Group& group : made.groups)
    for (chart::Row& row : group.rows) {
      const bool wrong = std::any_of(made.problems.begin(), made.problems.end(),
                                     [&row](const auto& one) { return one.field == row.name; });
      const auto given = made.changes.find(row.name);
      if (!wrong || given == made.changes.end() || row.kind != chart::Row::Kind::field) continue;
      row.hidden = false;
      if (row.control == chart::Control::password) continue;
      row.value = given->second;
      if (row.value.ends_with(row.unit)) row.value.resize(row.value.size() - row.unit.size());
    }
}

/// A secret that was typed on this very page stays typed; nobody else's page has it.
void keep_typed(FilledForm& made) {
  for (chart::Group& group : made.groups)
    for (chart::Row& row : group.rows)
      if (row.control == chart::Control::password)
        if (const auto typed = made.changes.find(row.name); typed != made.changes.end())
          row.value = typed->second;
}

}  // namespace

FilledForm fill(const ChartOffer& offer, const Filling& filling) {
  const chart::Scope scope{offer.form.context};
  const chart::FormParts parts{offer.form.schema, offer.form.initial, scope};
  FilledForm made;
  made.changes = filling.from_page
                     ? chart::changes_of(parts, {filling.fields, filling.add, filling.remove})
                     : filling.changes;
  if (filling.without_secrets) drop_secrets(parts, made.changes);
  chart::Applied applied = chart::apply_changes(parts, made.changes);
  made.problems = std::move(applied.problems);
  if (made.problems.empty()) add_misfits(offer, applied.values, made);
  made.groups = chart::form_groups(parts, applied.values, chart::kept_of(parts, made.changes));
  show_refused(made);
  if (filling.from_page) keep_typed(made);
  made.demand = demand_of(chart::merged(offer.source->chart.values, applied.values));
  made.yaml = chart::to_yaml(chart::covered(parts, std::move(applied.values)));
  made.link = chart::link_of(parts, made.changes);
  made.archive = offer.source->file;
  return made;
}

}  // namespace passerelle::spawners::kubernetes
