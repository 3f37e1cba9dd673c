// Choosing a profile, starting, watching the launch, and reading why it failed. A GET never starts
// anything.
#include "hub/answers.hpp"
#include "hub/form.hpp"
#include "hub/parts.hpp"
#include "hub/routes.hpp"
#include "hub/subject.hpp"
#include "spawners/forecaster.hpp"

namespace passerelle::hub::pages {
namespace {

using store::Phase;

constexpr int kOk = 200;
constexpr int kBadValues = 400;

// /hub/spawn is the caller's own; /hub/spawn/:user/:server names somebody's.
Task<Result<Subject>> subject_or_self(Parts& parts, Call& call) {
  if (call.args.empty()) call.args.emplace_back(call.session->account().username);
  auto subject = co_await subject_of(parts, call, "start:servers");
  co_return subject;
}

std::string pending_url(const Parts& parts, const Subject& subject, std::string_view next) {
  std::string url = parts.settings.base_url + "hub/spawn-pending/" +
                    path_tail(subject.user.username, subject.server);
  if (!next.empty()) url += "?next=" + text::percent_encode(next);
  return url;
}

std::string next_of(const Call& call) {
  std::string_view raw = text::field(call.form, "next");
  if (raw.empty()) raw = text::field(call.query, "next");
  return text::safe_next(raw).value_or("");
}

// Where a chart's own form is.
std::string chart_url(const Parts& parts,
                      const Subject& subject,
                      const config::Profile& profile,
                      std::string_view next) {
  std::string url = parts.settings.base_url + "hub/launcher/" + text::percent_encode(profile.name) +
                    "?user=" + text::percent_encode(subject.user.username);
  if (!subject.server.empty()) url += "&server=" + text::percent_encode(subject.server);
  if (!next.empty()) url += "&next=" + text::percent_encode(next);
  return url;
}

// What was sent and starts nothing: it stands in the form again, beside the reason, or what was
// asked.
struct Refused {
  const Error* error = nullptr;
  std::string profile;
  config::Values values;
  std::optional<config::ValueProblem> wrong;
  std::optional<spawners::Forecast> forecast;
};

/// When it would start, as whoever plans there says.
Json forecast_view(const spawners::Forecast& forecast, Instant now) {
  constexpr auto kAtOnce = std::chrono::seconds(30);
  const bool refused = !forecast.refused.empty();
  const bool at_once = !refused && forecast.starts && *forecast.starts <= now + kAtOnce;
  Json view = {{"now", at_once}, {"unknown", !refused && !forecast.starts}};
  if (refused) view["refused"] = forecast.refused;
  if (!refused && forecast.starts && !at_once) view["starts"] = web::moment(*forecast.starts);
  return view;
}

/// What is free where this profile's servers run; null if nobody knows.
Json rooms_of(const Parts& parts, const config::Profile& profile) {
  Json rooms = Json::array();
  for (const spawners::Room& room : parts.launcher.rooms(profile)) {
    Json row = {{"free", std::to_string(room.free)}, {"all", std::to_string(room.all)}};
    if (!room.name.empty()) row["place"] = room.name;
    rooms.push_back(std::move(row));
  }
  return rooms.empty() ? Json() : Json({{"rooms", std::move(rooms)}});
}

// A link can say what stands in the form: "?cores=4", or "?opt-cores=4" as JupyterHub 6 writes it.
void fill_in(const text::Form& query, const config::Profile& profile, config::Values& values) {
  for (const config::FormField& field : profile.form)
    for (const auto& [name, value] : query)
      if (name == field.name || name == "opt-" + field.name) values[field.name] = value;
}

proxy::HubResponse choice(
    Parts& parts, const Call& call, const Subject& subject, int status, const Refused& refused) {
  Json view = {{"action", parts.settings.base_url + "hub/spawn/" +
                              path_tail(subject.user.username, subject.server)},
               {"profiles", Json::array()},
               {"ask", false}};
  const ServerPtr last = parts.launcher.find(subject.key());
  std::string checked = refused.profile;
  if (checked.empty()) checked = text::field(call.query, "profile");
  if (checked.empty() && last) checked = last->record.profile;
  const auto mine = profiles_for(parts.settings, subject.user);
  const bool known =
      std::any_of(mine.begin(), mine.end(), [&](const auto* one) { return one->name == checked; });
  if (!known && !mine.empty()) checked = mine[0]->name;
  for (const config::Profile* profile : mine) {
    Json tile = {{"name", profile->name},
                 {"title", web::words(profile->title, profile->name)},
                 {"checked", profile->name == checked}};
    if (!profile->description.empty()) tile["description"] = web::words(profile->description, "");
    config::Values values;
    if (last && last->record.profile == profile->name) values = last->record.values;
    if (profile->name == checked) fill_in(call.query, *profile, values);
    const bool sent = refused.profile == profile->name;
    if (sent) values = refused.values;
    if (!profile->form.empty())
      tile["form"] = {{"fields", fields_view(*profile, values,
                                             sent && refused.wrong ? &*refused.wrong : nullptr)}};
    if (Json rooms = rooms_of(parts, *profile); !rooms.is_null()) tile["free"] = std::move(rooms);
    const spawners::Forecaster* teller = parts.launcher.forecaster(*profile);
    tile["later"] = teller != nullptr && !teller->forecasts();
    if (teller != nullptr && teller->forecasts()) view["ask"] = true;
    view["profiles"].push_back(std::move(tile));
  }
  if (refused.wrong) view["message"] = web::why(Cause::values_invalid)["sentence"];
  if (const Error* error = refused.error; error != nullptr) {
    view["message"] = error->message();
    if (error->cause()) view["message"] = web::why(*error->cause())["sentence"];
  }
  if (refused.forecast) view["forecast"] = forecast_view(*refused.forecast, parts.clock.now());
  if (const std::string next = next_of(call); !next.empty()) view["next"] = next;
  return page(parts, call, status, "spawn", view);
}

milliseconds to_ms(std::chrono::steady_clock::duration time) {
  return std::chrono::duration_cast<milliseconds>(time);
}

Json step_rows(const LaunchProgress& progress) {
  constexpr std::string_view kSteps[] = {"queued", "prepare", "cluster",
                                         "spawn",  "listen",  "answer"};
  Json rows = Json::array();
  const auto& steps = progress.steps();
  for (const std::string_view name : kSteps) {
    const auto step =
        std::find_if(steps.begin(), steps.end(), [&](const auto& one) { return one.name == name; });
    if (step == steps.end() && name == "queued" && !steps.empty())
      continue;                                              // it never had to wait
    if (step == steps.end() && name == "cluster") continue;  // nor there
    Json row = {{"name", name}, {"words", web::step_words(name)}, {"state", "waiting"}};
    if (step != steps.end()) {
      row["state"] = step->done ? "done" : "active";
      row["took"] = web::elapsed(
          to_ms(step->done ? step->took : std::chrono::steady_clock::now() - step->begun));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// How far a batch system is with the job.
Json cluster_view(const spawners::Waiting& how) {
  Json view = {{"state", web::say("cluster." + how.state)}};
  if (!how.reason.empty()) view["reason"] = how.reason;
  if (!how.job.empty()) view["job"] = how.job;
  if (how.starts) view["starts"] = web::moment(*how.starts);
  return view;
}

Json progress_view(const Parts& parts, const Server& server) {
  constexpr int kRefresh = 2;
  constexpr std::size_t kLines = 20;
  const LaunchProgress& progress = *server.progress;
  const std::string which = server.record.name.empty()
                                ? "/server"
                                : "/servers/" + text::percent_encode(server.record.name);
  Json view = {{"title", title_of(parts.settings, server.record.profile)},
               {"percent", progress.percent()},
               {"steps", step_rows(progress)},
               {"cancel_url", parts.settings.base_url + "hub/stop/" + path_tail(server)},
               {"events_url", parts.settings.base_url + "hub/api/users/" +
                                  text::percent_encode(server.username) + which + "/progress"},
               {"refresh", kRefresh},
               {"seen", progress.last_id()}};
  if (progress.queue_position() > 0)
    view["queue"] = {{"position", progress.queue_position()}, {"of", progress.queue_length()}};
  if (progress.elsewhere() != nullptr) view["cluster"] = cluster_view(*progress.elsewhere());
  if (const std::string log = progress.log_tail(kLines); !log.empty()) view["log"] = log;
  return view;
}

proxy::HubResponse failure(Parts& parts, const Call& call, const Server& server) {
  constexpr int kFailed = 500;
  const store::ServerRecord& record = server.record;
  Json view = {{"title", title_of(parts.settings, record.profile)},
               {"why", web::why(*record.cause)},
               {"at", web::moment(record.ended.value_or(parts.clock.now()))},
               {"error_id", record.error_id}};
  // detail holds the sentence, then the log's last lines.
  const std::size_t line_end = record.detail.find('\n');
  if (const std::string sentence = record.detail.substr(0, line_end); !sentence.empty())
    view["detail"] = sentence;
  if (line_end != std::string::npos && line_end + 1 < record.detail.size())
    view["log"] = record.detail.substr(line_end + 1);
  if (record.exit_code) view["exit_code"] = *record.exit_code;
  if (*record.cause != Cause::profile_gone && *record.cause != Cause::profile_forbidden)
    view["retry"] = {{"action", parts.settings.base_url + "hub/spawn/" + path_tail(server)},
                     {"profile", record.profile}};
  return page(parts, call, kFailed, "failure", view);
}

// "When would it start?": the same page, with the answer. Whoever cannot be reached knows nothing;
// that is no failure of the page.
Task<Answer> tell_when(
    Parts& parts, Call& call, const Subject& subject, LaunchRequest request, Refused asked) {
  const auto told = co_await parts.launcher.forecast(std::move(request));
  if (told) asked.forecast = *told;
  const Errc code = told ? Errc::internal : told.error().code();
  const bool nobody = code == Errc::unavailable || code == Errc::timeout || code == Errc::exhausted;
  if (nobody) asked.forecast = spawners::Forecast();
  if (told || nobody) co_return choice(parts, call, subject, kOk, asked);
  asked.error = &told.error();
  co_return choice(parts, call, subject, status_of(told.error()), asked);
}

}  // namespace

Task<Answer> choose(Parts& parts, Call& call) {
  auto subject = co_await subject_or_self(parts, call);
  if (!subject) co_return problem(parts, call, status_of(subject.error()));
  const ServerPtr server = parts.launcher.find(subject->key());
  const std::string next = next_of(call);
  if (server && server->record.phase == Phase::running)
    co_return redirect(next.empty() ? server->open_url : next);
  if (server && server->active()) co_return redirect(pending_url(parts, *subject, next));
  const Refused nothing;
  co_return choice(parts, call, *subject, kOk, nothing);
}

Task<Answer> spawn(Parts& parts, Call& call) {
  auto subject = co_await subject_or_self(parts, call);
  if (!subject) co_return problem(parts, call, status_of(subject.error()));
  LaunchRequest request;
  request.user = subject->user;
  request.server_name = subject->server;
  request.profile = text::field(call.form, "profile");
  request.same_values = !text::field(call.form, "same").empty();
  if (const auto* profile = parts.launcher.profile_for(request);
      profile != nullptr && profile->kubernetes && !request.same_values)
    co_return redirect(chart_url(parts, *subject, *profile, next_of(call)));
  Refused refused;
  refused.profile = request.profile;
  if (const auto* profile = find_profile(parts.settings, request.profile))
    refused.values = values_from(*profile, call.form);
  request.values = refused.values;
  refused.wrong = problem_with(parts, request);
  if (refused.wrong) co_return choice(parts, call, *subject, kBadValues, refused);
  request.actor = call.username();
  request.peer = call.request.peer;
  if (subject->user.id == call.session->account().id) {
    request.authenticator = call.session->authenticator;
    request.subject = call.session->subject;
  }
  if (!text::field(call.form, "ask").empty()) {
    auto answer = co_await tell_when(parts, call, *subject, std::move(request), std::move(refused));
    co_return answer;
  }
  auto launched = co_await parts.launcher.launch(std::move(request));
  if (launched || launched.error().code() == Errc::conflict)
    co_return redirect(pending_url(parts, *subject, next_of(call)));
  const Error error = std::move(launched).error();
  if (error.code() == Errc::forbidden && !error.cause())  // their sign-in has ended meanwhile
    co_return redirect(parts.settings.base_url + "hub/login?notice=signed-out-elsewhere");
  if (error.cause() == Cause::internal)
    co_return redirect(pending_url(parts, *subject, ""));  // it failed: say why
  refused.error = &error;
  co_return choice(parts, call, *subject, status_of(error), refused);
}

Task<Answer> pending(Parts& parts, Call& call) {
  constexpr int kNotFound = 404;
  constexpr int kStoppingLook = 2;
  auto subject = co_await subject_of(parts, call, "read:servers");
  if (!subject) co_return problem(parts, call, status_of(subject.error()));
  const ServerPtr server = parts.launcher.find(subject->key());
  if (!server) co_return problem(parts, call, kNotFound);
  const std::string next = next_of(call);
  switch (server->record.phase) {
    case Phase::running:
      co_return redirect(next.empty() ? server->open_url : next);
    case Phase::pending:
      co_return page(parts, call, kOk, "progress", progress_view(parts, *server));
    case Phase::stopping: {
      const Json view = {{"title", title_of(parts.settings, server->record.profile)},
                         {"refresh", kStoppingLook}};
      co_return page(parts, call, kOk, "stopping", view);
    }
    case Phase::stopped:
      break;
  }
  if (server->record.cause && *server->record.cause != Cause::cancelled)
    co_return failure(parts, call, *server);
  co_return redirect(parts.settings.base_url + "hub/home");
}

}  // namespace passerelle::hub::pages
