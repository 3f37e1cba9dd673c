#include "hub/succession/successor.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.hpp"
#include "hub/succession/inheritance.hpp"

extern char** environ;

namespace passerelle::hub {
namespace {

using nlohmann::json;

constexpr milliseconds kPatience{5000};  // for a message to be taken

/// posix_spawn's two argument objects, destroyed in any case.
struct SpawnPlan {
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_with(const std::vector<std::string>& more) {
  std::vector<std::string> all = more;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view line(*entry);
    const std::string_view name = line.substr(0, line.find('=') + 1);
    const bool replaced = std::any_of(more.begin(), more.end(), [&](const std::string& other) {
      return other.starts_with(name);
    });
    if (!replaced) all.emplace_back(line);
  }
  return all;
}

/// Secrets go through memory that no file system ever sees.
Result<int> in_memory(const std::vector<std::uint8_t>& bytes) {
  const int fd = memfd_create("passerelle-legacy", MFD_CLOEXEC);
  std::size_t done = 0;
  while (fd >= 0 && done < bytes.size()) {
    const ssize_t wrote = write(fd, bytes.data() + done, bytes.size() - done);
    if (wrote <= 0) break;
    done += static_cast<std::size_t>(wrote);
  }
  if (fd >= 0 && done == bytes.size()) return fd;
  if (fd >= 0) close(fd);
  return Error(Errc::exhausted, "no memory to hand over in");
}

Result<void> send_state(Link& link, const Legacy& legacy) {
  const auto bytes = [](const std::string& text) {
    return json::binary(std::vector<std::uint8_t>(text.begin(), text.end()));
  };
  const json state = {{"ticket_keys", bytes(legacy.ticket_keys)}};
  const auto memory = in_memory(json::to_cbor(state));
  if (!memory) return memory.error();
  auto sent = link.send({{"state", true}}, {*memory}, kPatience);
  close(*memory);
  return sent;
}

Result<void> send_sockets(Link& link, const proxy::ListeningSockets& sockets) {
  for (std::size_t at = 0; at < sockets.fds.size(); at += Link::kMostFds) {
    const std::size_t end = std::min(sockets.fds.size(), at + Link::kMostFds);
    const std::vector<int> some(sockets.fds.begin() + static_cast<std::ptrdiff_t>(at),
                                sockets.fds.begin() + static_cast<std::ptrdiff_t>(end));
    auto sent = link.send(
        {{"address", sockets.address}, {"wanted", sockets.wanted}, {"bound", sockets.bound}}, some,
        kPatience);
    if (!sent) return sent;
  }
  return {};
}

}  // namespace

Program program_of(int argc, char** argv) {
  Program program;
  program.arguments.assign(argv, argv + argc);
  std::error_code none;
  const std::string name = argc > 0 ? argv[0] : "";
  if (name.find('/') != std::string::npos) {
    program.path = std::filesystem::absolute(name, none).string();
  } else if (const char* const path = std::getenv("PATH"); path != nullptr) {
    for (const std::string_view folder : text::split(path, ':')) {
      const std::string file = std::string(folder) + "/" + name;
      if (program.path.empty() && access(file.c_str(), X_OK) == 0)
        program.path = std::filesystem::absolute(file, none).string();
    }
  }
  if (program.path.empty())
    program.path = std::filesystem::read_symlink("/proc/self/exe", none).string();
  return program;
}

Result<Successor> Successor::start(const std::string& path,
                                   const Program& program,
                                   const std::string& data_dir) {
  auto pair = Link::make_pair();
  if (!pair) return std::move(pair).error();
  // Above the number that it is moved to: what is moved onto itself would stay close-on-exec.
  constexpr int kAbove = 10;
  const Link theirs(fcntl(pair->second.fd(), F_DUPFD_CLOEXEC, kAbove));
  SpawnPlan plan;
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&plan.attributes, &none);
  posix_spawnattr_setflags(&plan.attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawn_file_actions_adddup2(&plan.actions, theirs.fd(), kInheritedDescriptor);
  // Asio's sockets are not close-on-exec, and a client's must not stay open in the next process.
  posix_spawn_file_actions_addclosefrom_np(&plan.actions, kInheritedDescriptor + 1);
  std::vector<std::string> variables = program.variables;
  variables.push_back(std::string(kInheritanceVariable) + "=" + data_dir);
  variables = environment_with(variables);
  std::vector<std::string> arguments = program.arguments;
  const std::vector<char*> argv = pointers_to(arguments);
  const std::vector<char*> envp = pointers_to(variables);
  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, path.c_str(), &plan.actions, &plan.attributes, argv.data(), envp.data());
  if (error != 0)
    return Error(Errc::unavailable,
                 "cannot run " + path + ": " + std::generic_category().message(error));
  return Successor(pid, std::move(pair->first));
}

