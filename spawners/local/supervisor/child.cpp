#include "spawners/local/supervisor/child.hpp"

#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace passerelle::spawners::local {
namespace {

enum Step : int { session, groups, identity, workspace, program };
constexpr std::array<const char*, 5> kStepNames = {
    "cannot begin a session", "cannot take the user's groups", "cannot become the user",
    "cannot enter the workspace", "cannot run"};

struct Pipe {
  Descriptor read;
  Descriptor write;
};

bool open_pipe(Pipe& out) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  out.read.reset(ends[0]);
  out.write.reset(ends[1]);
  return true;
}

/// Groups before the user id (afterwards we may not), all three ids at once, and a look whether it
/// is true.
bool become(const RunAs& who, int& step) {
  step = groups;
  if (::setgroups(who.groups.size(), who.groups.data()) != 0) return false;
  step = identity;
  if (::setresgid(who.gid, who.gid, who.gid) != 0) return false;
  if (::setresuid(who.uid, who.uid, who.uid) != 0) return false;
  uid_t real = 0;
  uid_t effective = 0;
  uid_t saved = 0;
  errno = EPERM;
  return ::getresuid(&real, &effective, &saved) == 0 && real == who.uid && effective == who.uid &&
         saved == who.uid && ::setuid(0) != 0;
}

void default_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// The argument and environment vectors, made before the fork: between fork and exec nothing is
/// allocated.
struct Vectors {
  explicit Vectors(const Order& order) {
    for (const auto& [name, value] : order.environment) texts.push_back(name + "=" + value);
    for (auto& text : texts) environment.push_back(text.data());
    environment.push_back(nullptr);
    for (const auto& word : order.command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
  }
  std::vector<std::string> texts;
  std::vector<char*> environment;
  std::vector<char*> arguments;
};

[[noreturn]] void fail(int to, int step) {
  const ChildFailure failure{step, errno};
  [[maybe_unused]] const ssize_t put = ::write(to, &failure, sizeof(failure));
  ::_exit(failure.step == program && failure.error == ENOENT ? 127 : 126);
}

/// Never returns. Descriptors: 3 is the failure pipe (closed by a successful exec), all others are
/// gone.
[[noreturn]] void run(const Order& order, Vectors& vectors, int go, int failure, int output) {
  char byte = 0;
  if (::read(go, &byte, 1) != 1) ::_exit(127);
  constexpr int kFailure = 3;
  const int null = ::open("/dev/null", O_RDONLY);
  // The failure pipe first: its number may be one that the others are about to be copied to.
  failure = ::fcntl(failure, F_DUPFD_CLOEXEC, 10);
  output = ::fcntl(output, F_DUPFD_CLOEXEC, 10);
  ::dup2(null, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::dup3(failure, kFailure, O_CLOEXEC);
  ::close_range(kFailure + 1, ~0U, 0);
  default_signals();
  if (::setsid() < 0) fail(kFailure, session);
  int step = identity;
  if (order.run_as && !become(*order.run_as, step)) fail(kFailure, step);
  ::umask(077);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (::chdir(order.workspace.c_str()) != 0) fail(kFailure, workspace);
  ::environ = vectors.environment.data();  // execvp searches the server's PATH, not ours
  ::execvp(vectors.arguments[0], vectors.arguments.data());
  fail(kFailure, program);
}

}  // namespace

Result<Child> fork_child(const Order& order) {
  Pipe go;
  Pipe failure;
  Pipe output;
  Vectors vectors(order);
  const bool piped = open_pipe(go) && open_pipe(failure) && open_pipe(output);
  const pid_t pid = piped ? ::fork() : -1;
  if (pid < 0) {
    return Error(Errc::unavailable, Cause::spawner_down,
                 "cannot fork: " + std::generic_category().message(errno));
  }
  if (pid == 0) {
    go.write.reset();
    run(order, vectors, go.read.get(), failure.write.get(), output.write.get());
  }
  ::fcntl(output.read.get(), F_SETFL, O_NONBLOCK);
  Child child;
  child.pid = pid;
  child.go = std::move(go.write);
  child.failure = std::move(failure.read);
  child.output = std::move(output.read);
  return child;
}

ExecOutcome let_go(Child& child, const Order& order) {
  ExecOutcome outcome;
  ChildFailure failure;
  const bool told = ::write(child.go.get(), "g", 1) == 1;
  const ssize_t got = told ? ::read(child.failure.get(), &failure, sizeof(failure)) : -1;
  child.go.reset();
  child.failure.reset();
  outcome.executed = got == 0;
  if (got != sizeof(failure)) return outcome;
  const bool missing = failure.step == program && failure.error == ENOENT;
  const std::string why = std::generic_category().message(failure.error);
  const std::string& name = order.command.front();
  const std::string step = kStepNames[static_cast<std::size_t>(failure.step)];
  outcome.sentence = missing                     ? name + ": command not found"
                     : failure.step == program   ? step + " " + name + ": " + why
                     : failure.step == workspace ? step + " " + order.workspace + ": " + why
                                                 : step + ": " + why;
  return outcome;
}

}  // namespace passerelle::spawners::local
