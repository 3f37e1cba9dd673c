// TLS on the wire: what is spoken, which certificate is shown, and that everything else goes on as
// without it.
#include "proxy/tls.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "base/secrets.hpp"
#include "tests/wire/proxy/tls_peers.hpp"

namespace passerelle::proxy::wire {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A proxy with one TLS endpoint.
class TlsWire {
 public:
  explicit TlsWire(TlsServerSettings wish = {}, std::uint32_t threads = 1) {
    if (wish.certificates.empty()) wish.certificates = {make_certificate(folder, "first", {"h"})};
    auto loaded = TlsServer::load(std::move(wish));
    if (!loaded) throw std::runtime_error(loaded.error().message());
    server = *loaded;
    ProxySettings settings = Wire::quick_settings();
    settings.limits.threads = threads;
    settings.limits.header_timeout = seconds(2);
    settings.endpoints.front().tls = server;
    wire = std::make_unique<Wire>(std::move(settings));
  }
  std::uint16_t port() const { return wire->proxy->port(); }

  Folder folder;
  std::shared_ptr<TlsServer> server;
  std::unique_ptr<Wire> wire;
};

std::string ask(TlsPeer& peer, const std::string& request) {
  EXPECT_TRUE(peer.good());
  peer.send(request);
  return peer.read_until("body=");
}

TEST(Tls, ARequestAndItsAnswer) {
  Upstream upstream(echo_heads());
  TlsWire tls;
  tls.wire->route(upstream);
  TlsPeer peer(tls.port());
  peer.send(get("/user/a/"));
  EXPECT_THAT(peer.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(peer.read_until("\r\n\r\n"), HasSubstr("X-Forwarded-Proto: https\r\n"));
  EXPECT_THAT(ask(peer, get("/hub/")), StartsWith("HTTP/1.1 200 "));  // kept alive
}

TEST(Tls, VersionsFrom12On) {
  TlsWire tls;
  EXPECT_FALSE(TlsPeer(tls.port(), {.version = TLS1_1_VERSION}).good());
  EXPECT_TRUE(TlsPeer(tls.port(), {.version = TLS1_2_VERSION}).good());
  EXPECT_TRUE(TlsPeer(tls.port(), {.version = TLS1_3_VERSION}).good());
}

TEST(Tls, AnyProtocolButHttpIsRefused) {
  TlsWire tls;
  EXPECT_FALSE(TlsPeer(tls.port(), {.alpn = "ftp"}).good());
  EXPECT_EQ(TlsPeer(tls.port(), {.alpn = "http/1.1"}).alpn(), "http/1.1");
  EXPECT_FALSE(TlsPeer(tls.port(), {.alpn = "h2"}).good()) << "not offered unless it is configured";
}

TEST(Tls, TheCertificateIsChosenByName) {
  Folder folder;
  TlsWire tls({.certificates = {make_certificate(folder, "first", {"a.fr"}),
                                make_certificate(folder, "pattern", {"*.b.fr"}),
                                make_certificate(folder, "exact", {"x.b.fr"})}});
  const auto shown = [&](const std::string& name) {
    return TlsPeer(tls.port(), {.server_name = name}).common_name();
  };
  EXPECT_EQ(shown(""), "first");
  EXPECT_EQ(shown("unknown.fr"), "first");
  EXPECT_EQ(shown("y.B.fr"), "pattern");
  EXPECT_EQ(shown("x.b.fr"), "exact");
  EXPECT_EQ(shown("z.y.b.fr"), "first");
}

TEST(Tls, ARequestForAnotherNameThanTheHandshakesIs421) {
  TlsWire tls;
  TlsPeer peer(tls.port(), {.server_name = "example.fr"});
  peer.send("GET /hub/ HTTP/1.1\r\nHost: example.fr:8443\r\n\r\n");
  EXPECT_THAT(peer.read_until("body="), StartsWith("HTTP/1.1 200 "));
  peer.send("GET /hub/ HTTP/1.1\r\nHost: other.fr\r\n\r\n");
  EXPECT_THAT(peer.read_all(), StartsWith("HTTP/1.1 421 Misdirected Request"));
}

void expect_resumption(int version) {
  TlsWire tls({}, 2);
  SSL_SESSION* session = nullptr;
  {
    TlsPeer peer(tls.port(), {.version = version});
    ask(peer, get("/hub/"));
    EXPECT_FALSE(peer.resumed());
    session = peer.session();
  }
  for (int at = 0; at < 8; ++at) {  // on either thread
    TlsPeer peer(tls.port(), {.version = version, .session = session});
    ask(peer, get("/hub/"));
    EXPECT_TRUE(peer.resumed());
  }
  ASSERT_TRUE(tls.server->reload());
  TlsPeer peer(tls.port(), {.version = version, .session = session});
  ask(peer, get("/hub/"));  // only then the proxy is known to have counted it
  EXPECT_TRUE(peer.resumed()) << "after a reload";
  SSL_SESSION_free(session);
  EXPECT_EQ(tls.wire->proxy->counters().tls_resumed, 9U);
}

TEST(Tls, SessionsAreResumedOnAnyThreadAndAfterAReload) {
  expect_resumption(TLS1_3_VERSION);
  expect_resumption(TLS1_2_VERSION);
}

TEST(Tls, AReloadShowsTheNewCertificateAndDropsNobody) {
  TlsWire tls;
  TlsPeer old(tls.port());
  ask(old, get("/hub/"));
  const CertificateFiles next = make_certificate(tls.folder, "next", {"h"});
  std::filesystem::rename(next.cert, tls.folder / "first.crt");
  EXPECT_FALSE(tls.server->reload()) << "the key is still the old one's";
  EXPECT_EQ(TlsPeer(tls.port()).common_name(), "first");
  std::filesystem::rename(next.key, tls.folder / "first.key");
  ASSERT_TRUE(tls.server->reload());
  EXPECT_EQ(TlsPeer(tls.port()).common_name(), "next");
  EXPECT_THAT(ask(old, get("/hub/")), StartsWith("HTTP/1.1 200 "));
}

TEST(Tls, WhatIsWrongWithAFileIsSaid) {
  Folder folder;
  const auto problem = [&](const CertificateFiles& files) {
    const auto loaded = TlsServer::load({.certificates = {files}});
    return loaded ? std::string() : loaded.error().message();
  };
  const CertificateFiles good = make_certificate(folder, "good", {"h"});
  const CertificateFiles other = make_certificate(folder, "other", {"h"});
  EXPECT_EQ(problem(good), "");
  EXPECT_THAT(problem({folder / "none.crt", good.key, ""}), HasSubstr("none.crt"));
  EXPECT_THAT(problem({good.cert, other.key, ""}), HasSubstr("other.key"));
  std::ofstream(folder / "empty.crt").flush();
  EXPECT_THAT(problem({folder / "empty.crt", good.key, ""}), HasSubstr("empty.crt"));
}

TEST(Tls, PlainHttpOnItsPortIsToldSo) {
  TlsWire tls;
  Peer peer = Peer::connect(tls.port());
  peer.send(get("/hub/"));
  EXPECT_THAT(peer.read_all(), HasSubstr("speaks HTTPS"));
}

TEST(Tls, AHandshakeThatIsNotGoneOnWithEnds) {
  TlsWire tls;
  Peer peer = Peer::connect(tls.port());
  peer.send("\x16\x03\x01");
  EXPECT_TRUE(peer.ended(milliseconds(6000)));
  EXPECT_TRUE(eventually([&] { return tls.wire->proxy->counters().connections == 0; }));
}

TEST(Tls, BodiesPassBothWaysWhole) {
  Upstream upstream([](Peer& peer, int) {
    const std::string head = peer.read_head();
    const std::string body = peer.read_exactly(3'000'000, milliseconds(20'000));
    peer.send(ok(body + body));
  });
  TlsWire tls;
  tls.wire->route(upstream);
  std::string body(3'000'000, 'x');
  for (std::size_t at = 0; at < body.size(); at += 7) body[at] = static_cast<char>('a' + at % 26);
  TlsPeer peer(tls.port());
  peer.send(
      "POST /user/a/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 3000000\r\n\r\n");
  EXPECT_TRUE(peer.send(body));
  const std::string answer = peer.read_all();
  EXPECT_TRUE(peer.orderly());
  EXPECT_TRUE(answer.ends_with("\r\n\r\n" + body + body));
}

TEST(Tls, ATunnelCarriesAndHalfCloses) {
  const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello");
    const std::string all = peer.read_all();
    peer.send("<" + all + ">");
  });
  TlsWire tls;
  tls.wire->route(upstream);
  TlsPeer peer(tls.port());
  peer.send(get("/user/a/",
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: " +
                    key + "\r\n"));
  EXPECT_THAT(peer.read_until("hello"), StartsWith("HTTP/1.1 101 "));
  peer.send("abc");
  peer.half_close();
  EXPECT_EQ(peer.read_all(), "<abc>");
  EXPECT_TRUE(peer.orderly());
}

TEST(Tls, ABodyCutShortIsNoOrderlyEnd) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  });
  TlsWire tls;
  tls.wire->route(upstream);
  TlsPeer peer(tls.port());
  peer.send(get("/user/a/"));
  peer.read_all();
  EXPECT_FALSE(peer.orderly());
}

