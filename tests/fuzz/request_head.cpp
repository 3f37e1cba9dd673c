// Request heads: judged alike however they arrive; what we send upstream means the same to us and
// to another parser (Boost.Beast), and carries nothing that must not cross.
#include <array>
#include <string>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "proxy/cookies.hpp"
#include "proxy/headers.hpp"
#include "proxy/path.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace passerelle::proxy {
namespace {

namespace http = boost::beast::http;

constexpr std::array<std::string_view, 2> kOurs = {"passerelle-", "__Host-passerelle-"};
constexpr std::size_t kGuarded = 2;

void require_same(const RequestHead& a, const RequestHead& b) {
  REQUIRE(a.method() == b.method());
  REQUIRE(a.target() == b.target());
  REQUIRE(a.path() == b.path());
  REQUIRE(a.host() == b.host());
  REQUIRE(a.content_length() == b.content_length());
  REQUIRE(a.chunked() == b.chunked());
  REQUIRE(a.keep_alive() == b.keep_alive());
  REQUIRE(a.upgrade_websocket() == b.upgrade_websocket());
  REQUIRE(a.expect_continue() == b.expect_continue());
  REQUIRE(a.fields().size() == b.fields().size());
  for (std::size_t i = 0; i < a.fields().size(); ++i) {
    REQUIRE(a.fields()[i].name == b.fields()[i].name);
    REQUIRE(a.fields()[i].value == b.fields()[i].value);
    REQUIRE(a.fields()[i].id == b.fields()[i].id);
  }
}

/// Feeds the bytes in pieces; what is not told at once must be told by a scan of everything.
void require_same_in_pieces(std::string_view input, const Scan& whole, const RequestHead& head) {
  fuzz::Dice dice(input);
  std::string bytes;
  RequestHead dripped;
  Scan scan;
  while (bytes.size() < input.size() && scan.state == Scan::State::incomplete) {
    const std::size_t seen = bytes.size();
    bytes += input.substr(seen, dice.roll(40));
    scan = scan_request(bytes, seen, dripped, kGuarded);
  }
  if (scan.state == Scan::State::incomplete) scan = scan_request(bytes, 0, dripped, kGuarded);
  REQUIRE(scan.state == whole.state);
  REQUIRE(scan.status == whole.status);
  REQUIRE(scan.reason == whole.reason);
  REQUIRE(scan.used == whole.used);
  if (scan.state == Scan::State::complete) require_same(dripped, head);
}

void require_canonical(const RequestHead& head) {
  if (head.asterisk()) return;
  std::string path(head.path());
  const CanonicalPath again = canonicalise(path, kGuarded);
  REQUIRE(again.refusal.empty());
  REQUIRE(again.size == path.size());
  REQUIRE(path == head.path());
}

/// Another implementation must read what we send as we meant it.
void require_agreement(const std::string& sent, const RequestHead& head) {
  http::request_parser<http::empty_body> parser;
  parser.eager(false);
  parser.header_limit(1U << 20U);
  parser.body_limit(boost::none);
  boost::system::error_code error;
  const std::size_t used = parser.put(boost::asio::buffer(sent), error);
  REQUIRE(!error);
  REQUIRE(parser.is_header_done());
  REQUIRE(used == sent.size());
  const auto& message = parser.get();
  REQUIRE(std::string_view(message.method_string()) == head.method());
  REQUIRE(std::string_view(message.target()) == head.target());
  REQUIRE(parser.chunked() == head.chunked());
  REQUIRE(message.count("Content-Length") == (head.content_length() ? 1U : 0U));
  REQUIRE(message.count("Host") == 1);
  REQUIRE(message.count("Authorization") == 0);
  REQUIRE(message.count("Cookie") <= 1);
  REQUIRE(message.count("X-Forwarded-For") == 1);
  REQUIRE(std::string_view(message["X-Forwarded-For"]) == "192.0.2.1");
}

void require_clean(const RequestHead& sent, const RequestHead& head) {
  REQUIRE(sent.method() == head.method());
  REQUIRE(sent.target() == head.target());
  REQUIRE(sent.content_length() == head.content_length());
  REQUIRE(sent.chunked() == head.chunked());
  REQUIRE(sent.upgrade_websocket() == head.upgrade_websocket());
  REQUIRE(sent.fields().connection_tokens() == 0);
  for (const FieldId id : {FieldId::authorization, FieldId::trailer, FieldId::keep_alive,
                           FieldId::forwarded, FieldId::x_forwarded_any, FieldId::x_real_ip,
                           FieldId::proxy_authorization, FieldId::http2_settings}) {
    REQUIRE(!sent.has(id));
  }
  REQUIRE(!sent.has(FieldId::te) || head.accepts_trailers());
  REQUIRE(sent.value(FieldId::te).empty() || sent.value(FieldId::te) == "trailers");
  std::string_view cookies = sent.value(FieldId::cookie);
  Cookie cookie;
  while (next_cookie(cookies, cookie)) REQUIRE(!is_own_cookie(cookie.name, kOurs));
}

void run(std::string_view input) {
  std::string bytes(input);
  RequestHead head;
  const Scan whole = scan_request(bytes, 0, head, kGuarded);
  REQUIRE((whole.state == Scan::State::refused) == (whole.status != 0));
  require_same_in_pieces(input, whole, head);
  if (whole.state != Scan::State::complete) return;
  REQUIRE(whole.used <= input.size());
  require_canonical(head);

  const Client client = {"192.0.2.1", "http", head.host().empty() ? "h" : head.host(), "80"};
  const ToUpstream wish = {client, {}, kOurs, false};
  std::string sent(kMostHead + 4096, '\0');
  sent.resize(build_upstream_head(head, wish, sent));
  REQUIRE(!sent.empty());
  require_agreement(sent, head);
  if (sent.size() > kMostHead) return;  // Ours came on top.
  RequestHead again;
  const Scan scan = scan_request(sent, 0, again, kGuarded);
  if (scan.status == 431) return;
  REQUIRE(scan.state == Scan::State::complete);
  REQUIRE(scan.used == sent.size());
  require_clean(again, head);
}

}  // namespace
}  // namespace passerelle::proxy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  passerelle::proxy::run(passerelle::fuzz::text_of(data, size));
  return 0;
}
