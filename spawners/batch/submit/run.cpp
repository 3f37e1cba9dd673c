#include "spawners/batch/submit/run.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <mutex>

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace passerelle::spawners::batch::submit {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostOutput = 16U << 20U;
constexpr std::size_t kMostLeftovers = 8;
constexpr const char* kPathFile = "/etc/passerelle/submit.path";

/// Where the site keeps its commands, if not in the usual directories; root's file, one line.
std::string search_path() {
  std::ifstream file(kPathFile);
  std::string line;
  if (std::getline(file, line) && line.starts_with('/')) return line;
  return "/usr/local/bin:/usr/bin:/bin:/usr/sbin";
}

std::vector<std::string> environment() {
  std::vector<std::string> all = {"PATH=" + search_path(), "LANG=C.UTF-8", "SLURM_TIME_FORMAT=%s"};
  if (const passwd* me = ::getpwuid(::getuid()); me != nullptr) {
    all.push_back(std::string("HOME=") + me->pw_dir);
    all.push_back(std::string("USER=") + me->pw_name);
    all.push_back(std::string("LOGNAME=") + me->pw_name);
  }
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

struct Pipe {
  int ends[2] = {-1, -1};
  bool open() { return ::pipe2(ends, O_CLOEXEC) == 0; }
  void shut(int which) {
    if (ends[which] >= 0) ::close(ends[which]);
    ends[which] = -1;
  }
  ~Pipe() {
    shut(0);
    shut(1);
  }
};

/// The program's file; looked up here, for the search path is the site's and not the caller's.
std::string program_file(const std::string& name, const std::string& path) {
  if (name.find('/') != std::string::npos) return name;
  std::size_t at = 0;
  while (at <= path.size()) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    std::string file = path.substr(at, end - at) + "/" + name;
    if (end > at && ::access(file.c_str(), X_OK) == 0) return file;
    at = end + 1;
  }
  return name;
}

pid_t start(const Argv& argv, Pipe& in, Pipe& out, Pipe& err) {
  std::vector<std::string> words = argv;
  std::vector<std::string> variables = environment();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.ends[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out.ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, err.ends[1], 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t usual;
  sigemptyset(&none);
  sigemptyset(&usual);
  sigaddset(&usual, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setpgroup(&attributes, 0);  // a ^C at the gateway's terminal is none of its
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  pid_t child = -1;
  const std::string file = program_file(words[0], search_path());
  const int failed = ::posix_spawn(&child, file.c_str(), &actions, &attributes,
                                   pointers(words).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) errno = failed;
  return failed == 0 ? child : -1;
}

/// Commands that did not end in time and that we could not kill. They are looked after by the next
/// one that runs.
class Leftovers {
 public:
  void add(pid_t child) {
    const std::lock_guard lock(mutex_);
    children_.push_back(child);
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    std::erase_if(children_, [](pid_t child) { return ::waitpid(child, nullptr, WNOHANG) != 0; });
    return children_.size();
  }

 private:
  std::mutex mutex_;
  std::vector<pid_t> children_;
};

Leftovers& leftovers() {
  static Leftovers all;
  return all;
}

/// False at the end of the stream.
bool take(int from, std::string& into) {
  std::array<char, 65536> buffer{};
  const ssize_t count = ::read(from, buffer.data(), buffer.size());
  if (count > 0) into.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0 || (count < 0 && errno == EINTR);
}

bool ended(pid_t child, int& status) {
  return ::waitpid(child, &status, WNOHANG) == child;
}

}  // namespace

Answer run(const Argv& argv, const std::string& input, std::chrono::milliseconds deadline) {
  Answer answer;
  answer.timed_out = true;
  if (leftovers().count() >= kMostLeftovers) {
    answer.err = "too many commands of the batch system hang";
    return answer;
  }
  Pipe in;
  Pipe out;
  Pipe err;
  if (!in.open() || !out.open() || !err.open()) return answer;
  const pid_t child = start(argv, in, out, err);
  if (child < 0) {
    answer.err = argv[0] + ": cannot be run: " + std::to_string(errno);
    answer.timed_out = false;
    answer.status = 127;
    return answer;
  }
  in.shut(0);
  out.shut(1);
  err.shut(1);
  std::size_t written = 0;
  const auto until = Clock::now() + deadline;
  int status = 0;
  bool gone = false;
  const auto too_much = [&] { return answer.out.size() + answer.err.size() > kMostOutput; };
  while (!(gone && out.ends[0] < 0 && err.ends[0] < 0)) {
    if (Clock::now() >= until || too_much()) break;
    if (written == input.size()) in.shut(1);
    std::array<pollfd, 3> waits = {
        {{out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}, {in.ends[1], POLLOUT, 0}}};
    constexpr int kLook = 20;  // also how soon the end of a command with open pipes is seen
    ::poll(waits.data(), waits.size(), kLook);
    if ((waits[2].revents & (POLLOUT | POLLERR)) != 0) {
      const ssize_t count = ::write(in.ends[1], input.data() + written, input.size() - written);
      written = count > 0 ? written + static_cast<std::size_t>(count) : input.size();
    }
    if (waits[0].revents != 0 && !take(out.ends[0], answer.out)) out.shut(0);
    if (waits[1].revents != 0 && !take(err.ends[0], answer.err)) err.shut(0);
    if (!gone && ended(child, status)) gone = true;
    // Somebody whom it left behind may hold the pipes for ever.
    const bool quiet = waits[0].revents == 0 && waits[1].revents == 0;
    if (gone && quiet) break;
  }
  if (!gone && ended(child, status)) gone = true;
  if (!gone) {
    ::kill(-child, SIGKILL);
    leftovers().add(child);
  }
  answer.timed_out = !gone || too_much();  // a part of an answer is none
  answer.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return answer;
}

}  // namespace passerelle::spawners::batch::submit