// The upstream is another proxy that speaks TLS.
class TlsUpstream : public ::testing::Test {
 protected:
  std::string through(TlsClientSettings wish, const std::string& name) {
    auto client = TlsClient::load(wish);
    if (!client) return client.error().message();
    Wire front;
    auto route = std::make_shared<Route>();
    route->prefix = "/user/a/";
    route->upstream = {passerelle::Upstream::Kind::tcp, "127.0.0.1", upstream_->port(), ""};
    route->tls = *client;
    route->tls_name = name;
    front.gate.routes.add(route);
    Peer peer = front.client();
    std::string answers;
    for (int at = 0; at < 2; ++at) {
      peer.send(get("/user/a/" + std::to_string(at)));
      answers = peer.read_until("body=");
    }
    reuses_ = front.proxy->counters().upstream_reuses;
    return answers;
  }
  void begin(TlsServerSettings wish) { upstream_ = std::make_unique<TlsWire>(std::move(wish)); }

  Folder folder_;
  CertificateFiles server_ = make_certificate(folder_, "server", {"node.example.fr", "127.0.0.1"});
  CertificateFiles us_ = make_certificate(folder_, "us", {"gateway"});
  std::unique_ptr<TlsWire> upstream_;
  std::uint64_t reuses_ = 0;
};

