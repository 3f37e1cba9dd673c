// The form of a chart: filled by a launch link, by the last launch or by the person, shown again as
// often as wanted, and started. A GET never starts anything, whatever the link says.
#include "hub/answers.hpp"
#include "hub/chart_form.hpp"
#include "hub/parts.hpp"
#include "hub/routes.hpp"
#include "hub/subject.hpp"
#include "spawners/kubernetes/chart/link.hpp"
#include "spawners/kubernetes/chart_desk.hpp"

namespace passerelle::hub::pages {
namespace {

using spawners::kubernetes::FilledForm;
using spawners::kubernetes::Filling;

constexpr int kOk = 200;
constexpr int kBadValues = 400;
constexpr int kNotFound = 404;

/// Onyxia's links name the chart, which may be called otherwise than the profile.
bool is_meant(const config::Profile& profile, const std::string& name) {
  if (!profile.kubernetes) return false;
  if (profile.name == name) return true;
  const std::string& archive = profile.kubernetes->archive;
  const std::string file = archive.substr(archive.rfind('/') + 1);
  return file.size() > name.size() + 1 && file.starts_with(name + "-") &&
         file[name.size() + 1] >= '0' && file[name.size() + 1] <= '9';
}

const config::Profile* meant(const Parts& parts, const store::User& user, const std::string& name) {
  const auto mine = profiles_for(parts.settings, user);
  for (const config::Profile* one : mine)
    if (one->kubernetes && one->name == name) return one;
  for (const config::Profile* one : mine)
    if (is_meant(*one, name)) return one;
  return nullptr;
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

struct Wanted {
  Subject subject;
  const config::Profile* profile = nullptr;
};

/// Whose server, which one, and of which profile: "user" and "server", or "name" as in Onyxia.
Task<Result<Wanted>> wanted(Parts& parts, Call& call) {
  const auto told = [&call](std::string_view name) {
    const std::string_view sent = text::field(call.form, name);
    return std::string(sent.empty() ? text::field(call.query, name) : sent);
  };
  const std::string chart = call.args.empty() ? std::string() : call.args.back();
  std::string user = told("user");
  if (user.empty()) user = call.session->account().username;
  std::string server = told("server");
  if (server.empty()) server = server_name_of(told("name"));
  call.args = {user, server};
  auto subject = co_await subject_of(parts, call, "start:servers");
  if (!subject) co_return std::move(subject.error());
  Wanted found{std::move(*subject), nullptr};
  found.profile = meant(parts, found.subject.user, chart);
  if (found.profile == nullptr || parts.launcher.chart_desk(*found.profile) == nullptr)
    co_return Error(Errc::not_found, "there is no chart of that name");
  co_return found;
}

std::string here_of(const Parts& parts, const Wanted& what, const std::string& link) {
  std::string url =
      parts.settings.base_url + "hub/launcher/" + text::percent_encode(what.profile->name);
  std::string query;
  if (!what.subject.server.empty()) query = "server=" + text::percent_encode(what.subject.server);
  if (!link.empty()) query += (query.empty() ? "" : "&") + link;
  return query.empty() ? url : url + "?" + query;
}

/// What is run, as somebody would type it.
std::string command_of(const ChartOfferPtr& offer, const FilledForm& form) {
  return "helm upgrade --install " + offer->release + " " + form.archive + " --namespace " +
         offer->namespace_ + " --values values.yaml";
}

proxy::HubResponse form_page(Parts& parts,
                             const Call& call,
                             const Wanted& what,
                             const ChartOfferPtr& offer,
                             const FilledForm& form,
                             int status,
                             const Json& message) {
  const std::string base = parts.settings.base_url + "hub/launcher/";
  Json view = {{"title", web::words(what.profile->title, what.profile->name)},
               {"action", base + text::percent_encode(what.profile->name)},
               {"user", what.subject.user.username},
               {"groups", chart_groups(form)},
               {"command", command_of(offer, form)},
               {"yaml", form.yaml},
               {"link", here_of(parts, what, form.link)}};
  if (!what.subject.server.empty()) view["server"] = what.subject.server;
  if (!what.profile->description.empty())
    view["description"] = web::words(what.profile->description, "");
  if (!message.is_null()) view["message"] = message;
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
    filling.changes = last->record.values;
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
  request.actor = call.username();
  request.peer = call.request.peer;
  if (what.subject.user.id == call.session->account().id) {
    request.authenticator = call.session->authenticator;
    request.subject = call.session->subject;
  }
  return request;
}

}  // namespace

Task<Answer> chart_form(Parts& parts, Call& call) {
  auto what = co_await wanted(parts, call);
  if (!what) co_return refusal(parts, call, what.error());
  const ServerPtr server = parts.launcher.find(what->subject.key());
  if (server && server->active()) co_return redirect(pending_url(parts, *what, call));
  auto offer =
      co_await parts.launcher.chart_offer(what->subject.user, what->subject.server, *what->profile);
  if (!offer) co_return refusal(parts, call, offer.error());
  Filling filling = opening(parts, call, *what);
  auto form =
      co_await parts.launcher.chart_desk(*what->profile)->filled(*offer, std::move(filling));
  if (!form) co_return refusal(parts, call, form.error());
  co_return form_page(parts, call, *what, *offer, *form, kOk, nullptr);
}

Task<Answer> start_chart(Parts& parts, Call& call) {
  auto what = co_await wanted(parts, call);
  if (!what) co_return refusal(parts, call, what.error());
  auto offer =
      co_await parts.launcher.chart_offer(what->subject.user, what->subject.server, *what->profile);
  if (!offer) co_return refusal(parts, call, offer.error());
  Filling filling = chart_filling(call.form);
  auto form =
      co_await parts.launcher.chart_desk(*what->profile)->filled(*offer, std::move(filling));
  if (!form) co_return refusal(parts, call, form.error());
  if (text::field(call.form, "do") != "start")
    co_return form_page(parts, call, *what, *offer, *form, kOk, nullptr);
  if (!form->problems.empty())
    co_return form_page(parts, call, *what, *offer, *form, kBadValues, web::say("chart.refused"));
  LaunchRequest request = request_for(call, *what, *form);
  auto launched = co_await parts.launcher.launch(std::move(request));
  if (launched || launched.error().code() == Errc::conflict)
    co_return redirect(pending_url(parts, *what, call));
  const Error error = std::move(launched).error();
  if (error.code() == Errc::forbidden && !error.cause())  // their sign-in has ended meanwhile
    co_return redirect(parts.settings.base_url + "hub/login?notice=signed-out-elsewhere");
  const Json message = error.cause() ? web::why(*error.cause())["sentence"] : Json(error.message());
  co_return form_page(parts, call, *what, *offer, *form, status_of(error), message);
}

/// Onyxia's own address: "/launcher/CATALOG/CHART?...".
Task<Answer> launch_link(Parts& parts, Call& call) {
  std::string target = parts.settings.base_url + "hub" + call.path;
  if (!call.request.query.empty()) target += "?" + call.request.query;
  co_return redirect(std::move(target));
}

}  // namespace passerelle::hub::pages
