// The form of a chart: filled by a launch link, by the last launch or by the person, shown again as
// often as wanted, and started. A GET never starts anything, whatever the link says.
#include <algorithm>

#include "hub/answers.hpp"
#include "hub/chart_form.hpp"
#include "hub/methods.hpp"
#include "hub/parts.hpp"
#include "hub/routes.hpp"
#include "hub/subject.hpp"
#include "spawners/kubernetes/chart/link.hpp"
#include "spawners/kubernetes/chart_desk.hpp"

namespace passerelle::hub::pages {
namespace {

using spawners::kubernetes::CatalogueListPtr;
using spawners::kubernetes::ChartOffer;
using spawners::kubernetes::FilledForm;
using spawners::kubernetes::Filling;
using spawners::kubernetes::Neighbour;

constexpr int kOk = 200;
constexpr int kBadValues = 400;
constexpr int kNotFound = 404;
constexpr int kConflict = 409;

/// Onyxia's links name the chart, which may be called otherwise than the profile.
bool is_archive_of(const config::Profile& profile, const std::string& name) {
  const std::string& archive = profile.kubernetes->archive;
  const std::string file = archive.substr(archive.rfind('/') + 1);
  return file.size() > name.size() + 1 && file.starts_with(name + "-") &&
         file[name.size() + 1] >= '0' && file[name.size() + 1] <= '9';
}

/// What a link leads to: a profile, and of one with a catalogue a chart.
struct Meant {
  const config::Profile* profile = nullptr;
  std::string chart;  ///< Empty: the profile has one only, or one is still to be chosen.
};

Meant meant(const Parts& parts, const store::User& user, const std::vector<std::string>& names) {
  std::vector<const config::Profile*> mine;
  for (const config::Profile* one : profiles_for(parts.settings, user))
    if (one->kubernetes) mine.push_back(one);
  for (const config::Profile* one : mine)
    if (one->name == names.front() && one->kubernetes->archive.empty())
      return {one, names.size() > 1 ? names.back() : ""};
  for (const config::Profile* one : mine)
    if (one->name == names.back()) return {one, ""};
  for (const config::Profile* one : mine)
    if (is_archive_of(*one, names.back())) return {one, ""};
  return {};
}

/// A link's free words as a server's name: "My Lab" is "my-lab".
std::string server_name_of(std::string_view words) {
  constexpr std::size_t kLongest = 40;
  std::string name;
  for (const char c : text::ascii_lower(words)) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (good)
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
    if (name.size() == kLongest) break;
  }
  while (name.ends_with('-')) name.pop_back();
  return name;
}

std::string value_of(const config::Values& values, const char* name) {
  const auto found = values.find(name);
  return found == values.end() ? std::string() : found->second;
}

struct Wanted {
  Subject subject;
  const config::Profile* profile = nullptr;
  std::string chart;    ///< Of a catalogue
  std::string version;  ///< ... empty: the newest
  std::string project;  ///< A group's; empty: the person's own
};

/// Whose server, which one, and of which profile: "user" and "server", or "name" as in Onyxia.
Task<Result<Wanted>> wanted(Parts& parts, Call& call) {
  const auto told = [&call](std::string_view name) {
    const std::string_view sent = text::field(call.form, name);
    return std::string(sent.empty() ? text::field(call.query, name) : sent);
  };
  const std::vector<std::string> names = call.args;
  std::string user = told("user");
  if (user.empty()) user = call.session->account().username;
  std::string server = told("server");
  if (server.empty()) server = server_name_of(told("name"));
  call.args = {user, server};
  auto subject = co_await subject_of(parts, call, "start:servers");
  if (!subject) co_return std::move(subject.error());
  Wanted found;
  found.subject = std::move(*subject);
  Meant which = meant(parts, found.subject.user, names);
  found.profile = which.profile;
  if (found.profile == nullptr || parts.launcher.chart_desk(*found.profile) == nullptr)
    co_return Error(Errc::not_found, "there is no chart of that name");
  found.chart = std::move(which.chart);
  if (!found.chart.empty()) found.version = told("version");
  found.project = told("project");
  const ServerPtr last = parts.launcher.find(found.subject.key());
  const bool says =
      std::ranges::any_of(call.query, [](const auto& field) { return field.first == "project"; });
  const bool again = call.is_get() && !says && last && last->record.profile == found.profile->name;
  if (again) found.project = value_of(last->record.values, spawners::kubernetes::kChosenProject);
  co_return found;
}

/// The choice among a catalogue's charts, as a launch keeps it.
config::Values choice_of(const Wanted& what) {
  config::Values values;
  if (!what.chart.empty()) values[spawners::kubernetes::kChosenChart] = what.chart;
  if (!what.version.empty()) values[spawners::kubernetes::kChosenVersion] = what.version;
  if (!what.project.empty()) values[spawners::kubernetes::kChosenProject] = what.project;
  return values;
}

std::string address_of(const Parts& parts, const Wanted& what) {
  std::string url =
      parts.settings.base_url + "hub/launcher/" + text::percent_encode(what.profile->name);
  return what.chart.empty() ? url : url + "/" + text::percent_encode(what.chart);
}

std::string here_of(const Parts& parts, const Wanted& what, const std::string& link) {
  const std::string url = address_of(parts, what);
  std::string query;
  const auto add = [&query](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    query += (query.empty() ? "" : "&") + std::string(name) + "=" + text::percent_encode(value);
  };
  add("server", what.subject.server);
  add("version", what.version);
  add("project", what.project);
  if (!link.empty()) query += (query.empty() ? "" : "&") + link;
  return query.empty() ? url : url + "?" + query;
}

/// What is run, as somebody would type it.
std::string command_of(const ChartOfferPtr& offer, const FilledForm& form) {
  return "helm upgrade --install " + offer->release + " " + form.archive + " --namespace " +
         offer->namespace_ + " --values values.yaml";
}

/// Which chart of the catalogue, and its other versions.
Json choice_view(const Wanted& what, const ChartOffer& offer, const CatalogueListPtr& list) {
  Json view = {{"chart", what.chart}, {"versions", Json::array()}};
  for (const auto& one : *list)
    if (one.name == what.chart)
      view["versions"].push_back(
          {{"number", one.version}, {"selected", one.version == offer.source->chart.version}});
  return view;
}

/// The person's own project, and those of groups.
Json projects_view(const Wanted& what, const ChartOffer& offer) {
  Json view = {{"choices", Json::array()}, {"namespace", offer.namespace_}};
  for (const auto& one : offer.projects) {
    Json row = {{"group", one.group}, {"selected", one.group == what.project}};
    row["words"] = one.group.empty() ? web::say("chart.project.own") : Json(one.group);
    view["choices"].push_back(std::move(row));
  }
  return view;
}

/// What is installed in the project: servers of ours with their owner, and what others have put
/// there, to look at only.
Json neighbours_view(const Parts& parts, const Call& call, const std::vector<Neighbour>& all) {
  Json rows = Json::array();
  for (const Neighbour& one : all) {
    Json row = {{"release", one.release}, {"chart", one.chart}, {"runs", one.runs}};
    for (const auto& [key, server] : parts.launcher.all()) {
      if (one.launch.empty() || server->record.launch_id != one.launch) continue;
      row["owner"] = server->username;
      const auto target = auth::Target::of_server(server->username, key.name, server->groups);
      const bool may = auth::allowed(*call.principal, "access:servers", target);
      if (may && server->record.phase == store::Phase::running) row["url"] = server->open_url;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

/// The charts of a catalogue, each a link to its form.
proxy::HubResponse charts_page(Parts& parts,
                               const Call& call,
                               const Wanted& what,
                               const CatalogueListPtr& list) {
  Json view = {{"title", web::words(what.profile->title, what.profile->name)},
               {"charts", Json::array()}};
  const std::string query = call.request.query.empty() ? "" : "?" + call.request.query;
  std::string last;
  for (const auto& chart : *list) {
    if (chart.name == last) continue;
    last = chart.name;
    Json row = {{"name", chart.name},
                {"version", chart.version},
                {"url", address_of(parts, what) + "/" + text::percent_encode(chart.name) + query}};
    if (!chart.about.empty()) row["about"] = chart.about;
    view["charts"].push_back(std::move(row));
  }
  return page(parts, call, kOk, "charts", view);
}

/// All that the pages below stand on.
struct Opened {
  Wanted what;
  CatalogueListPtr list;  ///< Null: the profile has no catalogue.
  ChartOfferPtr offer;    ///< Null: a chart has to be chosen.
  std::vector<spawners::kubernetes::Gauge> gauges;
  std::vector<Neighbour> neighbours;
};

/// What the chart asks for and this person cannot have; null: nothing.
Json keys_view(const Parts& parts, const ChartOffer& offer) {
  if (offer.out_of_reach.empty()) return nullptr;
  Json method = "OpenID";
  for (const config::Authenticator& one : parts.settings.authenticators)
    if (one.type == "oidc" && one.oidc.tokens_for_servers) {
      method = method_label(parts.settings, one.name);
      break;
    }
  Json notes = Json::array();
  for (const std::string& what : offer.out_of_reach)
    notes.push_back({{"words", web::say("chart.keys." + what, {{"method", method}})}});
  return notes;
}

proxy::HubResponse form_page(Parts& parts,
                             const Call& call,
                             const Opened& all,
                             const FilledForm& form,
                             int status,
                             const Json& message) {
  const Wanted& what = all.what;
  Json view = {{"title", web::words(what.profile->title, what.profile->name)},
               {"action", address_of(parts, what)},
               {"user", what.subject.user.username},
               {"groups", chart_groups(form)},
               {"command", command_of(all.offer, form)},
               {"yaml", form.yaml},
               {"link", here_of(parts, what, form.link)}};
  if (!what.subject.server.empty()) view["server"] = what.subject.server;
  if (!what.chart.empty()) view["choice"] = choice_view(what, *all.offer, all.list);
  if (all.offer->projects.size() > 1) view["projects"] = projects_view(what, *all.offer);
  if (!all.neighbours.empty())
    view["neighbours"] = {{"rows", neighbours_view(parts, call, all.neighbours)}};
  if (!what.profile->description.empty())
    view["description"] = web::words(what.profile->description, "");
  if (!message.is_null()) view["message"] = message;
  if (Json gauges = chart_gauges(all.gauges, form.demand); !gauges.empty())
    view["quota"] = {{"gauges", std::move(gauges)}};
  if (Json keys = keys_view(parts, *all.offer); !keys.is_null()) view["keys"] = std::move(keys);
  if (Json strays = chart_strays(form); !strays.is_null()) view["strays"] = std::move(strays);
  const std::string_view raw = text::field(call.is_get() ? call.query : call.form, "next");
  if (const auto next = text::safe_next(raw)) view["next"] = *next;
  return page_at(parts, call, here_of(parts, what, form.link), status, "chart", view);
}

proxy::HubResponse refusal(Parts& parts, const Call& call, const Error& error) {
  return problem(parts, call, error.code() == Errc::not_found ? kNotFound : status_of(error),
                 error.cause() ? error.message() : "");
}

/// What the form is opened with: the link's values, else those of the last launch.
Filling opening(const Parts& parts, const Call& call, const Wanted& what) {
  Filling filling;
  filling.changes = spawners::chart::changes_in(call.query);
  const ServerPtr last = parts.launcher.find(what.subject.key());
  if (filling.changes.empty() && last && last->record.profile == what.profile->name) {
    config::Values values = last->record.values;
    if (value_of(values, spawners::kubernetes::kChosenChart) != what.chart) return filling;
    for (const char* ours :
         {spawners::kubernetes::kChosenChart, spawners::kubernetes::kChosenVersion,
          spawners::kubernetes::kChosenProject})
      values.erase(ours);
    filling.changes = std::move(values);
    filling.without_secrets = true;
  }
  return filling;
}

std::string pending_url(const Parts& parts, const Wanted& what, const Call& call) {
  std::string url = parts.settings.base_url + "hub/spawn-pending/" +
                    path_tail(what.subject.user.username, what.subject.server);
  if (const auto next = text::safe_next(text::field(call.form, "next")); next && !next->empty())
    url += "?next=" + text::percent_encode(*next);
  return url;
}

LaunchRequest request_for(const Call& call, const Wanted& what, const FilledForm& form) {
  LaunchRequest request;
  request.user = what.subject.user;
  request.server_name = what.subject.server;
  request.profile = what.profile->name;
  request.values = form.changes;
  request.values.merge(choice_of(what));
  request.actor = call.username();
  request.peer = call.request.peer;
  if (what.subject.user.id == call.session->account().id) {
    request.authenticator = call.session->authenticator;
    request.subject = call.session->subject;
  }
  return request;
}

Task<Result<Opened>> opened(Parts& parts, Call& call) {
  auto what = co_await wanted(parts, call);
  if (!what) co_return std::move(what.error());
  Opened all;
  all.what = std::move(*what);
  const config::Profile& profile = *all.what.profile;
  auto* desk = parts.launcher.chart_desk(profile);
  auto offer =
      co_await parts.launcher.chart_offer(all.what.subject.user, all.what.subject.server, profile);
  if (!offer) co_return std::move(offer.error());
  all.offer = std::move(*offer);
  if (all.offer->source && !all.what.project.empty()) {
    spawners::ServerSpec spec = *all.offer->spec;
    spec.values = choice_of(all.what);
    auto theirs = co_await desk->offer(std::move(spec));
    if (!theirs) co_return std::move(theirs.error());
    all.offer = std::move(*theirs);
  }
  if (all.offer->source) co_return all;
  auto list = co_await desk->charts(*profile.kubernetes);
  if (!list) co_return std::move(list.error());
  all.list = std::move(*list);
  spawners::ServerSpec spec = *all.offer->spec;
  all.offer.reset();
  if (all.what.chart.empty()) co_return all;
  spec.values = choice_of(all.what);
  auto chosen = co_await desk->offer(std::move(spec));
  if (!chosen) co_return std::move(chosen.error());
  all.offer = std::move(*chosen);
  co_return all;
}

Task<Result<FilledForm>> filled(Parts& parts, const Opened& all, Filling filling) {
  auto form =
      co_await parts.launcher.chart_desk(*all.what.profile)->filled(all.offer, std::move(filling));
  co_return form;
}

}  // namespace

Task<Answer> chart_form(Parts& parts, Call& call) {
  auto all = co_await opened(parts, call);
  if (!all) co_return refusal(parts, call, all.error());
  const ServerPtr server = parts.launcher.find(all->what.subject.key());
  if (server && server->active()) co_return redirect(pending_url(parts, all->what, call));
  if (!all->offer) co_return charts_page(parts, call, all->what, all->list);
  Filling filling = opening(parts, call, all->what);
  auto form = co_await filled(parts, *all, std::move(filling));
  if (!form) co_return refusal(parts, call, form.error());
  all->gauges =
      co_await parts.launcher.chart_desk(*all->what.profile)->quota(all->offer->namespace_, false);
  all->neighbours =
      co_await parts.launcher.chart_desk(*all->what.profile)->neighbours(all->offer->namespace_);
  co_return form_page(parts, call, *all, *form, kOk, nullptr);
}

Task<Answer> start_chart(Parts& parts, Call& call) {
  auto all = co_await opened(parts, call);
  if (!all) co_return refusal(parts, call, all.error());
  if (!all->offer) co_return problem(parts, call, kNotFound);
  Filling filling = chart_filling(call.form);
  auto form = co_await filled(parts, *all, std::move(filling));
  if (!form) co_return refusal(parts, call, form.error());
  const auto shown = [&](int status, const Json& message) {
    return form_page(parts, call, *all, *form, status, message);
  };
  const bool start = text::field(call.form, "do") == "start";
  all->gauges =
      co_await parts.launcher.chart_desk(*all->what.profile)->quota(all->offer->namespace_, start);
  all->neighbours =
      co_await parts.launcher.chart_desk(*all->what.profile)->neighbours(all->offer->namespace_);
  if (!start) co_return shown(kOk, nullptr);
  if (!form->problems.empty()) co_return shown(kBadValues, web::say("chart.refused"));
  if (const Json full = chart_no_room(all->gauges, form->demand); !full.is_null())
    co_return shown(kConflict, full);
  LaunchRequest request = request_for(call, all->what, *form);
  auto launched = co_await parts.launcher.launch(std::move(request));
  if (launched || launched.error().code() == Errc::conflict)
    co_return redirect(pending_url(parts, all->what, call));
  const Error error = std::move(launched).error();
  if (error.code() == Errc::forbidden && !error.cause())  // their sign-in has ended meanwhile
    co_return redirect(parts.settings.base_url + "hub/login?notice=signed-out-elsewhere");
  co_return shown(status_of(error),
                  error.cause() ? web::why(*error.cause())["sentence"] : Json(error.message()));
}

/// Onyxia's own address: "/launcher/CATALOG/CHART?...".
Task<Answer> launch_link(Parts& parts, Call& call) {
  std::string target = parts.settings.base_url + "hub" + call.path;
  if (!call.request.query.empty()) target += "?" + call.request.query;
  co_return redirect(std::move(target));
}

}  // namespace passerelle::hub::pages
