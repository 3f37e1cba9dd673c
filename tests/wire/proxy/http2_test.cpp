// HTTP/2 on the wire: requests and bodies as over HTTP/1.1, what is hostile, WebSockets (RFC 8441).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "tests/wire/proxy/http2_peer.hpp"

namespace passerelle::proxy::wire {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Fields = Http2Peer::Fields;

class Http2 : public ::testing::Test {
 protected:
  explicit Http2(seconds body_timeout = seconds(2), seconds min_rate_after = seconds(30)) {
    TlsServerSettings tls;
    tls.certificates = {make_certificate(folder_, "one", {"h"})};
    tls.http2 = true;
    ProxySettings settings = Wire::quick_settings();
    settings.endpoints.front().tls = *TlsServer::load(std::move(tls));
    settings.limits.max_connections_per_address = 4;
    settings.limits.body_timeout = body_timeout;
    settings.limits.min_rate = 1'000;
    settings.limits.min_rate_after = min_rate_after;
    wire = std::make_unique<Wire>(std::move(settings));
  }
  std::uint16_t port() const { return wire->proxy->port(); }

  std::unique_ptr<Wire> wire;

  /// Ends the proxy before its upstream, whose scripts wait for that.
  struct Served {
    Served(Http2& its_test, const Upstream& upstream) : test(its_test) {
      test.wire->route(upstream);
    }
    ~Served() { test.wire.reset(); }
    Served(const Served&) = delete;
    Served& operator=(const Served&) = delete;
    Http2& test;
  };

 private:
  Folder folder_;
};

/// Answers every body with the same bytes, by length.
Upstream::Script echo_bodies() {
  return [](Peer& peer, int) {
    for (std::string head = peer.read_head(); head.ends_with("\r\n\r\n"); head = peer.read_head()) {
      const std::size_t at = head.find("Content-Length: ");
      if (at == std::string::npos) {
        std::string body = peer.read_until("0\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body);
      } else {
        peer.send(ok(peer.read_exactly(std::stoul(head.substr(at + 16)))));
      }
    }
  };
}

/// Takes a request for as long as its client stays.
Upstream::Script no_answer() {
  return [](Peer& peer, int) { peer.read_all(seconds(20)); };
}

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t at = 0; at < size; ++at) bytes[at] = static_cast<char>('a' + at * 7 % 23);
  return bytes;
}

std::string frame(std::uint8_t type,
                  std::uint8_t flags,
                  std::uint32_t id,
                  std::string_view payload) {
  std::string out;
  for (const int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(id >> shift);
  return out.append(payload);
}

TEST_F(Http2, ARequestArrivesAsCleanHttp1) {
  Upstream upstream(echo_heads());
  const Served served(*this, upstream);
  Http2Peer peer(port());
  const auto id = peer.get(
      "/user/a/x?q=1",
      {{"cookie", "a=1"}, {"cookie", "b=2"}, {"x-forwarded-for", "1.2.3.4"}, {"x-mine", "yes"}});
  const auto& answer = peer.finish(id);
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.ended);
  EXPECT_THAT(answer.body, StartsWith("GET /user/a/x?q=1 HTTP/1.1\r\nHost: h\r\n"));
  EXPECT_THAT(answer.body, HasSubstr("Cookie: a=1; b=2\r\n"));
  EXPECT_THAT(answer.body, HasSubstr("X-Forwarded-Proto: https\r\n"));
  EXPECT_THAT(answer.body, HasSubstr("X-Forwarded-For: 127.0.0.1\r\n"));
  EXPECT_THAT(answer.body, HasSubstr("x-mine: yes\r\n"));
  EXPECT_EQ(peer.finish(peer.get("/hub/")).status, 200);
  EXPECT_EQ(
      peer
          .finish(peer.request(
              {{":method", "HEAD"}, {":scheme", "https"}, {":path", "/hub/"}, {":authority", "h"}}))
          .body,
      "");
}

