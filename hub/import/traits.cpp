#include "hub/import/traits.hpp"

#include <array>
#include <chrono>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

// hub/import/read_traits.py is part of this program.
__asm__(
    ".section .rodata\n.global passerelle_read_traits\npasserelle_read_traits:\n.incbin "
    "\"" PASSERELLE_READ_TRAITS "\"\n.byte 0\n.previous\n");
extern "C" const char passerelle_read_traits[];

namespace passerelle::hub {
namespace {

using Json = nlohmann::json;

constexpr const char* kPython = "/usr/bin/python3";
constexpr off_t kMostSource = 1 << 20;
constexpr std::size_t kMostSaid = 4U << 20U;
constexpr std::chrono::seconds kPatience{10};

struct Descriptor {
  explicit Descriptor(int given) : value(given) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  void close() {
    if (value >= 0) ::close(value);
    value = -1;
  }
  int value;
};

// Alone (-I: no environment, no user's site; -S: no site at all), with the file as its input.
Result<pid_t> start(int source, int said) {
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, source, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, said, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, said, STDERR_FILENO);
  std::array<std::string, 5> words = {kPython, "-I", "-S", "-c", passerelle_read_traits};
  std::array<char*, 6> argv{};
  for (std::size_t i = 0; i < words.size(); ++i) argv[i] = words[i].data();
  std::string locale = "LC_ALL=C.UTF-8";
  std::array<char*, 2> envp = {locale.data(), nullptr};
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, kPython, &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    return Error(Errc::unavailable,
                 std::string(kPython) + " cannot be run: " + std::strerror(failed));
  return pid;
}

// Until it closes its end, says too much, or the time is over.
std::string listen(int said, bool& whole) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  std::string text;
  std::array<char, 65536> buffer{};
  for (whole = false; text.size() < kMostSaid;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd ready{said, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0) break;
    const ssize_t count = ::read(said, buffer.data(), buffer.size());
    whole = count == 0;
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

Traits traits_from(const Json& said) {
  Traits traits;
  for (const Json& one : said.at("set"))
    traits.set.push_back(
        {one.at("name").get<std::string>(), one.at("value"), one.at("line").get<int>()});
  for (const Json& one : said.at("unread"))
    traits.unread.push_back({one.at("line").get<int>(), one.at("text").get<std::string>(),
                             one.at("why").get<std::string>()});
  return traits;
}

}  // namespace

Result<Traits> read_traits(const std::string& file) {
  const Descriptor source(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (source.value < 0) return Error(Errc::invalid, file + ": " + std::strerror(errno));
  if (::lseek(source.value, 0, SEEK_END) > kMostSource)
    return Error(Errc::invalid, file + ": is larger than 1 MiB");
  ::lseek(source.value, 0, SEEK_SET);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return Error(Errc::unavailable, std::strerror(errno));
  const Descriptor said(ends[0]);
  Descriptor theirs(ends[1]);
  const auto pid = start(source.value, theirs.value);
  theirs.close();
  if (!pid) return pid.error();
  bool whole = false;
  const std::string text = listen(said.value, whole);
  if (!whole) ::kill(*pid, SIGKILL);
  int status = 0;
  ::waitpid(*pid, &status, 0);
  if (!whole || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return Error(Errc::invalid, file + ": cannot be taken apart: " +
                                    (text.empty() ? "python3 was ended" : text.substr(0, 500)));
  const Json parsed = Json::parse(text, nullptr, false);
  if (!parsed.is_object()) return Error(Errc::invalid, file + ": cannot be taken apart");
  return traits_from(parsed);
}

}  // namespace passerelle::hub
