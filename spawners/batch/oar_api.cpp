#include "spawners/batch/oar_api.hpp"

#include <algorithm>
#include <array>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <pwd.h>

#include "base/text.hpp"
#include "spawners/batch/submit/order.hpp"

namespace passerelle::spawners::batch {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::size_t kMostBody = 16U << 20U;
constexpr std::size_t kMostAsked = 500;        ///< Jobs in one URL
constexpr const char* kAll = "limit=1000000";  ///< It pages otherwise
constexpr const char* kPlace = "/~/.local/state/passerelle/";
constexpr uid_t kFirstPerson = 1000;

constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;

bool is_good(int status) noexcept {
  return status >= 200 && status < 300;
}

Task<void> fetch_into(HttpClient& client, HttpRequest request, Result<HttpResponse>& came) {
  came = co_await client.fetch(std::move(request));
}

json body_of(const HttpResponse& response) {
  return json::parse(response.body, nullptr, false);
}

std::string text_in(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// "Oarsub command exited with status 8: WHAT IT PRINTED\nCmd:\n..."
std::optional<Answer> failed_command(const std::string& message) {
  constexpr std::string_view kMark = "exited with status ";
  constexpr int kWaitStatus = 256;  // oardel's is told as wait() has it
  const std::size_t mark = message.find(kMark);
  if (mark == std::string::npos) return std::nullopt;
  const std::size_t colon = message.find(':', mark);
  const std::string number = message.substr(mark + kMark.size(), colon - mark - kMark.size());
  if (colon == std::string::npos || number.empty() || number.size() > 5 || !is_job_id(number))
    return std::nullopt;
  Answer answer;
  answer.status = std::stoi(number);
  if (answer.status >= kWaitStatus) answer.status /= kWaitStatus;
  std::string said = message.substr(colon + 1);
  for (const std::string_view tail : {"\nCmd:", "(Command was:"})
    if (const std::size_t end = said.find(tail); end != std::string::npos) said.resize(end);
  answer.out = std::string(text::trim(said));
  return answer;
}

/// What oarsub is asked, as the API names it: it makes `--KEY="VALUE"` of each.
std::vector<std::pair<std::string, std::string>> options_of(const Wish& wish) {
  std::string resources = wish.resources;
  if (resources.empty())
    resources = "/nodes=" + (wish.nodes.empty() ? "1" : wish.nodes) +
                "/core=" + (wish.cores.empty() ? "1" : wish.cores);
  std::vector<std::pair<std::string, std::string>> all = {
      {"name", wish.name},
      {"resource", resources + ",walltime=" + wish.walltime},
      {"stdout", "log"},
      {"stderr", "log"}};
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) all.emplace_back(key, value);
  };
  add("queue", wish.queue);
  add("project", wish.project);
  add("property", wish.properties);
  add("reservation", wish.reservation);
  for (const std::string& type : wish.types) add("type", type);
  if (wish.checkpoint > 0) {
    add("checkpoint", std::to_string(wish.checkpoint));
    add("signal", "12");
  }
  return all;
}

/// The API puts all of it into a line of shell, between double quotes.
bool is_harmless(std::string_view text) noexcept {
  return text.find_first_of("\"\\`$!~\n\r") == std::string_view::npos;
}

int number_of(const std::string& signal) noexcept {
  if (signal == "INT") return 2;
  return signal == "USR2" ? 12 : 15;
}

/// Those of this machine that are the system's; the site's web server should refuse the others.
bool is_of_the_system(const std::string& user) {
  if (user == "root" || user == "oar") return true;
  passwd found{};
  passwd* known = nullptr;
  std::array<char, 4096> buffer{};
  (void)::getpwnam_r(user.c_str(), &found, buffer.data(), buffer.size(), &known);
  return known != nullptr && known->pw_uid < kFirstPerson;
}

}  // namespace

/// One order: its requests, one after the other, within one time.
class OarApi::Conversation {
 public:
  Conversation(const OarApi& api, const std::string& user, seconds limit)
      : api_(api), user_(user), until_(steady_clock::now() + limit) {}