TEST_F(Http2, AHundredStreamsAtOnceAndOnePlaceAmongTheConnections) {
  Upstream upstream(echo_heads());
  const Served served(*this, upstream);
  Http2Peer peer(port());
  std::vector<std::int32_t> ids;
  for (int at = 0; at < 100; ++at) ids.push_back(peer.get("/user/a/" + std::to_string(at)));
  for (std::size_t at = 0; at < ids.size(); ++at) {
    const auto& answer = peer.finish(ids[at]);
    ASSERT_EQ(answer.status, 200) << at;
    ASSERT_THAT(answer.body, StartsWith("GET /user/a/" + std::to_string(at) + " HTTP"));
  }
  EXPECT_EQ(wire->proxy->counters().connections, 1U);
}

TEST_F(Http2, BodiesComeWholeBothWays) {
  Upstream upstream(echo_bodies());
  const Served served(*this, upstream);
  Http2Peer peer(port());
  const std::string body = pattern(3U << 20U);
  const Fields length{{"content-length", std::to_string(body.size())}};
  const auto& by_length = peer.finish(peer.post("/user/a/", body, length));
  EXPECT_EQ(by_length.status, 200);
  EXPECT_TRUE(by_length.body == body);
  const auto& by_chunks = peer.finish(peer.post("/user/a/", body));
  EXPECT_EQ(by_chunks.status, 200);
  EXPECT_TRUE(by_chunks.body == body);
  EXPECT_EQ(peer.finish(peer.post("/user/a/", "", {})).status, 200);
}

TEST_F(Http2, InterimHeadsAndTrailersPass) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Big: 1\r\n\r\n");
    peer.send("2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n");
  });
  const Served served(*this, upstream);
  Http2Peer peer(port());
  const auto& answer = peer.finish(peer.get("/user/a/", {{"te", "trailers"}}));
  EXPECT_THAT(answer.interim, ElementsAre(103));
  EXPECT_EQ(answer.body, "hi");
  EXPECT_EQ(answer.field("x-big"), "1");
  EXPECT_EQ(answer.field("x-sum"), "7");
  EXPECT_EQ(answer.field("transfer-encoding"), "");
}

TEST_F(Http2, AnAnswerThatBreaksOffIsAReset) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  });
  const Served served(*this, upstream);
  Http2Peer peer(port());
  const auto& answer = peer.finish(peer.get("/user/a/"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.ended);
  EXPECT_NE(answer.error, 0U);
  EXPECT_EQ(peer.finish(peer.get("/hub/")).status, 200) << "the others go on";
}

