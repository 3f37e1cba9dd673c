// A request as HTTP/2 says it: the HTTP/1.1 head that it becomes is one head and no more, says the
// same, and frames its body as the border does. Fields are separated by RS, name and value by US.
#include "proxy/http2_request.hpp"

#include <algorithm>
#include <string>

#include "base/text.hpp"
#include "proxy/head.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace passerelle::proxy {
namespace {

constexpr std::string_view kKey = "AAAAAAAAAAAAAAAAAAAAAA==";

std::size_t lines_of(std::string_view head) {
  return static_cast<std::size_t>(std::ranges::count(head, '\n'));
}

void require_one_head(const Http2Request& request, bool has_body, std::size_t fields) {
  std::string bytes = request.http1_head(has_body, kKey);
  // Ours: the request line, Host, three of an upgrade or one of a length, the empty one.
  REQUIRE(lines_of(bytes) <= fields + 6);
  REQUIRE(bytes.find("\r\n\r\n") == bytes.size() - 4);
  RequestHead head;
  const Scan scan = scan_request(bytes, 0, head, 2);
  REQUIRE(scan.state != Scan::State::incomplete);
  if (scan.state != Scan::State::complete) return;
  REQUIRE(scan.used == bytes.size());
  REQUIRE(text::iequals(head.host(), request.host()));
  REQUIRE(head.minor_version() == 1);
  REQUIRE(head.method() == (request.websocket() ? "GET" : request.method()));
  REQUIRE(head.chunked() == (has_body && !request.has_length() && !request.websocket()));
  REQUIRE(head.upgrade_websocket() <= request.websocket());
  REQUIRE(head.content_length().has_value() || !request.has_length());
}

void run(std::string_view input) {
  const bool has_body = !input.empty() && input.front() == 'b';
  if (!input.empty()) input.remove_prefix(1);
  Http2Request request;
  std::size_t fields = 0;
  while (!input.empty()) {
    const std::string_view field = input.substr(0, input.find('\x1e'));
    input.remove_prefix(std::min(input.size(), field.size() + 1));
    const std::size_t name = std::min(field.find('\x1f'), field.size());
    const std::string_view value = field.substr(std::min(name + 1, field.size()));
    if (!request.add(field.substr(0, name), value)) return;
    ++fields;
  }
  if (request.verdict() == 0) require_one_head(request, has_body && !request.websocket(), fields);
}

}  // namespace
}  // namespace passerelle::proxy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  passerelle::proxy::run(passerelle::fuzz::text_of(data, size));
  return 0;
}
