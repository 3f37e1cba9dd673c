#include "hub/chart_form.hpp"

#include <algorithm>
#include <cmath>

#include "spawners/kubernetes/chart/expression.hpp"

namespace passerelle::hub {
namespace {

using spawners::chart::Control;
using spawners::chart::Group;
using spawners::chart::Row;
using spawners::kubernetes::FilledForm;
using web::Json;

constexpr std::string_view kPrefix = "v:";

/// A text, or texts by language.
Json words_of(const spawners::chart::Json& words) {
  if (!words.is_object()) return words.is_string() ? Json(words.get<std::string>()) : Json("");
  std::map<std::string, std::string> by_language;
  for (const auto& [language, text] : words.items())
    if (text.is_string()) by_language[language] = text;
  return web::words(by_language, "");
}

std::string id_of(const std::string& name) {
  std::string id = "f-";
  for (const char c : name) {
    const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    id += safe ? std::string(1, c) : "_" + std::to_string(static_cast<unsigned char>(c));
  }
  return id;
}

std::string number(std::optional<double> value) {
  return value ? spawners::chart::number_text(*value) : "";
}

Json label_of(const Row& row, const Json& item) {
  const Json words = row.title.is_null() ? item : words_of(row.title);
  if (row.semantic.empty() && row.unit.empty()) return words;
  if (row.semantic.empty()) return web::say("chart.unit", {{"label", words}, {"unit", row.unit}});
  const Json what = row.unit.empty() ? Json(row.semantic) : Json(row.semantic + ", " + row.unit);
  return web::say("chart.unit", {{"label", words}, {"unit", what}});
}

void add_entry(const Row& row, Json& view) {
  view["entry"] = {{"number", true}};
  if (row.slider) view["entry"]["slider"] = true;
  if (row.least) view["entry"]["least"] = number(row.least);
  if (row.most) view["entry"]["most"] = number(row.most);
  view["entry"]["step"] = row.step ? number(row.step) : row.whole ? "1" : "any";
}

void add_control(const Row& row, Json& view) {
  switch (row.control) {
    case Control::tick:
      view["tick"] = {{"checked", row.ticked}};
      return;
    case Control::choice: {
      Json choices = Json::array();
      for (const auto& option : row.options)
        choices.push_back({{"option", option.value}, {"selected", option.chosen}});
      view["select"] = {{"choices", std::move(choices)}};
      return;
    }
    case Control::lines:
    case Control::yaml:
      view["area"] = {{"yaml", row.control == Control::yaml}};
      return;
    case Control::password:
      view["secret"] = {{"filled", row.filled}};
      return;
    case Control::number:
      add_entry(row, view);
      return;
    case Control::text:
      view["entry"] = {{"number", false}};
  }
}

Json field_view(const FilledForm& form, const Row& row, const Json& item) {
  Json view = {{"name", std::string(kPrefix) + row.name},
               {"id", id_of(row.name)},
               {"label", label_of(row, item)},
               {"value", row.value},
               {"locked", row.locked}};
  if (!row.about.is_null()) view["about"] = words_of(row.about);
  const auto wrong = std::find_if(form.problems.begin(), form.problems.end(),
                                  [&row](const auto& one) { return one.field == row.name; });
  if (wrong != form.problems.end())
    view["wrong"] = web::say("form." + std::string(wrong->reason), {{"bound", wrong->bound}});
  add_control(row, view);
  return view;
}

Json unless_of(const Row& row) {
  Json rules = Json::array();
  for (const auto& [place, value] : row.unless)
    rules.push_back({{"field", std::string(kPrefix) + place}, {"value", Json(value)}});
  return rules.dump();
}

Json list_view(const Row& row) {
  Json view = {{"words", words_of(row.title)},
               {"count", std::string(kPrefix) + row.name + "#"},
               {"size", std::to_string(row.size)}};
  if (!row.about.is_null()) view["intro"] = words_of(row.about);
  if (row.grows) view["add"] = {{"order", "add:" + row.name}};
  return view;
}

/// The rows of a group; an item's own words are those of its list, with its number.
Json rows_of(const FilledForm& form, const Group& group) {
  Json rows = Json::array();
  Json item;
  std::map<std::string, Json> lists;
  std::map<std::string, int> counts;
  for (const Row& row : group.rows) {
    Json view = {{"hidden", row.hidden}};
    if (!row.unless.empty()) view["unless"] = unless_of(row);
    if (row.kind == Row::Kind::heading) {
      view["heading"] = {{"words", words_of(row.title)}};
      if (!row.about.is_null()) view["heading"]["intro"] = words_of(row.about);
    } else if (row.kind == Row::Kind::list) {
      view["list"] = list_view(row);
      lists[row.name] = words_of(row.title);
    } else if (row.kind == Row::Kind::item) {
      const std::string list = row.name.substr(0, row.name.rfind('['));
      const auto known = std::find_if(lists.begin(), lists.end(), [&list](const auto& one) {
        return one.first == list || one.first == list + ".";
      });
      item = web::say("chart.item", {{"label", known == lists.end() ? Json(list) : known->second},
                                     {"number", std::to_string(++counts[list])}});
      view["item"] = {{"words", item},
                      {"origin_name", std::string(kPrefix) + row.name + "#"},
                      {"origin", row.from},
                      {"order", "remove:" + row.name}};
    } else {
      view["field"] = field_view(form, row, item);
    }
    rows.push_back(std::move(view));
  }
  return rows;
}

using spawners::kubernetes::Demand;
using spawners::kubernetes::Gauge;

/// "requests.memory" as people say it; null: not for them.
Json resource_words(std::string_view resource) {
  const bool limits = resource.starts_with("limits.");
  const bool requests = resource.starts_with("requests.");
  if (limits || requests) resource.remove_prefix(resource.find('.') + 1);
  const bool gpu = resource.ends_with("gpu");
  if (!gpu && resource != "cpu" && resource != "memory" && resource != "storage" &&
      resource != "pods")
    return nullptr;
  Json what = web::say("quota." + std::string(gpu ? "gpu" : resource));
  if (gpu || resource == "storage" || resource == "pods") return what;
  return web::say(limits ? "quota.limits" : "quota.requests", {{"what", std::move(what)}});
}

Json gauge_words(const Gauge& gauge) {
  Json what = resource_words(gauge.resource);
  if (what.is_null()) what = gauge.resource;
  return web::say("quota.row",
                  {{"what", std::move(what)}, {"used", gauge.used}, {"hard", gauge.hard}});
}

Json asked_words(const Gauge& gauge, const Demand& demand) {
  const auto asked = demand.find(gauge.resource);
  if (asked == demand.end()) return nullptr;
  return web::say("quota.asked",
                  {{"asked", spawners::kubernetes::quantity_text(gauge.resource, asked->second)}});
}

}  // namespace

Json chart_gauges(const std::vector<Gauge>& gauges, const Demand& demand) {
  constexpr double kPercent = 100;
  Json rows = Json::array();
  for (const Gauge& gauge : gauges) {
    if (resource_words(gauge.resource).is_null()) continue;
    Json row = {{"words", gauge_words(gauge)},
                {"percent", std::lround(gauge.share * kPercent)},
                {"full", spawners::kubernetes::too_full({gauge}, demand) != nullptr}};
    if (Json asked = asked_words(gauge, demand); !asked.is_null()) row["asked"] = std::move(asked);
    rows.push_back(std::move(row));
  }
  return rows;
}

Json chart_no_room(const std::vector<Gauge>& gauges, const Demand& demand) {
  const Gauge* full = spawners::kubernetes::too_full(gauges, demand);
  if (full == nullptr) return nullptr;
  return web::say("quota.full",
                  {{"row", gauge_words(*full)}, {"asked", asked_words(*full, demand)}});
}

Json chart_groups(const FilledForm& form) {
  Json groups = Json::array();
  for (const Group& group : form.groups) {
    Json view = {
        {"legend", group.title.is_null() ? web::say("chart.others") : words_of(group.title)},
        {"rows", rows_of(form, group)}};
    if (!group.about.is_null()) view["preface"] = words_of(group.about);
    groups.push_back(std::move(view));
  }
  return groups;
}

Json chart_strays(const FilledForm& form) {
  std::string places;
  for (const config::ValueProblem& problem : form.problems) {
    const bool shown =
        std::any_of(form.groups.begin(), form.groups.end(), [&problem](const Group& group) {
          return std::any_of(group.rows.begin(), group.rows.end(), [&problem](const Row& row) {
            return row.kind == Row::Kind::field && row.name == problem.field;
          });
        });
    if (shown) continue;
    if (!places.empty()) places += ", ";
    places += problem.field;
    if (!problem.bound.empty()) places += " (" + problem.bound + ")";
  }
  return places.empty() ? Json() : web::say("chart.strays", {{"places", places}});
}

spawners::kubernetes::Filling chart_filling(const text::Form& sent) {
  spawners::kubernetes::Filling filling;
  filling.from_page = true;
  for (const auto& [name, value] : sent)
    if (name.starts_with(kPrefix)) filling.fields[name.substr(kPrefix.size())] = value;
  const std::string_view order = text::field(sent, "do");
  if (order.starts_with("add:")) filling.add = order.substr(4);
  if (order.starts_with("remove:")) filling.remove = order.substr(7);
  return filling;
}

}  // namespace passerelle::hub