TEST_F(Http2, Rule75WhatHttp1CouldMisreadIsReset) {
  Http2Peer peer(port());
  const Fields good{
      {":method", "GET"}, {":scheme", "https"}, {":path", "/hub/"}, {":authority", "h"}};
  const auto with = [&](const Fields& more) {
    Fields all = good;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const Fields kinds[] = {
      with({{"x-a", "b\r\nHost: evil"}}),
      with({{"x-a", std::string("b\0c", 3)}}),
      with({{"x-a\r\nb", "c"}}),
      with({{"x a", "c"}}),
      with({{"x:a", "c"}}),
      with({{"", "c"}}),
      with({{"connection", "close"}}),
      with({{"transfer-encoding", "chunked"}}),
      with({{"upgrade", "h2c"}}),
      with({{"keep-alive", "5"}}),
      with({{"proxy-connection", "close"}}),
      with({{"te", "gzip"}}),
      with({{"host", "other"}}),
      with({{":path", "/hub/b"}}),
      with({{":unknown", "x"}}),
      with({{"content-length", "5"}}),
      with({{"content-length", "x"}}),
      {{":method", "GET"}, {":scheme", "https"}, {":path", "/hub/ HTTP/1.1"}, {":authority", "h"}},
      {{":method", "GET /x"}, {":scheme", "https"}, {":path", "/hub/"}, {":authority", "h"}},
      {{":method", "GET"}, {":scheme", "https"}, {":path", "http://h/hub/"}, {":authority", "h"}},
      {{":method", "GET"}, {":scheme", "https"}, {":path", ""}, {":authority", "h"}},
      {{":method", "GET"}, {":scheme", "https"}, {":authority", "h"}},
      {{":scheme", "https"}, {":path", "/hub/"}, {":authority", "h"}},
      {{":method", "GET"}, {":path", "/hub/"}, {":authority", "h"}},
      {{":method", "GET"}, {":scheme", "https"}, {"x-a", "b"}, {":path", "/"}, {":authority", "h"}},
      {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {":authority", "h\r\nx: y"}},
      {{":method", "GET"},
       {":scheme", "https"},
       {":path", "/"},
       {":protocol", "websocket"},
       {":authority", "h"}},
  };
  int at = 0;
  for (const Fields& fields : kinds) {
    const auto& answer = peer.finish(peer.request(fields));
    EXPECT_EQ(answer.status, 0) << at;
    EXPECT_EQ(answer.error, std::uint32_t{NGHTTP2_PROTOCOL_ERROR}) << at;
    ++at;
  }
  EXPECT_EQ(wire->proxy->counters().requests, 0U);
  EXPECT_EQ(peer.finish(peer.request(good)).status, 200);
}

TEST_F(Http2, Rule75WhatIsOnlyUnwelcomeGetsAStatus) {
  Http2Peer peer(port());
  const auto status = [&](const Fields& fields) {
    return peer.finish(peer.request(fields)).status;
  };
  EXPECT_EQ(status({{":method", "CONNECT"}, {":authority", "h:443"}}), 405);
  EXPECT_EQ(status({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "h"}}),
            421);
  EXPECT_EQ(status({{":method", "CONNECT"},
                    {":protocol", "connect-udp"},
                    {":scheme", "https"},
                    {":path", "/"},
                    {":authority", "h"}}),
            501);
  Fields large;
  for (int at = 0; at < 9; ++at) large.emplace_back("x-large", std::string(4000, 'x'));
  EXPECT_EQ(peer.finish(peer.get("/hub/", large)).status, 431);
  EXPECT_EQ(peer.finish(peer.get("/hub/")).status, 200);
}

TEST_F(Http2, Rule78ARequestForAnotherNameThanTheHandshakesIs421) {
  Http2Peer peer(port(), "h");
  EXPECT_EQ(peer.finish(peer.get("/hub/")).status, 200);
  const Fields other{
      {":method", "GET"}, {":scheme", "https"}, {":path", "/hub/"}, {":authority", "other.fr"}};
  EXPECT_EQ(peer.finish(peer.request(other)).status, 421);
  EXPECT_EQ(peer.finish(peer.get("/hub/")).status, 200) << "the connection goes on";
}

TEST_F(Http2, Rule76RapidResetEndsTheConnection) {
  Http2Peer peer(port());
  for (int at = 0; at < 500; ++at) {
    const auto id = peer.get("/hub/" + std::to_string(at));
    if (!peer.flush()) break;
    peer.reset(id);
    if (!peer.flush()) break;
  }
  EXPECT_TRUE(peer.run_until([&] { return peer.gone_away(); }));
  EXPECT_EQ(peer.goaway_code(), std::uint32_t{NGHTTP2_ENHANCE_YOUR_CALM});
  EXPECT_LE(wire->proxy->counters().requests, 210U);
}

TEST_F(Http2, Rule76FloodsEndTheConnection) {
  const std::string kinds[] = {
      frame(NGHTTP2_PING, 0, 0, "12345678"),
      frame(NGHTTP2_SETTINGS, 0, 0, ""),
      frame(NGHTTP2_PRIORITY, 0, 1, std::string("\0\0\0\0\1", 5)),
      frame(NGHTTP2_DATA, 0, 1, ""),
      frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, std::string("\1\0", 2)),
      frame(NGHTTP2_WINDOW_UPDATE, 0, 0, std::string("\0\0\0\1", 4)),
      frame(NGHTTP2_WINDOW_UPDATE, 0, 1, std::string("\0\0\0\1", 4)),
  };
  Upstream upstream(no_answer());
  const Served served(*this, upstream);
  std::uint64_t floods = 0;
  for (const std::string& kind : kinds) {
    Http2Peer peer(port());
    const auto id = peer.post("/user/a/", "", {}, true);
    EXPECT_EQ(id, 1);
    std::string flood;
    for (int at = 0; at < 1'200; ++at) flood += kind;
    peer.raw(flood);
    EXPECT_TRUE(peer.run_until([&] { return peer.gone_away(); })) << floods;
    EXPECT_EQ(peer.goaway_code(), std::uint32_t{NGHTTP2_ENHANCE_YOUR_CALM}) << floods;
    EXPECT_TRUE(eventually([&] { return wire->proxy->counters().shed == floods + 1; }));
    ++floods;
  }
}

