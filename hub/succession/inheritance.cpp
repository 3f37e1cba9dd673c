#include "hub/succession/inheritance.hpp"

#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

namespace passerelle::hub {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kPatience{120};

Result<json> read_state(int fd) {
  std::vector<std::uint8_t> bytes;
  std::uint8_t room[4096];
  off_t at = 0;
  for (ssize_t got = 1; got > 0; at += got) {
    got = pread(fd, room, sizeof room, at);
    if (got > 0) bytes.insert(bytes.end(), room, room + got);
  }
  json state = json::from_cbor(bytes, true, false);
  if (!state.is_object()) return Error(Errc::invalid, "what the gateway hands over is damaged");
  return state;
}

std::string text_in(const json& state, const char* name) {
  const auto found = state.find(name);
  if (found == state.end() || !found->is_binary()) return {};
  const auto& bytes = found->get_binary();
  return {bytes.begin(), bytes.end()};
}

bool same_folder(const std::string& left, const std::string& right) {
  std::error_code none;
  return left == right || std::filesystem::equivalent(left, right, none);
}

}  // namespace

std::unique_ptr<Inheritance> Inheritance::of_environment() {
  const char* const data_dir = std::getenv(kInheritanceVariable);
  if (data_dir == nullptr) return nullptr;
  std::string folder = data_dir;
  unsetenv(kInheritanceVariable);
  fcntl(kInheritedDescriptor, F_SETFD, FD_CLOEXEC);
  return std::unique_ptr<Inheritance>(
      new Inheritance(Link(kInheritedDescriptor), std::move(folder)));
}

Inheritance::~Inheritance() {
  for (const proxy::ListeningSockets& unused : sockets)
    for (const int fd : unused.fds) close(fd);
}

void Inheritance::refuse(const std::string& why) {
  (void)link_.send({{"refused", why.substr(0, Link::kMostBytes / 2)}});
}

Result<void> Inheritance::accept(const std::string& data_dir) {
  if (!same_folder(data_dir, data_dir_))
    return Error(Errc::invalid, "data_dir cannot change while the gateway runs: it is " +
                                    data_dir_ + ", and the configuration now says " + data_dir);
  auto told = link_.send({{"ready", PASSERELLE_VERSION}});
  while (told) {
    auto message = link_.receive(kPatience);
    if (!message) return std::move(message).error();
    if (!*message) return Error(Errc::timeout, "the gateway that started us says nothing");
    if ((*message)->body.contains("all")) return {};
    told = take(std::move(**message));
  }
  return told;
}

Result<void> Inheritance::take(Link::Message message) {
  const json& body = message.body;
  if (body.contains("address")) {
    const std::string address = body.value("address", "");
    const auto wanted = body.value("wanted", std::uint16_t{0});
    const auto bound = body.value("bound", std::uint16_t{0});
    const bool more =
        !sockets.empty() && sockets.back().address == address && sockets.back().bound == bound;
    if (!more) sockets.push_back({address, wanted, bound, {}});
    sockets.back().fds.insert(sockets.back().fds.end(), message.fds.begin(), message.fds.end());
    return {};
  }
  if (body.contains("predecessors")) {
    for (const int fd : message.fds) predecessors.emplace_back(fd);
    return {};
  }
  if (!body.contains("state") || message.fds.size() != 1)
    return Error(Errc::invalid, "the gateway hands over what we do not understand");
  const Link closes_it(message.fds.front());
  const auto state = read_state(message.fds.front());
  if (!state) return state.error();
  ticket_keys = text_in(*state, "ticket_keys");
  return {};
}

Result<void> Inheritance::take_over() {
  if (auto told = link_.send({{"prepared", true}}); !told) return told;
  auto message = link_.receive(kPatience);
  if (!message) return std::move(message).error();
  if (!*message || !(*message)->body.contains("yours"))
    return Error(Errc::cancelled, "the gateway that started us did not hand over");
  predecessors.push_back(std::move(link_));
  return {};
}

}  // namespace passerelle::hub
