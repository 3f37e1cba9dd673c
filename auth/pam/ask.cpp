#include "auth/pam/ask.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <nlohmann/json.hpp>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace passerelle::auth::pam {
namespace {

using Json = nlohmann::json;
using Monotonic = std::chrono::steady_clock;

constexpr std::size_t kMostAnswer = 256U * 1024U;

Error could_not(const std::string& what) {
  return {Errc::unavailable, "passerelle-pam: " + what};
}

/// The process and our end of its standard input and output (one socket, closed in other children).
struct Child {
  pid_t pid = -1;
  int socket = -1;
  Child() = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (socket >= 0) ::close(socket);
    if (pid <= 0) return;
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) continue;
  }
};

Result<void> start(const std::string& program, Child& child) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return could_not(std::strerror(errno));
  child.socket = ends[0];
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::string name = "passerelle-pam";  // nothing else in argv: everybody can read it
  std::array<char*, 2> argv = {name.data(), nullptr};
  const int error =
      ::posix_spawn(&child.pid, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (error == 0) return {};
  child.pid = -1;
  return could_not(program + ": " + std::strerror(error));
}

Result<void> wait_readable(int socket, Monotonic::time_point until) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(until - Monotonic::now()).count();
    if (left <= 0) break;
    pollfd look{socket, POLLIN, 0};
    const int ready = ::poll(&look, 1, static_cast<int>(left));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return could_not(std::strerror(errno));
  }
  return Error(Errc::timeout, "passerelle-pam: a PAM module does not answer");
}

Result<std::string> read_answer(int socket, Monotonic::time_point until) {
  std::string answer;
  std::array<char, 4096> piece;
  while (answer.size() <= kMostAnswer) {
    auto ready = wait_readable(socket, until);
    if (!ready) return std::move(ready).error();
    const ssize_t got = ::recv(socket, piece.data(), piece.size(), MSG_DONTWAIT);
    if (got == 0) return answer;
    if (got > 0) answer.append(piece.data(), static_cast<std::size_t>(got));
    if (got < 0 && errno != EAGAIN && errno != EINTR) return could_not(std::strerror(errno));
  }
  return could_not("it says too much");
}

Result<Verdict> verdict_of(const std::string& answer) {
  const Json told = Json::parse(answer, nullptr, false);
  if (!told.is_object()) return could_not("it ended without an answer");
  try {
    if (told.contains("error")) return could_not(told["error"].get<std::string>());
    Verdict verdict;
    told.at("outcome").get_to(verdict.outcome);
    if (verdict.outcome != "ok") return verdict;
    told.at("user").get_to(verdict.user);
    told.at("name").get_to(verdict.display_name);
    told.at("groups").get_to(verdict.groups);
    told.at("attributes").get_to(verdict.attributes);
    return verdict;
  } catch (const Json::exception&) {
    return could_not("its answer makes no sense");
  }
}

}  // namespace

Result<Verdict> ask(const Question& question) {
  const auto until = Monotonic::now() + question.deadline;
  Child child;
  auto started = start(question.program, child);
  if (!started) return std::move(started).error();
  const Json order = {{"service", question.service}, {"user", question.user},
                      {"peer", question.peer},       {"password", question.password},
                      {"min_uid", question.min_uid}, {"seconds", question.deadline.count() + 1}};
  // A few hundred bytes: they fit into the socket whatever the other side does.
  const std::string text = order.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (::send(child.socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) !=
      static_cast<ssize_t>(text.size()))
    return could_not("it does not listen");
  ::shutdown(child.socket, SHUT_WR);
  auto answer = read_answer(child.socket, until);
  if (!answer) return std::move(answer).error();
  return verdict_of(*answer);
}

}  // namespace passerelle::auth::pam
