// Servers over REST: start, stop, and the progress of a launch as server-sent events.
#include <charconv>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>

#include "base/log.hpp"
#include "hub/api/models.hpp"
#include "hub/form.hpp"
#include "hub/releases.hpp"
#include "hub/routes.hpp"
#include "hub/sharing.hpp"

namespace passerelle::hub::api {
namespace {

using store::Phase;

constexpr int kCreated = 201;
constexpr int kAccepted = 202;
constexpr int kNoContent = 204;
constexpr int kBadRequest = 400;
constexpr int kOk = 200;
constexpr std::size_t kLateLines = 200;

proxy::HubResponse empty(int status) {
  return {status, {{"Content-Type", "text/plain"}}, ""};
}

// A form's values: texts, numbers, booleans.
Result<config::Values> values_of(const Json& options) {
  config::Values values;
  const auto given = options.find("values");
  if (given == options.end() || given->is_null()) return values;
  if (!given->is_object())
    return Error(Errc::invalid, Cause::values_invalid, "values is an object");
  for (const auto& [name, value] : given->items()) {
    if (!value.is_primitive() || value.is_null())
      return Error(Errc::invalid, Cause::values_invalid, name + ": must be one value");
    values[name] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return values;
}

// The body is nothing, null, or {"profile": "...", "values": {"cores": 4}}.
Result<LaunchRequest> launch_request(const Call& call) {
  LaunchRequest request;
  const std::string_view body = text::trim(call.request.body);
  if (body.empty() || body == "null") return request;
  const Json options = Json::parse(body, nullptr, false);
  if (!options.is_object()) return Error(Errc::invalid, "Invalid JSON in body of request");
  const auto profile = options.find("profile");
  if (profile != options.end() && !profile->is_string())
    return Error(Errc::invalid, Cause::values_invalid, "profile is a string");
  if (profile != options.end()) request.profile = profile->get<std::string>();
  auto values = values_of(options);
  if (!values) return std::move(values).error();
  request.values = std::move(*values);
  return request;
}

// Waits a moment for a quick server, as JupyterHub does: 201 when it is up, 202 while it is not.
Task<void> wait_briefly(Server& server) {
  using namespace asio::experimental::awaitable_operators;
  constexpr auto kMoment = std::chrono::seconds(1);
  boost::system::error_code ignored;
  while (server.record.phase == Phase::pending) {
    auto changed = server.changed.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    const auto first = co_await (std::move(changed) || sleep_for(kMoment));
    if (first.index() == 1) co_return;
  }
}

// Tells event ids of this process from those of one before it about the same launch.
std::string stream_of(const LaunchProgress& progress) {
  static const std::string ours = secrets::random_hex(3);
  return progress.launch_id() + "." + ours;
}

// One reader of one launch: writes events to the browser until either ends.
class EventStream : public std::enable_shared_from_this<EventStream> {
 public:
  EventStream(asio::io_context& loop,
              std::shared_ptr<proxy::HubReply> reply,
              std::shared_ptr<LaunchProgress> progress)
      : loop_(loop), reply_(std::move(reply)), progress_(std::move(progress)) {}

  void start(std::size_t last_id) {
    reply_->on_close([weak = weak_from_this(), &loop = loop_] {
      asio::post(loop, [weak] {
        if (const auto self = weak.lock()) self->progress_->leave(self->key_);
      });
    });
    auto self = shared_from_this();
    key_ = progress_->follow(
        last_id,
        [self](const LaunchProgress::Event& event) {
          return self->reply_->write("id: " + stream_of(*self->progress_) + "-" +
                                     std::to_string(event.id) + "\ndata: " + event.json + "\n\n");
        },
        [self] { self->reply_->finish(); });
  }

 private:
  asio::io_context& loop_;
  std::shared_ptr<proxy::HubReply> reply_;
  std::shared_ptr<LaunchProgress> progress_;
  std::size_t key_ = 0;
};

// What goes on when its caller has stopped waiting.
struct Ending {
  explicit Ending(asio::io_context& loop) : over(loop, asio::steady_timer::time_point::max()) {}
  asio::steady_timer over;  // cancelled when there is an outcome
  std::optional<Result<void>> outcome;
};

Task<Result<void>> stop_and_remove(Parts& parts,
                                   Subject subject,
                                   StopRequest request,
                                   bool remove) {
  Actor actor{request.actor, request.peer};
  auto stopped = co_await parts.launcher.stop(subject.key(), std::move(request));
  if (!stopped || !remove) co_return stopped;
  if (const ServerPtr server = parts.launcher.find(subject.key()); server) {
    auto gone = co_await uninstall(parts, server);
    if (!gone) co_return gone;
  }
  auto forgotten = co_await parts.launcher.forget(subject.key());
  if (!forgotten) co_return forgotten;
  auth::SharedServer of{subject.user.username, subject.server};
  auto unshared = co_await revoke_shares_of(parts, std::move(of), std::move(actor));
  if (!unshared) co_return std::move(unshared.error());
  co_return Result<void>();
}

// As JupyterHub's slow_stop_timeout; a pod may take minutes, and clients and proxies give up
// before.
Task<void> wait_for_ending(std::shared_ptr<Ending> ending) {
  using namespace asio::experimental::awaitable_operators;
  constexpr auto kSlow = std::chrono::seconds(10);
  if (ending->outcome) co_return;
  boost::system::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  auto over = ending->over.async_wait(token);
  co_await (std::move(over) || sleep_for(kSlow));
}

Task<void> tell_ending(std::shared_ptr<Ending> ending, Task<Result<void>> work) {
  ending->outcome = co_await std::move(work);
  ending->over.cancel();
}

// "<stream>-<n>": events of another launch, or of a gateway before this one, are not skipped.
std::size_t last_event(const Call& call, const LaunchProgress& progress) {
  const std::string_view id = call.request.header("last-event-id");
  const std::size_t dash = id.rfind('-');
  if (dash == std::string_view::npos || id.substr(0, dash) != stream_of(progress)) return 0;
  std::size_t number = 0;
  std::from_chars(id.data() + dash + 1, id.data() + id.size(), number);
  return number;
}

}  // namespace

Task<Answer> server(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "read:servers");
  if (!subject) co_return refuse(subject.error());
  const ServerPtr server = parts.launcher.find(subject->key());
  if (!server)
    co_return refuse(Error(Errc::not_found, "No access to resources or resources not found"));
  co_return json(kOk, server_model(parts, *server));
}

Task<Answer> start_server(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "start:servers");
  if (!subject) co_return refuse(subject.error());
  auto request = launch_request(call);
  if (!request) co_return refuse(request.error());
  request->user = subject->user;
  request->server_name = subject->server;
  request->actor = call.username();
  request->peer = call.request.peer;
  if (const auto wrong = problem_with(parts, *request)) {
    Json body = {{"status", kBadRequest}, {"message", config::sentence(*wrong)}};
    body["cause"] = to_string(Cause::values_invalid);
    body["field"] = wrong->field;
    body["reason"] = wrong->reason;
    co_return json(kBadRequest, body);
  }
  const ServerPtr before = parts.launcher.find(subject->key());
  if (before && before->record.phase == Phase::pending) co_return empty(kAccepted);
  auto launched = co_await parts.launcher.launch(std::move(*request));
  if (!launched) {
    proxy::HubResponse refused = refuse(launched.error());
    if (launched.error().cause() == Cause::queue_full)
      refused.headers.emplace_back("Retry-After", "30");
    co_return refused;
  }
  const ServerPtr server = parts.launcher.find(subject->key());
  co_await wait_briefly(*server);
  if (server->record.phase == Phase::pending) co_return empty(kAccepted);
  if (server->record.phase == Phase::running) co_return empty(kCreated);
  const Error failed(Errc::internal, server->record.cause.value_or(Cause::internal),
                     server->record.detail);
  co_return refuse(failed);
}

