#include "hub/succession/link.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace passerelle::hub {
namespace {

Error gone() {
  return {Errc::unavailable, "the other process is gone"};
}

/// Room for the descriptors of one message, aligned as the kernel wants it.
struct Ancillary {
  alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int) * Link::kMostFds)] = {};
};

std::vector<int> descriptors_of(msghdr& message) {
  std::vector<int> fds;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    fds.resize((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    std::memcpy(fds.data(), CMSG_DATA(part), fds.size() * sizeof(int));
  }
  return fds;
}

}  // namespace

Result<std::pair<Link, Link>> Link::make_pair() {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return Error(Errc::exhausted, "no pair of sockets: " + std::generic_category().message(errno));
  return std::pair<Link, Link>(Link(ends[0]), Link(ends[1]));
}

Link::~Link() {
  if (fd_ >= 0) close(fd_);
}

bool Link::wait(short events, std::chrono::milliseconds longest) const noexcept {
  pollfd polled{fd_, events, 0};
  return poll(&polled, 1, static_cast<int>(longest.count())) > 0;
}

Result<void> Link::send(const nlohmann::json& body,
                        const std::vector<int>& fds,
                        std::chrono::milliseconds longest) {
  std::string text = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (text.size() > kMostBytes || fds.size() > kMostFds)
    return Error(Errc::invalid, "a message to the other process is too long");
  Ancillary room;
  iovec bytes{text.data(), text.size()};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = room.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(part), fds.data(), sizeof(int) * fds.size());
  }
  for (;;) {
    if (sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return {};
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return gone();
    if (!wait(POLLOUT, longest)) return Error(Errc::exhausted, "the other process does not listen");
  }
}

Result<std::optional<Link::Message>> Link::receive(std::chrono::milliseconds longest) {
  std::string text(kMostBytes, '\0');
  for (;;) {
    Ancillary room;
    iovec bytes{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = room.bytes;
    message.msg_controllen = sizeof room.bytes;
    const ssize_t got = recvmsg(fd_, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) {
      if (!wait(POLLIN, longest)) return std::optional<Message>();
      longest = {};
      continue;
    }
    if (got <= 0) return gone();
    Message received;
    received.fds = descriptors_of(message);
    received.body = nlohmann::json::parse(text.begin(), text.begin() + got, nullptr, false);
    if (received.body.is_object()) return std::optional(std::move(received));
    for (const int fd : received.fds) close(fd);
    return Error(Errc::invalid, "the other process says what we do not understand");
  }
}

}  // namespace passerelle::hub
