#include "spawners/kubernetes/process.hpp"

#include <csignal>
#include <cstring>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include <sys/pidfd.h>
}

namespace passerelle::spawners::kubernetes {
namespace {

constexpr auto kEndPatience = std::chrono::seconds(10);

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

Task<bool> until_readable(asio::posix::stream_descriptor& watched) {
  boost::system::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  co_await watched.async_wait(asio::posix::stream_descriptor::wait_read, token);
  co_return !error;
}

}  // namespace

Result<pid_t> start_program(Program program) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  for (const auto& [ours, its] : program.descriptors)
    posix_spawn_file_actions_adddup2(&actions, ours, its);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  const auto argv = pointers(program.words);
  const auto envp = pointers(program.variables);
  pid_t pid = 0;
  const int failed = ::posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), envp.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    return Error(Errc::unavailable, Cause::spawner_down,
                 program.words[0] + " cannot be run: " + std::strerror(failed));
  return pid;
}

Task<int> until_program_ended(pid_t pid, std::chrono::seconds limit) {
  using namespace asio::experimental::awaitable_operators;
  const auto executor = co_await asio::this_coro::executor;
  const int descriptor = ::pidfd_open(pid, 0);
  if (descriptor >= 0) {
    asio::posix::stream_descriptor watched(executor, descriptor);
    for (int signal = SIGTERM;; signal = SIGKILL) {
      auto first = co_await (until_readable(watched) || sleep_for(limit));
      if (first.index() == 0) break;
      ::kill(pid, signal);
      limit = kEndPatience;
    }
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  co_return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace passerelle::spawners::kubernetes
