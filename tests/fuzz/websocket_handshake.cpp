// A WebSocket handshake, asked and answered: the input is a request, an empty line's end, and what
// an upstream says to it. Whatever passes is one by the book (RFC 6455, 4), upwards and downwards;
// nothing else is taken for one.
#include <algorithm>
#include <array>
#include <string>

#include <openssl/evp.h>

#include "base/text.hpp"
#include "proxy/headers.hpp"
#include "proxy/websocket.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace passerelle::proxy {
namespace {

constexpr std::array<std::string_view, 1> kOurs = {"passerelle-"};

/// By another way than websocket.cpp's: what the key must be answered with.
std::string answer_to(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  REQUIRE(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) == 1);
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (unsigned int at = 0; at < size; at += 3) {
    std::uint32_t bits = 0;
    for (unsigned int more = 0; more < 3; ++more)
      bits = bits << 8U | (at + more < size ? digest[at + more] : 0U);
    for (unsigned int digit = 0; digit < 4; ++digit)
      out += at + digit > size ? '=' : kDigits[bits >> (18 - 6 * digit) & 63U];
  }
  return out;
}

/// How often a field of that name stands in a head that we wrote.
int count_of(std::string_view head, std::string_view name) {
  int count = 0;
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;
       at = head.find("\r\n", at + 2))
    count += text::iequals(head.substr(at + 2, name.size() + 1), std::string(name) + ":") ? 1 : 0;
  return count;
}

bool has_line(std::string_view head, std::string_view line) {
  return head.find("\r\n" + std::string(line) + "\r\n") != std::string_view::npos;
}

/// What goes up for a request that was let through.
void require_asked_well(const RequestHead& head) {
  const Client client = {"192.0.2.1", "http", head.host().empty() ? "h" : head.host(), "80"};
  ToUpstream wish{};
  wish.client = client;
  wish.own_cookies = kOurs;
  std::string sent(kMostHead + 4096, '\0');
  sent.resize(build_upstream_head(head, wish, sent));
  REQUIRE(!sent.empty());
  const bool upgrade = head.upgrade_websocket();
  REQUIRE(has_line(sent, "Connection: Upgrade") == upgrade);
  REQUIRE(has_line(sent, "Upgrade: websocket") == upgrade);
  REQUIRE(count_of(sent, "Upgrade") == (upgrade ? 1 : 0));
  if (!upgrade) return;
  REQUIRE(head.method() == "GET");
  REQUIRE(head.minor_version() == 1);
  REQUIRE(!head.has_body());
  REQUIRE(is_valid_key(head.value(FieldId::sec_websocket_key)));
  REQUIRE(count_of(sent, "Sec-WebSocket-Key") == 1);
  REQUIRE(count_of(sent, "Sec-WebSocket-Version") <= 1);
}

void require_accepted_well(std::string_view key, std::string_view accept) {
  REQUIRE(accepts_key(accept, key) == (key.size() == 24 && accept == answer_to(key)));
  if (key.size() == 24) REQUIRE(accepts_key(answer_to(key), key));
}

void run(std::string_view input) {
  std::string bytes(input);
  RequestHead head;
  const Scan scan = scan_request(bytes, 0, head, 2);
  if (scan.state != Scan::State::complete || head.asterisk()) return;
  require_asked_well(head);
  std::string said(bytes.substr(scan.used));
  const Asked asked{head.is_head(), head.upgrade_websocket()};
  ResponseHead answer;
  const Scan heard = scan_response(said, 0, asked, answer);
  if (heard.state != Scan::State::complete || answer.status() != 101) return;
  REQUIRE(head.upgrade_websocket());
  const std::string_view key = head.value(FieldId::sec_websocket_key);
  require_accepted_well(key, answer.value(FieldId::sec_websocket_accept));
  std::string sent(kMostHead + 4096, '\0');
  const ToClient wish{.own_cookies = kOurs};
  sent.resize(build_client_head(answer, wish, sent));
  REQUIRE(has_line(sent, "Connection: Upgrade"));
  REQUIRE(has_line(sent, "Upgrade: websocket"));
  REQUIRE(count_of(sent, "Sec-WebSocket-Accept") <= 1);
  REQUIRE(count_of(sent, "Content-Length") == 0);
  REQUIRE(count_of(sent, "Transfer-Encoding") == 0);
}

}  // namespace
}  // namespace passerelle::proxy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  passerelle::proxy::run(passerelle::fuzz::text_of(data, size));
  return 0;
}