  Result<Answer> carry(const json& order) {
    const std::string verb = order.value("verb", "");
    if (verb == "list" || verb == "find") return list(order);
    if (verb == "details") return details(order.value("ids", std::vector<std::string>()));
    if (verb == "census" && order.value("way", 0) == 0)
      return list_from(ask("GET", std::string("/resources/details.json?") + kAll), "id");
    if (verb == "census") return list_from(ask("GET", details_url()), "Job_Id");
    if (verb == "submit") return submit(order);
    if (verb == "delete") return command(ask("DELETE", "/jobs/" + job_of(order) + ".json"));
    if (verb == "signal") return signal(order);
    if (verb == "log") return file(order, "log?tail=40");
    if (verb == "proof") return file(order, "proof");
    if (verb == "clean") return clean(order);
    return Error(Errc::forbidden, "the REST API has no such command");
  }

 private:
  Result<HttpResponse> ask(const char* method,
                           const std::string& path,
                           std::string body = {},
                           const char* type = "application/json") const {
    const auto left = std::chrono::duration_cast<milliseconds>(until_ - steady_clock::now());
    if (left <= milliseconds(0)) return Error(Errc::timeout, "OAR's REST API did not answer");
    HttpRequest request;
    request.method = method;
    request.url = api_.url_ + path;
    request.headers = {{"Accept", "application/json"}, {"Content-Type", type}};
    if (!user_.empty()) request.headers.emplace_back("X-Remote-Ident", user_);
    request.body = std::move(body);
    request.timeout = left;
    request.most_body = kMostBody;
    request.ca_file = api_.ca_file_;
    request.cert_file = api_.cert_file_;
    asio::io_context loop;
    Result<HttpResponse> came;
    {
      HttpClient client(loop);
      asio::co_spawn(loop, fetch_into(client, std::move(request), came),
                     [&loop](const std::exception_ptr&) { loop.stop(); });
      loop.run();
    }
    if (came) return came;
    const Errc code = came.error().code() == Errc::timeout ? Errc::timeout : Errc::unavailable;
    return Error(code, "OAR's REST API: " + came.error().message());
  }

  static Result<Answer> command(const Result<HttpResponse>& response) {
    return response ? answer_of_api(*response) : Result<Answer>(response.error());
  }
  static Result<Answer> list_from(const Result<HttpResponse>& response, const char* key) {
    return response ? list_of_api(*response, key) : Result<Answer>(response.error());
  }
  static std::string details_url() {
    return std::string("/jobs/details.json?structure=oar&") + kAll;
  }
  static std::string job_of(const json& order) { return order.value("job", ""); }
  static std::string place_of(const json& order) {
    return "/media" + (kPlace + order.value("launch", ""));
  }

  Result<Answer> list(const json& order) const {
    auto all = list_from(ask("GET", std::string("/jobs.json?") + kAll), "id");
    const std::string name = order.value("name", "");
    if (!all || name.empty()) return all;
    json jobs = json::parse(all->out);
    for (auto job = jobs.begin(); job != jobs.end();)
      job = text_in(*job, "name") == name ? std::next(job) : jobs.erase(job);
    all->out = jobs.dump();
    return all;
  }

  Result<Answer> details(const std::vector<std::string>& ids) const {
    json jobs = json::object();
    for (std::size_t first = 0; first < ids.size(); first += kMostAsked) {
      std::string url = details_url() + "&ids=";
      for (std::size_t n = first; n < std::min(ids.size(), first + kMostAsked); ++n)
        url += (n == first ? "" : ":") + ids[n];
      auto some = list_from(ask("GET", url), "Job_Id");
      if (!some) return some;
      jobs.update(json::parse(some->out));
    }
    Answer answer;
    answer.out = jobs.dump();
    return answer;
  }

  // First the script, which makes the launch's directory; then the job, which finds it there.
  Result<Answer> submit(const json& order) const {
    const auto wish = wish_from_json(order.value("wish", json()));
    if (!wish || !is_acceptable(*wish)) return Error(Errc::forbidden, "wish is missing or wrong");
    json job = {{"workdir", kPlace + order.value("launch", "")}, {"command", "sh ./fetch"}};
    Argv argv = {"oarsub"};
    for (const auto& [key, value] : options_of(*wish)) {
      if (!is_harmless(value))
        return Error(Errc::forbidden, key + ": OAR's REST API cannot be asked for " + value);
      argv.push_back("--" + key + "=" + value);
      if (key == "type")
        job[key].push_back(value);
      else
        job[key] = value;
    }
    argv.emplace_back("sh ./fetch");
    auto made = ask("POST", place_of(order) + "/fetch", order.value("fetch", ""),
                    "application/octet-stream");
    auto laid = command(made);
    if (!laid) return laid;
    auto submitted = command(ask("POST", "/jobs.json", job.dump()));
    if (submitted) submitted->command = std::move(argv);
    return submitted;
  }

