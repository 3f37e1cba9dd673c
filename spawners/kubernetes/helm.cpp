#include "spawners/kubernetes/helm.hpp"

#include <cstdlib>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.hpp"
#include "base/secrets.hpp"
#include "base/text.hpp"
#include "spawners/kubernetes/process.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

constexpr std::size_t kMostWords = 16U << 10U;
constexpr std::size_t kLargestProgram = 256U << 20U;
constexpr auto kEndPatience = std::chrono::seconds(10);
constexpr int kSignal = 128;
constexpr mode_t kOurFile = 0600;
constexpr int kLockThere = 3;  // its number in helm

/// Gone with this run, so it need not survive a power cut.
Result<void> write(const std::string& path, const std::string& content) {
  const Error failed(Errc::unavailable, Cause::spawner_down, "cannot write " + path);
  const int file =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kOurFile);
  if (file < 0) return failed;
  const auto put = ::write(file, content.data(), content.size());
  ::close(file);
  return put == static_cast<ssize_t>(content.size()) ? Result<void>() : Result<void>(failed);
}

/// What changes with a file's content, whoever changes it: nobody sets st_ctim.
std::string identity_of(const std::string& file) {
  struct stat about{};
  if (::stat(file.c_str(), &about) != 0) return {};
  return std::to_string(about.st_dev) + " " + std::to_string(about.st_ino) + " " +
         std::to_string(about.st_size) + " " + std::to_string(about.st_ctim.tv_sec) + "." +
         std::to_string(about.st_ctim.tv_nsec);
}

}  // namespace

Error helm_error(const std::string& words) {
  const auto says = [&words](const char* what) { return words.find(what) != std::string::npos; };
  std::string told(text::trim(words));
  constexpr std::size_t kLongest = 500;
  if (told.size() > kLongest) told = told.substr(told.size() - kLongest);
  if (says("exceeded quota")) return {Errc::forbidden, Cause::quota_user, told};
  for (const char* held : {"another operation", "already exists", "has no deployed releases",
                           "cannot re-use a name", "the object has been modified"})
    if (says(held)) return {Errc::conflict, Cause::spawner_down, told};
  if (says("values don't meet the specifications"))
    return {Errc::invalid, Cause::values_invalid, told};
  for (const char* silent : {"connection refused", "cluster unreachable", "i/o timeout",
                             "TLS handshake timeout", "connection reset", "unexpected EOF",
                             "Too Many Requests", "unable to handle the request", "etcdserver:"})
    if (says(silent)) return {Errc::unavailable, Cause::spawner_down, told};
  return {Errc::internal, Cause::spawner_down, told.empty() ? "helm was ended" : told};
}

Helm::Helm(WorkerPool& workers, HelmSettings settings)
    : workers_(workers), settings_(std::move(settings)), seats_(settings_.most) {}

std::vector<std::string> Helm::environment() const {
  std::vector<std::string> all = {"PATH=/usr/local/bin:/usr/bin:/bin",
                                  "LANG=C.UTF-8",
                                  "HOME=" + settings_.folder,
                                  "HELM_CACHE_HOME=" + settings_.folder + "/cache",
                                  "HELM_CONFIG_HOME=" + settings_.folder + "/config",
                                  "HELM_DATA_HOME=" + settings_.folder + "/data"};
  for (const char* name : {"KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"})
    if (const char* value = std::getenv(name); value != nullptr && settings_.kubeconfig.empty())
      all.push_back(std::string(name) + "=" + value);
  return all;
}

Task<Result<void>> Helm::check_program() {
  auto look = [program = settings_.program, digest = settings_.digest]() -> Result<void> {
    const auto content = files::read(program, kLargestProgram);
    if (!content) return content.error();
    if (secrets::sha256_hex(*content) != digest)
      return Error(Errc::forbidden, Cause::spawner_down,
                   program + " is not the program whose digest `helm_digest` tells");
    return {};
  };
  if (settings_.digest.empty()) co_return Result<void>();
  const std::string now = identity_of(settings_.program);
  if (!now.empty() && now == genuine_) co_return Result<void>();
  auto same = co_await workers_.run(std::move(look));
  if (same) genuine_ = now;
  co_return same;
}

