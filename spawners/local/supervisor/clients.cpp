#include "spawners/local/supervisor/clients.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace passerelle::spawners::local {
namespace {

using nlohmann::json;

constexpr std::size_t kMostClients = 16;
constexpr std::size_t kLongestRequest = 4096;
constexpr std::size_t kLongestBacklog = 256U << 10U;

Error failed(const std::string& what) {
  return Error(Errc::unavailable, what + ": " + std::generic_category().message(errno));
}

}  // namespace

Result<Clients> Clients::open(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof(name.sun_path))
    return Error(Errc::invalid, path + " is too long for a socket");
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  ::unlink(path.c_str());
  Clients made;
  made.listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto* address = reinterpret_cast<const sockaddr*>(&name);
  if (::bind(made.listener_.get(), address, sizeof(name)) != 0)
    return failed("cannot bind " + path);
  // umask 077 made it 0600 already; said again because everything depends on it.
  if (::chmod(path.c_str(), 0600) != 0) return failed("cannot protect " + path);
  if (::listen(made.listener_.get(), static_cast<int>(kMostClients)) != 0)
    return failed("cannot listen");
  return made;
}

void Clients::add_watcher(Descriptor socket) {
  Client client;
  client.socket = std::move(socket);
  client.wants = Wants::events;
  clients_.push_back(std::move(client));
}

void Clients::append_to(std::vector<pollfd>& polled) const {
  const bool room = clients_.size() < kMostClients;
  polled.push_back({room ? listener_.get() : -1, POLLIN, 0});
  for (const auto& client : clients_) {
    const bool pending = !client.out.empty();
    polled.push_back(
        {client.socket.get(), static_cast<short>(pending ? POLLIN | POLLOUT : POLLIN), 0});
  }
}

void Clients::serve(const std::vector<pollfd>& polled,
                    std::size_t first,
                    const OnRequest& on_request) {
  for (std::size_t i = first + 1; i < polled.size(); ++i) {
    Client& client = clients_[i - first - 1];
    if (polled[i].revents & POLLOUT) write(client);
    if (polled[i].revents & (POLLIN | POLLHUP | POLLERR)) read(client, on_request);
  }
  if (polled[first].revents & POLLIN) accept();
  forget_dropped();
}

void Clients::accept() {
  Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (!socket || ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
  if (peer.uid != ::geteuid() && peer.uid != 0) return;
  Client client;
  client.socket = std::move(socket);
  clients_.push_back(std::move(client));
}

void Clients::read(Client& client, const OnRequest& on_request) {
  std::array<char, kLongestRequest> buffer{};
  const ssize_t got = ::read(client.socket.get(), buffer.data(), buffer.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    client.dropped = true;
    return;
  }
  client.in.append(buffer.data(), static_cast<std::size_t>(got));
  const std::size_t end = client.in.find('\n');
  if (end == std::string::npos) {
    client.dropped = client.in.size() > kLongestRequest;
    return;
  }
  const json request = json::parse(client.in.substr(0, end), nullptr, false);
  client.in.clear();  // one question at a time
  if (request.is_object()) return on_request(client, request);
  client.dropped = true;
}

void Clients::write(Client& client) {
  const ssize_t put =
      ::send(client.socket.get(), client.out.data(), client.out.size(), MSG_NOSIGNAL);
  if (put > 0) client.out.erase(0, static_cast<std::size_t>(put));
  if (put < 0 && errno != EAGAIN && errno != EINTR) client.dropped = true;
}

void Clients::send(Client& client, const json& message) {
  client.out += message.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  write(client);
  if (client.out.size() > kLongestBacklog) client.dropped = true;
}

void Clients::tell(const json& event) {
  const bool may_be_left_out = event.value("event", "") == "log";
  for (auto& client : clients_) {
    const bool slow = client.out.size() > kLongestBacklog / 2;
    if (client.wants == Wants::events && !(slow && may_be_left_out)) send(client, event);
  }
}

void Clients::tell_end(const json& record) {
  for (auto& client : clients_)
    if (client.wants != Wants::nothing) send(client, record);
}

void Clients::flush() {
  constexpr int kLongest = 1000;
  for (auto& client : clients_) {
    pollfd one{client.socket.get(), POLLOUT, 0};
    while (!client.dropped && !client.out.empty() && ::poll(&one, 1, kLongest) == 1) write(client);
  }
}

void Clients::forget_dropped() {
  std::erase_if(clients_, [](const Client& client) { return client.dropped; });
}

}  // namespace passerelle::spawners::local