/// No stream is reset by the client: it only makes us do it (CVE-2025-8671).
TEST_F(Http2, Rule76ResetsThatTheClientProvokesCountAsItsOwn) {
  Upstream upstream(no_answer());
  const Served served(*this, upstream);
  Http2Peer peer(port());
  const std::string too_much("\x7f\xff\xff\xff", 4);
  int streams = 0;
  for (; streams < 500 && !peer.gone_away(); ++streams) {
    const auto id = peer.post("/user/a/", "", {}, true);
    peer.raw(frame(NGHTTP2_WINDOW_UPDATE, 0, static_cast<std::uint32_t>(id), too_much));
    peer.run_until([&] { return peer.gone_away() || peer.answer(id).closed; });
  }
  EXPECT_EQ(peer.goaway_code(), std::uint32_t{NGHTTP2_ENHANCE_YOUR_CALM});
  EXPECT_LE(streams, 201);
  EXPECT_EQ(wire->proxy->counters().shed, 1U);
}

TEST_F(Http2, Rule76UpdatesForWhatWasSentAreNoFlood) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send(ok(std::string(64U << 20U, 'x')));
  });
  const Served served(*this, upstream);
  Http2Peer peer(port());
  const auto id = peer.get("/user/a/");
  std::size_t seen = 0;
  int updates = 0;
  peer.run_until([&] {
    for (; seen + 16384 <= peer.answer(id).body.size(); seen += 16384, updates += 2) {
      peer.raw(frame(NGHTTP2_WINDOW_UPDATE, 0, 0, std::string("\0\0\0\1", 4)));
      peer.raw(frame(NGHTTP2_WINDOW_UPDATE, 0, 1, std::string("\0\0\0\1", 4)));
    }
    return peer.answer(id).closed;
  });
  EXPECT_EQ(peer.answer(id).body.size(), 64U << 20U);
  EXPECT_GT(updates, 4'000);
}

