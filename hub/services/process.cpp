#include "hub/services/process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <system_error>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.hpp"
#include "spawners/local/pidfd.hpp"

namespace passerelle::hub {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr milliseconds kFirstPause{500};
constexpr milliseconds kLongestPause{60'000};
constexpr seconds kSettled{60};  // ran that long: the next end is a new one
constexpr milliseconds kPatience{5000};

struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

/// Between fork and exec nothing is allocated; errors travel as errno.
struct Failure {
  int step = 0;
  int error = 0;
};
constexpr std::array<const char*, 3> kSteps = {"cannot become its user", "cannot enter its cwd",
                                               "cannot run its command"};

std::string words_of(const Failure& failure) {
  const auto step = std::min<std::size_t>(static_cast<std::size_t>(failure.step), 2);
  return std::string(kSteps[step]) + ": " + std::generic_category().message(failure.error);
}

Result<Identity> find_user(const std::string& name, std::map<std::string, std::string>& about) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> buffer{};
  ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return Error(Errc::invalid, "there is no system user " + name);
  if (::geteuid() != 0 && ::geteuid() != entry.pw_uid)
    return Error(Errc::forbidden, "only root starts a service as " + name);
  about.try_emplace("HOME", entry.pw_dir);
  about.try_emplace("USER", entry.pw_name);
  about.try_emplace("SHELL", entry.pw_shell);
  int count = 256;
  Identity who{entry.pw_uid, entry.pw_gid, std::vector<gid_t>(static_cast<std::size_t>(count))};
  if (::getgrouplist(name.c_str(), entry.pw_gid, who.groups.data(), &count) < 0)
    return Error(Errc::invalid, name + " is in more than 256 groups");
  who.groups.resize(static_cast<std::size_t>(count));
  return who;
}

}  // namespace

struct ServiceProcess::Child {
  std::vector<std::string> command;
  std::vector<std::string> variables;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  std::string cwd;
  std::optional<Identity> who;

  [[noreturn]] void fail(int to, int step) const {
    const Failure failure{step, errno};
    [[maybe_unused]] const ssize_t put = ::write(to, &failure, sizeof(failure));
    ::_exit(127);
  }

  bool become() const {
    return !who || (::setgroups(who->groups.size(), who->groups.data()) == 0 &&
                    ::setresgid(who->gid, who->gid, who->gid) == 0 &&
                    ::setresuid(who->uid, who->uid, who->uid) == 0);
  }

  [[noreturn]] void run(int failure, pid_t parent) const {
    ::setpgid(0, 0);
    constexpr int kFailure = 3;
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, STDIN_FILENO);
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
    if (failure == kFailure)
      ::fcntl(kFailure, F_SETFD, FD_CLOEXEC);
    else
      ::dup3(failure, kFailure, O_CLOEXEC);
    ::close_range(kFailure + 1, ~0U, 0);
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (!become()) fail(kFailure, 0);
    // After the change of user, which would undo it. Our parent may be gone already.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(127);
    if (!cwd.empty() && ::chdir(cwd.c_str()) != 0) fail(kFailure, 1);
    ::environ = const_cast<char**>(environment.data());
    ::execvp(arguments[0], arguments.data());
    fail(kFailure, 2);
  }
};

Result<void> ServiceProcess::start(Order order) {
  name_ = order.name;
  child_ = std::make_shared<Child>();
  if (!order.user.empty()) {
    auto who = find_user(order.user, order.environment);
    if (!who) return std::move(who).error();
    // Our own user, without root: nothing to become.
    if (::geteuid() == 0) child_->who = std::move(*who);
  }
  child_->command = std::move(order.command);
  child_->cwd = std::move(order.cwd);
  for (const auto& [name, value] : order.environment)
    child_->variables.push_back(name + "=" + value);
  for (std::string& word : child_->command) child_->arguments.push_back(word.data());
  for (std::string& variable : child_->variables) child_->environment.push_back(variable.data());
  child_->arguments.push_back(nullptr);
  child_->environment.push_back(nullptr);
  asio::co_spawn(loop_, keep_running(), asio::detached);
  return {};
}

Task<void> ServiceProcess::keep_running() {
  boost::system::error_code ignored;
  for (milliseconds pause = kFirstPause; !stopping_; pause = std::min(pause * 2, kLongestPause)) {
    const auto began = steady_clock::now();
    if (auto spawned = spawn())
      co_await until_ended();
    else
      log::error("services", "cannot start a service",
                 {{"service", name_}, {"why", spawned.error().message()}});
    if (stopping_) co_return;
    if (steady_clock::now() - began > kSettled) pause = kFirstPause;
    pause_.expires_after(pause);
    co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

Result<void> ServiceProcess::spawn() {
  std::array<int, 2> failure{};
  if (::pipe2(failure.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    return Error(Errc::unavailable, std::generic_category().message(errno));
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) child_->run(failure[1], parent);
  const int error = errno;
  ::close(failure[1]);
  if (pid < 0) {
    ::close(failure[0]);
    return Error(Errc::unavailable, "cannot fork: " + std::generic_category().message(error));
  }
  ::setpgid(pid, pid);  // whichever of us is first
  pid_ = pid;
  failure_ = failure[0];
  log::info("services", "started", {{"service", name_}, {"pid", pid}});
  return {};
}

/// The group's stragglers go before its leader is reaped: until then nobody else has that number.
Task<void> ServiceProcess::until_ended() {
  asio::posix::stream_descriptor ended(loop_);
  boost::system::error_code error;
  ended.assign(::pidfd_open(pid_, 0), error);
  if (!error)
    co_await ended.async_wait(asio::posix::stream_descriptor::wait_read,
                              asio::redirect_error(asio::use_awaitable, error));
  signal_group(SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = 0;
  Failure failure;
  const bool told = ::read(failure_, &failure, sizeof(failure)) == sizeof(failure);
  ::close(failure_);
  failure_ = -1;
  const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  const std::string why = told ? words_of(failure) : "exit code " + std::to_string(code);
  log::write(stopping_ ? log::Level::info : log::Level::error, "services", "ended",
             {{"service", name_}, {"why", why}});
}

void ServiceProcess::signal_group(int number) const noexcept {
  if (pid_ <= 0) return;
  if (::kill(-pid_, number) != 0) ::kill(pid_, number);
}

Task<void> ServiceProcess::stop() {
  stopping_ = true;
  pause_.cancel();
  signal_group(SIGTERM);
  for (const auto until = steady_clock::now() + kPatience;
       pid_ != 0 && steady_clock::now() < until;)
    co_await sleep_for(milliseconds(10));
  signal_group(SIGKILL);
  while (pid_ != 0) co_await sleep_for(milliseconds(10));
}

void ServiceProcess::leave() {
  if (pid_ <= 0) return;
  const int held = ::pidfd_open(pid_, 0);
  signal_group(SIGTERM);
  if (held < 0) return;
  // Numbers are given out in turn: that of a group whose leader ended this moment is nobody else's.
  leaving_ = std::thread([held, group = pid_] {
    pollfd gone{held, POLLIN, 0};
    if (::poll(&gone, 1, static_cast<int>(kPatience.count())) == 0)
      ::pidfd_send_signal(held, SIGKILL, nullptr, 0);
    ::kill(-group, SIGKILL);
    ::close(held);
  });
}

void ServiceProcess::finish_leaving() {
  if (leaving_.joinable()) leaving_.join();
}

}  // namespace passerelle::hub
