#include "auth/ldap/stream.hpp"

#include <algorithm>
#include <cerrno>

#include <lber.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace passerelle::auth::ldap {
namespace {

constexpr int kNoSocket = -1;

int descriptor(Sockbuf_IO_Desc* layer) {
  ber_socket_t fd = kNoSocket;
  ber_sockbuf_ctrl(layer->sbiod_sb, LBER_SB_OPT_GET_FD, &fd);
  return fd;
}

// Whether the socket is ready before the deadline; errno says why not.
bool wait_ready(Sockbuf_IO_Desc* layer, int fd, short what) {
  const Deadline deadline = static_cast<const Stream*>(layer->sbiod_pvt)->deadline;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd poller{fd, what, 0};
    const int ready = ::poll(
        &poller, 1, static_cast<int>(std::max<std::chrono::milliseconds::rep>(0, left.count())));
    if (ready > 0) return true;
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) errno = ETIMEDOUT;  // not EAGAIN: that is tried again for ever above
    return false;
  }
}

int set_up(Sockbuf_IO_Desc* layer, void* stream) {
  layer->sbiod_pvt = stream;
  return 0;
}

int take_down(Sockbuf_IO_Desc* layer) {
  layer->sbiod_pvt = nullptr;
  return 0;
}

int control(Sockbuf_IO_Desc* /*layer*/, int /*option*/, void* /*argument*/) {
  return 0;  // nothing that is ours
}

ber_slen_t read_some(Sockbuf_IO_Desc* layer, void* buffer, ber_len_t size) {
  const int fd = descriptor(layer);
  if (!wait_ready(layer, fd, POLLIN)) return -1;
  return ::recv(fd, buffer, size, 0);
}

ber_slen_t write_some(Sockbuf_IO_Desc* layer, void* buffer, ber_len_t size) {
  const int fd = descriptor(layer);
  if (!wait_ready(layer, fd, POLLOUT)) return -1;
  return ::send(fd, buffer, size, MSG_NOSIGNAL);
}

int close_it(Sockbuf_IO_Desc* layer) {
  const int fd = descriptor(layer);
  return fd == kNoSocket ? 0 : ::close(fd);
}

Sockbuf_IO kLayer = {set_up, take_down, control, read_some, write_some, close_it};

}  // namespace

bool attach(struct sockbuf* buffer, Stream& stream) {
  return ber_sockbuf_add_io(buffer, &kLayer, LBER_SBIOD_LEVEL_PROVIDER, &stream) == 0;
}

}  // namespace passerelle::auth::ldap