TEST_F(Http2, Rule76FieldsWithoutABodyAreCountedToo) {
  Http2Peer peer(port());
  Fields empty;
  for (int at = 0; at < 1'000; ++at) empty.emplace_back("x", "");
  EXPECT_EQ(peer.finish(peer.get("/hub/", empty)).status, 431);
}

constexpr std::uint8_t kWhole = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM;

/// RFC 9113, 5.1.1
TEST_F(Http2, Rule75AStreamThatWasSkippedIsNotOpenedLater) {
  Http2Peer peer(port());
  EXPECT_EQ(peer.finish(peer.get("/hub/")).status, 200);
  nghttp2_session_set_next_stream_id(peer.session(), 9);
  EXPECT_EQ(peer.finish(peer.get("/hub/")).status, 200);
  peer.raw(frame(NGHTTP2_HEADERS, kWhole, 7, std::string("\x82\x87\x84\x01\x01h", 6)));
  EXPECT_TRUE(peer.run_until([&] { return peer.gone_away(); }));
  EXPECT_EQ(peer.goaway_code(), std::uint32_t{NGHTTP2_PROTOCOL_ERROR});
  EXPECT_EQ(wire->proxy->counters().requests, 2U);
}

/// The client could not know yet.
TEST_F(Http2, Rule75TrailersThatCrossAResetAreNoNewStream) {
  Upstream upstream(no_answer());
  const Served served(*this, upstream);
  Http2Peer peer(port());
  const auto id = peer.post("/user/a/", "", {}, true);
  peer.raw(frame(NGHTTP2_WINDOW_UPDATE, 0, 1, "\x7f\xff\xff\xff"));
  EXPECT_NE(peer.finish(id).error, 0U);
  peer.raw(frame(NGHTTP2_HEADERS, kWhole, 1, std::string("\x00\x01x\x01y", 5)));
  EXPECT_EQ(peer.finish(peer.get("/hub/")).status, 200);
}

TEST_F(Http2, Rule76EndlessContinuationEndsTheConnection) {
  Http2Peer peer(port());
  std::string flood = frame(NGHTTP2_HEADERS, 0, 1, "\x82");
  for (int at = 0; at < 100; ++at) flood += frame(NGHTTP2_CONTINUATION, 0, 1, "");
  peer.raw(flood);
  EXPECT_TRUE(peer.run_until([&] { return peer.gone_away(); }));
}

std::string accept_for(const std::string& head) {
  const std::size_t at = head.find("Sec-WebSocket-Key: ") + 19;
  const std::string text =
      head.substr(at, head.find('\r', at) - at) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[20];
  unsigned char base64[32];
  EVP_Digest(text.data(), text.size(), digest, nullptr, EVP_sha1(), nullptr);
  EVP_EncodeBlock(base64, digest, 20);
  return {reinterpret_cast<const char*>(base64), 28};
}

TEST_F(Http2, Rule77AWebSocketCarriesBytesBothWaysAndHalfCloses) {
  std::string head;
  Upstream upstream([&](Peer& peer, int) {
    head = peer.read_head();
    peer.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        accept_for(head) + "\r\n\r\nfirst");
    for (std::string got = peer.read_some(milliseconds(5000)); !got.empty();
         got = peer.read_some(milliseconds(5000)))
      peer.send(got);
    peer.send("last");
  });
  const Served served(*this, upstream);
  Http2Peer peer(port());
  const auto id = peer.websocket("/user/a/ws?x=1");
  ASSERT_TRUE(peer.run_until([&] { return peer.answer(id).body == "first"; }));
  EXPECT_EQ(peer.answer(id).status, 200);
  EXPECT_EQ(peer.answer(id).field("sec-websocket-accept"), "");
  EXPECT_THAT(head, StartsWith("GET /user/a/ws?x=1 HTTP/1.1\r\n"));
  EXPECT_THAT(head, HasSubstr("origin: https://h\r\n"));
  const std::string bytes = pattern(1U << 20U);
  peer.send(id, bytes);
  ASSERT_TRUE(peer.run_until([&] { return peer.answer(id).body.size() == 5 + bytes.size(); }));
  EXPECT_TRUE(peer.answer(id).body == "first" + bytes);
  EXPECT_EQ(wire->proxy->counters().tunnels, 1U);
  peer.send(id, "", true);
  EXPECT_THAT(peer.finish(id).body, EndsWith("last"));
  EXPECT_EQ(peer.answer(id).error, 0U);
  EXPECT_TRUE(eventually([&] { return wire->proxy->counters().tunnels == 0; }));
}

