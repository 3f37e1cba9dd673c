// Where a proxy listens: several endpoints at once, Unix sockets, and the one that only redirects.
#include <filesystem>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/wire/proxy/tls_peers.hpp"

namespace passerelle::proxy::wire {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

ProxySettings two_endpoints(const std::string& second) {
  ProxySettings settings = Wire::quick_settings();
  settings.limits.threads = 2;
  Endpoint other;
  other.address = second;
  settings.endpoints.push_back(other);
  return settings;
}

std::string ask(Peer peer, const std::string& request) {
  peer.send(request);
  peer.half_close();
  return peer.read_all();
}

TEST(Endpoint, AUnixSocketServesLikeAPortAndGoesAtTheEnd) {
  Folder folder;
  const std::string path = folder / "gate.sock";
  {
    Wire wire(two_endpoints(path));
    for (int at = 0; at < 8; ++at)
      EXPECT_THAT(ask(Peer::connect(path), get("/hub/")), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(wire.ask(get("/hub/")), StartsWith("HTTP/1.1 200 "));
    EXPECT_EQ(wire.proxy->port(1), 0);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Endpoint, AUnixSocketOfADeadProcessIsReplacedALivingOneIsNot) {
  Folder folder;
  const std::string path = folder / "gate.sock";
  Upstream dead([](Peer&, int) {}, Upstream::Kind::unix_socket);
  std::filesystem::rename(dead.address().path, path);
  TestGate gate;
  TestHub hub;
  EXPECT_FALSE(Proxy(two_endpoints(path), gate, hub).start());
  dead.stop();
  Wire wire(two_endpoints(path));
  EXPECT_THAT(ask(Peer::connect(path), get("/hub/")), StartsWith("HTTP/1.1 200 "));
}

TEST(Endpoint, AFileInTheWayOfASocketIsNotTouched) {
  Folder folder;
  const std::string path = folder / "precious";
  close(creat(path.c_str(), 0600));
  TestGate gate;
  TestHub hub;
  EXPECT_FALSE(Proxy(two_endpoints(path), gate, hub).start());
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(Endpoint, EveryAddressMeansBothFamilies) {
  Wire wire(two_endpoints(""));
  EXPECT_THAT(ask(Peer::connect(wire.proxy->port(1)), get("/hub/")), HasSubstr("peer=127.0.0.1 "));
}

TEST(Endpoint, OneThatOnlyShowsTheWayToHttps) {
  ProxySettings settings = two_endpoints("127.0.0.1");
  settings.endpoints[1].https_port = 8443;
  Wire wire(std::move(settings));
  const auto at = [&](const std::string& request) {
    return ask(Peer::connect(wire.proxy->port(1)), request);
  };
  const std::string answer = at("GET /a/%41?x=/../ HTTP/1.1\r\nHost: h.fr:8000\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 301 "));
  EXPECT_THAT(answer, HasSubstr("\r\nLocation: https://h.fr:8443/a/%41?x=/../\r\n"));
  EXPECT_THAT(at("GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n"),
              HasSubstr("\r\nLocation: https://[::1]:8443/\r\n"));
  EXPECT_THAT(at("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"),
              StartsWith("HTTP/1.1 308 "));
  EXPECT_THAT(at("GET / HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

}  // namespace
}  // namespace passerelle::proxy::wire
