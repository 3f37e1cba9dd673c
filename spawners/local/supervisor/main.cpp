// passerelle-supervisor: started by the local spawner, once per server. Reads its order from
// standard input (a socket whose other end the gateway keeps), holds the launch's lock on
// descriptor 3, and never has a secret among its arguments.
#include <array>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spawners/local/place.hpp"
#include "spawners/local/supervisor/supervisor.hpp"

namespace {

using namespace passerelle;
using namespace passerelle::spawners::local;

constexpr std::size_t kLongestOrder = 1U << 20U;
constexpr int kLock = 3;

Result<Order> read_order(int from) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Error(Errc::unavailable, "the order ends in its middle");
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.back() == '\n') return decode_order(text);
    if (text.size() > kLongestOrder) return Error(Errc::invalid, "the order is too long");
  }
}

/// Nothing of the gateway's stays open here: neither its listeners nor its database.
Descriptor let_go_of_the_gateway() {
  ::close_range(kLock + 1, ~0U, 0);
  ::fcntl(kLock, F_SETFD, FD_CLOEXEC);
  Descriptor gateway(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, kLock + 1));
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, standard);
  ::close(null);
  ::umask(077);
  return gateway;
}

}  // namespace

int main() {
  Descriptor gateway = let_go_of_the_gateway();
  // A truncated order means that the gateway died while it wrote: nothing has been started, nothing
  // will be.
  auto order = read_order(gateway.get());
  if (!order || order->command.empty() || !is_launch_id(order->launch_id)) return 2;
  if (::chdir("/") != 0) return 2;
  ::fcntl(gateway.get(), F_SETFL, O_NONBLOCK);
  Supervisor supervisor(std::move(*order), std::move(gateway));
  return supervisor.run() ? 0 : 1;
}