TEST_F(Http2, Rule77AServerThatDoesNotSwitchIsNoTunnel) {
  Upstream upstream([](Peer& peer, int connection) {
    peer.read_head();
    peer.send(connection == 0 ? ok("page")
                              : "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  });
  const Served served(*this, upstream);
  Http2Peer peer(port());
  EXPECT_EQ(peer.finish(peer.websocket("/user/a/ws")).status, 502);
  const auto& refused = peer.finish(peer.websocket("/user/a/ws"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.body, "no");
}

TEST_F(Http2, Rule77AResetWebSocketEndsItsServersConnection) {
  std::atomic<bool> ended{false};
  Upstream upstream([&](Peer& peer, int) {
    const std::string head = peer.read_head();
    peer.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        accept_for(head) + "\r\n\r\n");
    ended = peer.ended();
  });
  const Served served(*this, upstream);
  Http2Peer peer(port());
  const auto id = peer.websocket("/user/a/ws");
  ASSERT_TRUE(peer.run_until([&] { return peer.answer(id).status == 200; }));
  peer.reset(id);
  peer.flush();
  EXPECT_TRUE(eventually([&] { return ended.load(); }));
}

TEST_F(Http2, AClientThatDoesNotReadHoldsUpItsServer) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n");
    for (int at = 0; at < 128 && peer.send(std::string(65536, 'x')); ++at) {
    }
  });
  const Served served(*this, upstream);
  Http2Peer peer(port());
  const auto id = peer.get("/user/a/");
  peer.run_until([&] { return peer.answer(id).body.size() > 1000; });
  EXPECT_TRUE(eventually([&] { return wire->proxy->counters().connections == 1; }));
  EXPECT_LE(wire->proxy->counters().kept, 512U << 10U);
  const auto& answer = peer.finish(id);
  EXPECT_EQ(answer.body.size(), 8388608U);
}

/// The limits of pace_test.cpp, for one stream of many: windows hide from TCP who is slow.
class SlowHttp2 : public Http2 {
 protected:
  SlowHttp2() : Http2(seconds(60), seconds(1)) {}
  bool ended_as_slow(Http2Peer& peer, std::int32_t id) {
    return peer.finish(id).error == NGHTTP2_CANCEL && wire->proxy->counters().too_slow == 1;
  }
};

TEST_F(SlowHttp2, AnAnswerThatItsClientDoesNotTakeEndsAlone) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send(ok(std::string(100'000, 'x')));
  });
  const Served served(*this, upstream);
  Http2Peer peer(port());
  const nghttp2_settings_entry none{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0};
  nghttp2_submit_settings(peer.session(), NGHTTP2_FLAG_NONE, &none, 1);
  EXPECT_TRUE(ended_as_slow(peer, peer.get("/user/a/")));
  EXPECT_EQ(
      peer
          .finish(peer.request(
              {{":method", "HEAD"}, {":scheme", "https"}, {":path", "/hub/"}, {":authority", "h"}}))
          .status,
      200);
}

TEST_F(SlowHttp2, AnUploadThatStopsEndsAlone) {
  Upstream upstream(no_answer());
  const Served served(*this, upstream);
  Http2Peer peer(port());
  EXPECT_TRUE(ended_as_slow(peer, peer.post("/user/a/", "a little", {}, true)));
  EXPECT_EQ(peer.finish(peer.get("/hub/")).status, 200);
}

/// Its client owes nothing.
TEST_F(SlowHttp2, AServerThatTakesItsTimeIsNotItsClientsFault) {
  Upstream upstream([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
    std::this_thread::sleep_for(seconds(4));  // the limit would end it after three
    peer.send("cd");
  });
  const Served served(*this, upstream);
  Http2Peer peer(port());
  const auto& answer = peer.finish(peer.get("/user/a/"));
  EXPECT_EQ(answer.body, "abcd");
  EXPECT_TRUE(answer.ended);
  EXPECT_EQ(wire->proxy->counters().too_slow, 0U);
}

TEST_F(Http2, AStopLetsStreamsFinish) {
  std::atomic<bool> arrived{false};
  std::atomic<bool> go{false};
  Upstream upstream([&](Peer& peer, int) {
    peer.read_head();
    arrived = true;
    eventually([&] { return go.load(); });
    peer.send(ok("late"));
  });
  const Served served(*this, upstream);
  Http2Peer peer(port());
  const auto id = peer.get("/user/a/");
  peer.flush();
  ASSERT_TRUE(eventually([&] { return arrived.load(); }));
  std::thread stopping([&] { wire->proxy->stop(seconds(5)); });
  EXPECT_TRUE(peer.run_until([&] { return peer.gone_away(); }));
  EXPECT_EQ(peer.goaway_code(), 0U);
  go = true;
  EXPECT_EQ(peer.finish(id).body, "late");
  stopping.join();
}

}  // namespace
}  // namespace passerelle::proxy::wire