Task<Result<void>> Helm::run(std::vector<std::string> words, const Workplace& place) {
  auto genuine = co_await check_program();
  if (!genuine) co_return genuine;
  words.insert(words.begin(), settings_.program);
  const auto add = [&words](const char* flag, const std::string& value) {
    if (value.empty()) return;
    words.emplace_back(flag);
    words.push_back(value);
  };
  add("--kubeconfig", settings_.kubeconfig);
  add("--kube-context", settings_.context);
  add("--kube-as-user", settings_.as_user);
  add("--timeout", std::to_string(settings_.timeout.count()) + "s");
  const int said = ::open(place.file("said").c_str(),
                          O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kOurFile);
  if (said < 0)
    co_return Error(Errc::unavailable, Cause::spawner_down, "cannot write " + place.file("said"));
  Program program{std::move(words), environment(), {{said, 2}, {place.lock(), kLockThere}}};
  const auto pid = start_program(std::move(program));
  ::close(said);
  if (!pid) co_return pid.error();
  const int status = co_await until_program_ended(*pid, settings_.timeout + kEndPatience);
  const auto told = files::read(place.file("said"), 1U << 20U);
  if (status == 0) co_return Result<void>();
  std::string last = told ? *told : std::string();
  if (last.size() > kMostWords) last = last.substr(last.size() - kMostWords);
  if (status > kSignal)
    co_return Error(Errc::conflict, Cause::spawner_down, "helm was ended by a signal");
  co_return helm_error(last);
}

std::string Helm::folder_of(const std::string& release, const std::string& namespace_) const {
  return settings_.folder + "/releases/" + namespace_ + "_" + release;
}

std::optional<bool> Helm::at_work(const std::string& release, const std::string& namespace_) const {
  return Workplace::taken(folder_of(release, namespace_));
}

/// A helm of an earlier gateway ends by its own --timeout.
Task<Result<Workplace>> Helm::entered(std::string release, std::string namespace_) {
  const auto until = std::chrono::steady_clock::now() + settings_.timeout + kEndPatience;
  for (;;) {
    auto place = Workplace::enter(folder_of(release, namespace_));
    if (!place) co_return std::move(place.error());
    if (*place) co_return std::move(**place);
    if (std::chrono::steady_clock::now() > until)
      co_return Error(Errc::conflict, Cause::spawner_down,
                      "an earlier helm is still at the release " + release);
    co_await sleep_for(std::chrono::milliseconds(100));
  }
}

/// One operation on a release, in order; it goes on whatever becomes of who asked for it.
Task<Result<void>> Helm::in_turn(std::string release, Task<Result<void>> work) {
  struct Outcome {
    explicit Outcome(const asio::any_io_executor& executor)
        : done(executor, asio::steady_timer::time_point::max()) {}
    asio::steady_timer done;  ///< Never expires: cancelled when it is over
    Result<void> result = Error(Errc::cancelled, Cause::cancelled, "the start was cancelled");
  };
  const auto executor = co_await asio::this_coro::executor;
  auto outcome = std::make_shared<Outcome>(executor);
  auto& line = lines_.try_emplace(release, std::make_shared<Seats>(1)).first->second;
  auto run_it = [](std::shared_ptr<Helm> self, std::shared_ptr<Seats> in_line,
                   std::shared_ptr<Outcome> told, Task<Result<void>> job) -> Task<void> {
    {
      const auto turn = co_await in_line->enter();
      const auto seat = co_await self->seats_.enter();
      told->result = co_await std::move(job);
    }
    told->done.cancel();
  };
  asio::co_spawn(executor, run_it(shared_from_this(), line, outcome, std::move(work)),
                 asio::detached);
  boost::system::error_code woken;
  auto token = asio::redirect_error(asio::use_awaitable, woken);
  co_await outcome->done.async_wait(token);
  co_return std::move(outcome->result);
}

Task<Result<void>> Helm::install_now(Install order) {
  auto place = co_await entered(order.release, order.namespace_);
  if (!place) co_return std::move(place.error());
  const std::string values = place->file("values.json");
  if (auto written = write(values, order.values); !written) co_return written;
  std::vector<std::string> words = {
      "upgrade",     order.release,    order.archive, "--install",     "--reset-values",
      "--namespace", order.namespace_, "--values",    values,          "--history-max",
      "3",           "--labels",       order.label,   "--description", order.description};
  auto done = co_await run(std::move(words), *place);
  co_return done;
}

Task<Result<void>> Helm::uninstall_now(std::string release, std::string namespace_) {
  auto place = co_await entered(release, namespace_);
  if (!place) co_return std::move(place.error());
  std::vector<std::string> words = {"uninstall", release, "--namespace", namespace_};
  auto done = co_await run(std::move(words), *place);
  const bool gone = !done && done.error().message().find("release: not found") != std::string::npos;
  if (gone) co_return Result<void>();
  co_return done;
}

Task<Result<void>> Helm::install(Install order) {
  std::string release = order.release;
  auto work = install_now(std::move(order));
  auto done = co_await in_turn(std::move(release), std::move(work));
  co_return done;
}

Task<Result<void>> Helm::uninstall(std::string release, std::string namespace_) {
  auto work = uninstall_now(release, std::move(namespace_));
  auto done = co_await in_turn(std::move(release), std::move(work));
  co_return done;
}

}  // namespace passerelle::spawners::kubernetes