Successor::Successor(Successor&& other) noexcept
    : pid_(other.pid_),
      ours_(std::exchange(other.ours_, false)),
      link_(std::move(other.link_)),
      version_(std::move(other.version_)) {}

Successor::~Successor() {
  if (!ours_) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

Error Successor::why_it_ended() {
  int status = 0;
  // Its end of the link closes a moment before it can be waited for.
  const bool ended = waitpid(pid_, &status, 0) == pid_;
  ours_ = false;
  std::string how = "the new process ended";
  if (ended && WIFEXITED(status)) how += " with exit code " + std::to_string(WEXITSTATUS(status));
  if (ended && WIFSIGNALED(status)) how += " by signal " + std::to_string(WTERMSIG(status));
  return {Errc::unavailable, how + " before it could take over; its last words are in the log"};
}

Result<std::optional<json>> Successor::hear(milliseconds longest) {
  auto message = link_.receive(longest);
  if (!message && message.error().code() == Errc::unavailable) return why_it_ended();
  if (!message) return std::move(message).error();
  if (!*message) return std::optional<json>();
  json body = std::move((*message)->body);
  if (const auto refused = body.find("refused"); refused != body.end() && refused->is_string())
    return Error(Errc::invalid, refused->get<std::string>());
  return std::optional(std::move(body));
}

Task<Result<void>> Successor::until_ready(seconds longest) {
  const auto deadline = std::chrono::steady_clock::now() + longest;
  for (;;) {
    auto heard = hear(milliseconds(0));
    if (!heard) co_return std::move(heard).error();
    if (*heard) {
      version_ = (*heard)->value("ready", "");
      co_return Result<void>();
    }
    if (std::chrono::steady_clock::now() > deadline)
      co_return Error(Errc::timeout, "the new process was not ready within " +
                                         std::to_string(longest.count()) + " s");
    co_await sleep_for(milliseconds(10));
  }
}

Result<void> Successor::give(const Legacy& legacy, seconds longest) {
  auto sent = send_state(link_, legacy);
  for (const proxy::ListeningSockets& sockets : legacy.sockets)
    if (sent) sent = send_sockets(link_, sockets);
  if (sent && !legacy.predecessors.empty())
    sent = link_.send({{"predecessors", true}}, legacy.predecessors, kPatience);
  if (sent) sent = link_.send({{"all", true}}, {}, kPatience);
  if (!sent && sent.error().code() == Errc::unavailable) return why_it_ended();
  if (!sent) return sent;
  auto heard = hear(longest);
  if (!heard) return std::move(heard).error();
  if (!*heard)
    return Error(Errc::timeout, "the new process could not take over within " +
                                    std::to_string(longest.count()) + " s");
  return {};
}

Result<Link> Successor::commit() {
  if (auto sent = link_.send({{"yours", true}}); !sent) return why_it_ended();
  ours_ = false;
  return std::move(link_);
}

}  // namespace passerelle::hub