TEST_F(TlsUpstream, ItsNameAndAuthorityAreChecked) {
  begin({.certificates = {server_}});
  EXPECT_THAT(through({.ca = server_.cert}, "127.0.0.1"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(reuses_, 1U) << "the pool keeps it";
  EXPECT_THAT(through({.ca = us_.cert}, "127.0.0.1"), HasSubstr("upstream-unreachable"));
  EXPECT_THAT(through({.ca = server_.cert}, "127.0.0.2"), HasSubstr("upstream-unreachable"));
  EXPECT_THAT(through({}, "127.0.0.1"), HasSubstr("upstream-unreachable")) << "the system's";
  EXPECT_THAT(through({.verify = false}, "127.0.0.2"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(TlsUpstream, OursIsShownToAServerThatAsks) {
  begin({.certificates = {server_},
         .ask_client = true,
         .require_client = true,
         .client_ca = us_.cert});
  EXPECT_THAT(through({.ca = server_.cert, .own = us_}, "127.0.0.1"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(through({.ca = server_.cert}, "127.0.0.1"), Not(StartsWith("HTTP/1.1 200 ")));
  EXPECT_THAT(through({.ca = server_.cert, .own = server_}, "127.0.0.1"),
              Not(StartsWith("HTTP/1.1 200 ")));
}

}  // namespace
}  // namespace passerelle::proxy::wire