  Result<Answer> signal(const json& order) const {
    return command(ask("POST",
                       "/jobs/" + job_of(order) + "/signals/" +
                           std::to_string(number_of(order.value("signal", ""))) + ".json",
                       "{}"));
  }

  /// Nothing, if it is not there.
  Result<Answer> file(const json& order, const char* name) const {
    const auto response = ask("GET", place_of(order) + "/" + name);
    if (response && response->status == kNotFound) return Answer();
    if (!response || !is_good(response->status)) return command(response);
    Answer answer;
    answer.out = response->body;
    return answer;
  }

  Result<Answer> clean(const json& order) const {
    const auto response = ask("DELETE", place_of(order));
    if (response && response->status == kNotFound) return Answer();
    return command(response);
  }

  const OarApi& api_;
  const std::string user_;
  const steady_clock::time_point until_;
};

Result<Answer> answer_of_api(const HttpResponse& response) {
  const json said = body_of(response);
  Answer answer;
  if (is_good(response.status)) {
    if (said.is_object()) answer.out = text_in(said, "cmd_output") + text_in(said, "oardel_output");
    return answer;
  }
  const std::string message = said.is_object() ? text_in(said, "message") : std::string();
  if (auto failed = failed_command(message)) return *failed;
  const std::string what = "OAR's REST API answered " + std::to_string(response.status) +
                           (message.empty() ? "" : ": " + message.substr(0, 200));
  if (response.status == kUnauthorized || response.status == kForbidden)
    return Error(Errc::forbidden, what);
  return Error(Errc::unavailable, what);
}

Result<Answer> list_of_api(const HttpResponse& response, const char* key) {
  const json said = body_of(response);
  const Error broken(Errc::unavailable, "OAR's REST API answered " +
                                            std::to_string(response.status) + " without a list");
  if (!is_good(response.status)) {
    auto answer = answer_of_api(response);
    return answer ? Result<Answer>(broken) : answer;
  }
  if (!said.is_object() || !said.contains("items") || !said["items"].is_array()) return broken;
  json all = json::object();
  for (const json& item : said["items"]) {
    const auto number = item.is_object() ? item.find(key) : item.end();
    if (!item.is_object() || number == item.end() || !number->is_number_integer()) return broken;
    all[std::to_string(number->get<std::int64_t>())] = item;
  }
  const auto total = said.find("total");
  if (total != said.end() && total->is_number_integer() &&
      total->get<std::size_t>() > said["items"].size())
    return Error(Errc::unavailable, "OAR's REST API told only a part of its list");
  Answer answer;
  answer.out = all.dump(-1, ' ', false, json::error_handler_t::replace);
  return answer;
}

bool is_account_of_api(std::string_view user) noexcept {
  return !user.empty() && user.size() <= 64 &&
         user.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
             std::string_view::npos;
}

OarApi::OarApi(const config::BatchSpawner& settings)
    : url_(settings.api_url), ca_file_(settings.api_ca), cert_file_(settings.api_cert) {
  while (url_.ends_with('/')) url_.pop_back();
}

Result<Answer> OarApi::carry(const json& order, const std::string& user, seconds limit) const {
  const auto refused = [&](const char* why) {
    return Error(
        Errc::not_found, Cause::values_invalid,
        "OAR's REST API cannot act for the account \"" + user.substr(0, 64) + "\": " + why);
  };
  if (!user.empty() && !is_account_of_api(user))
    return refused("only letters, digits and underscores can be in its name");
  if (!user.empty() && is_of_the_system(user)) return refused("it is one of the system's");
  const std::string launch = order.value("launch", "");
  const std::string job = order.value("job", "");
  if ((!launch.empty() && !submit::is_launch(launch)) || (!job.empty() && !is_job_id(job)))
    return Error(Errc::forbidden, "launch or job is wrong");
  Conversation conversation(*this, user, limit);
  return conversation.carry(order);
}

}  // namespace passerelle::spawners::batch
