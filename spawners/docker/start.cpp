// A container's way up: image, remember, create, start, watch until something answers. Everything
// that was made is undone by start_or_undo(), whatever ends the attempt.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/system/system_error.hpp>

#include "base/log.hpp"
#include "spawners/docker/docker.hpp"

namespace passerelle::spawners::docker {
namespace {

constexpr unsigned kTail = 20;

}  // namespace

/// In a coroutine thread of its own: cancelling the caller reaches it, but it can end what it began
/// before it returns.
Task<Result<Started>> DockerSpawner::start(ServerSpec spec, Progress& progress) {
  const auto executor = co_await asio::this_coro::executor;
  auto body = start_or_undo(std::move(spec), progress);
  auto started = co_await asio::co_spawn(executor, std::move(body), asio::use_awaitable);
  co_return started;
}

Task<Result<Started>> DockerSpawner::start_or_undo(ServerSpec spec, Progress& progress) {
  const auto executor = co_await asio::this_coro::executor;
  const auto creation = std::make_shared<Creation>(executor);
  Result<Started> outcome = Error(Errc::cancelled, Cause::cancelled, "the start was cancelled");
  try {
    outcome = co_await try_start(spec, creation, progress);
  } catch (const boost::system::system_error&) {
    // Cancelled: Asio says so by throwing at the next co_await.
  }
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  const bool cancelled = cancellation.cancelled() != asio::cancellation_type::none;
  if (outcome && !cancelled) co_return outcome;
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (cancelled) outcome = Error(Errc::cancelled, Cause::cancelled, "the start was cancelled");
  // A launch id that exists already is someone's: it is not ours to undo.
  if (outcome.error().code() == Errc::conflict) co_return outcome;
  if (!creation->asked) co_return outcome;
  co_await until_answered(creation);
  const Launch launch{spec.launch_id};
  const auto undone = co_await engine_.remove(launch.container());
  if (!undone)
    log::error("spawner", "a failed start left something",
               {{"launch", launch.id}, {"why", undone.error().message()}});
  co_return outcome;
}

Task<void> DockerSpawner::create(CreationPtr creation,
                                 std::string container,
                                 nlohmann::json settings) {
  auto created = co_await engine_.create(std::move(container), std::move(settings));
  creation->result = std::move(created);
  creation->answered.cancel();
}

Task<void> DockerSpawner::until_answered(CreationPtr creation) {
  if (creation->result) co_return;
  boost::system::error_code woken;
  auto token = asio::redirect_error(asio::use_awaitable, woken);
  co_await creation->answered.async_wait(token);
}

Task<Result<Started>> DockerSpawner::try_start(const ServerSpec& spec,
                                               const CreationPtr& creation,
                                               Progress& progress) {
  progress.step("prepare");
  if (!spec.profile.container)
    co_return Error(Errc::invalid, Cause::values_invalid,
                    "the profile " + spec.profile.name + " names no container");
  const config::ContainerProfile& container = *spec.profile.container;
  const auto image = image_for(settings_, container, spec);
  if (!image) co_return image.error();
  const std::uint32_t port = container.port;
  Launch launch{spec.launch_id, port};
  std::vector<std::string> marks = labels();
  marks.push_back("passerelle.launch=" + launch.id);
  marks.push_back("passerelle.state=" + to_state(launch));
  marks.push_back("passerelle.user=" + spec.username);
  marks.push_back("passerelle.server=" + spec.server_name);
  auto settings = container_settings(settings_, container, spec, *image, marks);
  if (!settings) co_return std::move(settings.error());
  const auto provided = co_await provide_image(*image, progress);
  if (!provided) co_return provided.error();
  // Whatever happens from here on, a restarted hub knows where to look.
  const auto remembered = co_await progress.remember(to_state(launch));
  if (!remembered) co_return remembered.error();
  progress.step("spawn");
  const auto executor = co_await asio::this_coro::executor;
  auto creating = create(creation, launch.container(), std::move(*settings));
  creation->asked = true;
  asio::co_spawn(executor, std::move(creating), asio::detached);
  co_await until_answered(creation);
  if (!creation->result)
    co_return Error(Errc::cancelled, Cause::cancelled, "the start was cancelled");
  if (!*creation->result) co_return creation->result->error();
  const auto begun = co_await engine_.start(launch.container());
  if (!begun) co_return begun.error();
  progress.step("listen");
  auto listening = until_it_listens(spec, launch, progress);
  auto started = co_await with_timeout(std::move(listening), spec.start_timeout, "the start");
  if (started || started.error().code() != Errc::timeout) co_return started;
  auto printed = co_await engine_.logs(launch.container(), kTail);
  co_return Error(Errc::timeout, Cause::start_timeout,
                  "nothing answered on port " + std::to_string(port) + " of the container in time")
      .with_log(printed ? std::move(*printed) : std::string());
}

Task<Result<void>> DockerSpawner::provide_image(std::string image, Progress& progress) {
  constexpr auto kPatience = std::chrono::minutes(30);
  const auto there = co_await engine_.has_image(image);
  if (!there) co_return there.error();
  if (*there) co_return Result<void>();
  if (settings_.pull == "never")
    co_return Error(Errc::unavailable, Cause::image_pull,
                    "the image " + image + " is not on this machine, and none is fetched");
  progress.step("image");
  auto pulled = co_await engine_.pull(std::move(image), kPatience);
  co_return pulled;
}

Task<Result<Started>> DockerSpawner::until_it_listens(const ServerSpec& spec,
                                                      Launch launch,
                                                      Progress& progress) {
  using namespace asio::experimental::awaitable_operators;
  const auto container = co_await engine_.inspect(launch.container());
  if (!container) co_return container.error();
  const auto upstream = address_of(*container, launch.port);
  if (!upstream && !container->running) co_return co_await why_ended(launch.container());
  if (!upstream)
    co_return Error(Errc::unavailable, Cause::spawner_down,
                    "docker: the container has no address in the network " + settings_.network);
  auto answering = until_answer(*upstream, spec.base_path, launch.container(), progress);
  auto ending = until_end(launch.container());
  const auto first = co_await (std::move(answering) || std::move(ending));
  if (first.index() == 1) co_return co_await why_ended(launch.container());
  co_return Started{*upstream, to_state(launch)};
}

/// The engine's own proxy accepts connections before the server does: only an answer counts.
Task<Result<void>> DockerSpawner::until_answer(Upstream upstream,
                                               std::string path,
                                               std::string container,
                                               Progress& progress) {
  auto pause = std::chrono::milliseconds(20);
  constexpr auto kLongestPause = std::chrono::milliseconds(500);
  std::size_t shown = 0;
  for (;;) {
    HttpRequest question;
    question.url = "http://localhost" + path;
    question.connect_to = upstream;
    question.timeout = std::chrono::seconds(5);
    auto answer = co_await http_.fetch(std::move(question));
    auto printed = co_await engine_.logs(container, 0);
    if (printed && printed->size() > shown) {
      progress.log(std::string_view(*printed).substr(shown));
      shown = printed->size();
    }
    if (answer) co_return Result<void>();
    co_await sleep_for(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

Task<void> DockerSpawner::until_end(std::string container) {
  for (;;) {
    const auto waited = co_await engine_.wait(container);
    const auto now = co_await engine_.inspect(container);
    const bool gone = !now && now.error().code() == Errc::not_found;
    if (gone || (now && !now->running)) co_return;
    co_await sleep_for(std::chrono::seconds(waited ? 0 : 1));
  }
}

Task<Error> DockerSpawner::why_ended(std::string container) {
  const auto ended = co_await engine_.inspect(container);
  if (!ended) co_return ended.error();
  auto printed = co_await engine_.logs(container, kTail);
  const Cause cause = ended->out_of_memory ? Cause::out_of_memory : Cause::crashed;
  const std::string code = std::to_string(ended->exit_code);
  std::string sentence =
      ended->out_of_memory
          ? "the server used more memory than it may and was ended before it answered"
          : "the server ended with exit code " + code + " before it answered";
  co_return Error(Errc::unavailable, cause, std::move(sentence))
      .with_log(printed ? std::move(*printed) : std::string())
      .with_exit_code(ended->exit_code);
}

}  // namespace passerelle::spawners::docker
