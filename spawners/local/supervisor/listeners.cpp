#include "spawners/local/supervisor/listeners.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <set>

#include <arpa/inet.h>
#include <dirent.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/files.hpp"
#include "spawners/local/descriptor.hpp"

namespace passerelle::spawners::local {
namespace {

constexpr std::string_view kListen = "0A";

template <class Number>
std::optional<Number> number(std::string_view text, int base) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The kernel prints addresses as 32-bit words in the machine's byte order.
std::string address(std::string_view hex) {
  std::array<std::uint32_t, 4> words{};
  const std::size_t count = hex.size() / 8;
  if (hex.size() % 8 != 0 || (count != 1 && count != 4)) return {};
  for (std::size_t i = 0; i < count; ++i) {
    const auto word = number<std::uint32_t>(hex.substr(i * 8, 8), 16);
    if (!word) return {};
    words[i] = *word;
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool any = words == std::array<std::uint32_t, 4>{};
  if (any) return count == 1 ? "127.0.0.1" : "::1";
  ::inet_ntop(count == 1 ? AF_INET : AF_INET6, words.data(), text.data(), text.size());
  return text.data();
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t start = line.find_first_not_of(' ');
    if (start == std::string_view::npos) break;
    line.remove_prefix(start);
    const std::size_t end = std::min(line.find(' '), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

std::optional<Listener> parse_line(std::string_view line) {
  constexpr std::size_t kLocal = 1;
  constexpr std::size_t kState = 3;
  constexpr std::size_t kInode = 9;
  const auto words = words_of(line);
  if (words.size() <= kInode || words[kState] != kListen) return std::nullopt;
  const std::size_t colon = words[kLocal].find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = number<std::uint16_t>(words[kLocal].substr(colon + 1), 16);
  const auto inode = number<std::uint64_t>(words[kInode], 10);
  std::string host = address(words[kLocal].substr(0, colon));
  if (!port || !inode || host.empty()) return std::nullopt;
  return Listener{std::move(host), *port, *inode};
}

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

/// "socket:[12345]" of /proc/PID/fd.
std::set<std::uint64_t> sockets_of(const std::vector<pid_t>& processes) {
  constexpr std::string_view kPrefix = "socket:[";
  std::set<std::uint64_t> inodes;
  for (const pid_t pid : processes) {
    const std::string path = "/proc/" + std::to_string(pid) + "/fd";
    const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
    if (!directory) continue;
    while (const dirent* entry = ::readdir(directory.get())) {
      std::array<char, 64> target{};
      const ssize_t length =
          ::readlinkat(::dirfd(directory.get()), entry->d_name, target.data(), target.size());
      if (length <= static_cast<ssize_t>(kPrefix.size())) continue;
      std::string_view text(target.data(), static_cast<std::size_t>(length));
      if (!text.starts_with(kPrefix)) continue;
      text.remove_prefix(kPrefix.size());
      text.remove_suffix(1);
      if (const auto inode = number<std::uint64_t>(text, 10)) inodes.insert(*inode);
    }
  }
  return inodes;
}

}  // namespace

std::vector<Listener> parse_tcp_table(std::string_view table) {
  std::vector<Listener> found;
  while (!table.empty()) {
    const std::size_t end = std::min(table.find('\n'), table.size());
    if (auto listener = parse_line(table.substr(0, end))) found.push_back(std::move(*listener));
    table.remove_prefix(std::min(end + 1, table.size()));
  }
  return found;
}

Listening tcp_listeners(const std::vector<pid_t>& processes, std::uint16_t expected) {
  const auto inodes = sockets_of(processes);
  Listening answer;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const auto table = files::read(path);
    if (!table) continue;
    for (auto& listener : parse_tcp_table(*table)) {
      const bool ours = inodes.contains(listener.inode);
      // One stranger on the port is enough to refuse it: 127.0.0.1:p wins over our 0.0.0.0:p.
      if (!ours && listener.port == expected && expected != 0) answer.stranger_on_port = true;
      if (ours) answer.ours.push_back(std::move(listener));
    }
  }
  return answer;
}

bool listens_on_socket(const std::string& socket, const std::vector<pid_t>& processes) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (socket.size() >= sizeof(name.sun_path)) return false;
  std::memcpy(name.sun_path, socket.c_str(), socket.size() + 1);
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0)
    return false;
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(probe.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return std::find(processes.begin(), processes.end(), peer.pid) != processes.end();
}

}  // namespace passerelle::spawners::local