Task<Answer> stop_server(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "delete:servers");
  if (!subject) co_return refuse(subject.error());
  const ServerPtr server = parts.launcher.find(subject->key());
  if (!server && !subject->server.empty())
    co_return refuse(Error(Errc::not_found, "no such server"));
  StopRequest request;
  request.by = call.username() == subject->user.username ? "user" : "admin";
  request.actor = call.username();
  request.peer = call.request.peer;
  const Json body = Json::parse(call.request.body, nullptr, false);
  const bool remove = body.is_object() && body.value("remove", false);
  if (remove && subject->server.empty())
    co_return api_error(kBadRequest, "the default server cannot be removed");
  auto work = stop_and_remove(parts, std::move(*subject), std::move(request), remove);
  const auto ending = std::make_shared<Ending>(parts.loop);
  asio::co_spawn(parts.loop, tell_ending(ending, std::move(work)), asio::detached);
  co_await wait_for_ending(ending);
  if (!ending->outcome) co_return empty(kAccepted);
  if (!*ending->outcome) co_return refuse(ending->outcome->error());
  co_return empty(kNoContent);
}

Task<Answer> progress(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "read:servers");
  if (!subject) co_return refuse(subject.error());
  const ServerPtr server = parts.launcher.find(subject->key());
  if (!server)
    co_return refuse(Error(Errc::not_found, "No access to resources or resources not found"));
  std::shared_ptr<LaunchProgress> events = server->progress;
  const bool running = server->record.phase == Phase::running;
  const bool told = events && (server->record.phase == Phase::pending || events->has_failed());
  if (!running && !told) co_return refuse(Error(Errc::not_found, "the server is not starting"));
  // Who comes late hears what counts, as from JupyterHub: that it is ready; with what the launch
  // said. Who lost the connection on the way hears the rest.
  if (running && (!events || last_event(call, *events) == 0)) {
    const std::string log = events ? events->log_tail(kLateLines) : "";
    events = std::make_shared<LaunchProgress>(server->record.launch_id);
    events->ready(server->open_url, log);
  }
  proxy::HubResponse head{kOk,
                          {{"Content-Type", "text/event-stream"},
                           {"Cache-Control", "no-cache"},
                           {"X-Accel-Buffering", "no"}},
                          ""};
  call.reply->begin(std::move(head));
  const auto stream = std::make_shared<EventStream>(parts.loop, call.reply, events);
  stream->start(last_event(call, *events));
  co_return std::nullopt;
}

}  // namespace passerelle::hub::api
