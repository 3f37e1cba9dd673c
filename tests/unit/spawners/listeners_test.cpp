#include "spawners/local/supervisor/listeners.hpp"

#include <cstring>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "spawners/local/descriptor.hpp"

namespace passerelle::spawners::local {
namespace {

constexpr const char* kTable =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 "
    "1 0 100 0 0 10 0\n"
    "   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 22 "
    "1 0 100 0 0 10 0\n"
    "   2: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 33 "
    "1 0 100 0 0 10 0\n"
    "   3: zzzz:1F90 00000000:0000 0A 0 0 0 0 0 44\n"
    "   4: 00000000000000000000000001000000:1F91 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000     0        0 55 1 0 100 0 0 10 0\n";

TEST(TcpTable, OnlyListenersWithAnAddressToConnectTo) {
  const auto found = parse_tcp_table(kTable);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].host, "127.0.0.1");
  EXPECT_EQ(found[0].port, 8080);
  EXPECT_EQ(found[0].inode, 11U);
  EXPECT_EQ(found[1].host, "127.0.0.1") << "any is reached by loopback";
  EXPECT_EQ(found[2].host, "::1");
  EXPECT_EQ(found[2].port, 8081);
}

TEST(TcpListeners, OursAreToldFromStrangers) {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(name);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
  ASSERT_EQ(::listen(socket.get(), 1), 0);
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size);
  const std::uint16_t port = ntohs(name.sin_port);
  const auto mine = tcp_listeners({::getpid()}, port);
  EXPECT_FALSE(mine.stranger_on_port);
  ASSERT_FALSE(mine.ours.empty());
  const auto strange = tcp_listeners({}, port);
  EXPECT_TRUE(strange.stranger_on_port);
  EXPECT_TRUE(strange.ours.empty());
}

TEST(UnixListener, TheProcessBehindTheSocketCounts) {
  const std::string path = "/tmp/passerelle-listener-" + std::to_string(::getpid());
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, path.c_str(), sizeof(name.sun_path) - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
  EXPECT_FALSE(listens_on_socket(path, {::getpid()})) << "bound, but nobody listens";
  ASSERT_EQ(::listen(socket.get(), 4), 0);
  EXPECT_TRUE(listens_on_socket(path, {1, ::getpid()}));
  EXPECT_FALSE(listens_on_socket(path, {1}));
  ::unlink(path.c_str());
  EXPECT_FALSE(listens_on_socket(path, {::getpid()}));
}

}  // namespace
}  // namespace passerelle::spawners::local
