// Cookies: found as a slow, plain implementation finds them; ours never go upstream, others always
// do, in order. The input is what stands in the Cookie lines.
#include "proxy/cookies.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "proxy/headers.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace passerelle::proxy {
namespace {

constexpr std::string_view kSession = "passerelle-session";
constexpr std::array<std::string_view, 2> kOurs = {"passerelle-", "__Host-passerelle-"};

std::vector<std::string> pairs_of(const RequestHead& head) {
  std::vector<std::string> pairs;
  for (std::size_t i = 0; i < head.fields().size(); ++i) {
    if (head.fields().id(i) != FieldId::cookie) continue;
    for (const std::string_view part : text::split(head.fields()[i].value, ';')) {
      if (!text::trim(part).empty()) pairs.emplace_back(text::trim(part));
    }
  }
  return pairs;
}

std::string name_of(const std::string& pair) {
  return std::string(text::trim(pair.substr(0, pair.find('='))));
}

void require_found(const RequestHead& head, const std::vector<std::string>& pairs) {
  const auto named = std::count_if(pairs.begin(), pairs.end(), [](const std::string& pair) {
    return name_of(pair) == kSession;
  });
  const CookieSearch search = find_cookie(head, kSession);
  REQUIRE((search.state == CookieSearch::State::absent) == (named == 0));
  REQUIRE((search.state == CookieSearch::State::found) == (named == 1));
  REQUIRE((search.state == CookieSearch::State::ambiguous) == (named > 1));
}

void require_sent(const RequestHead& head, const std::vector<std::string>& pairs) {
  const ToUpstream wish = {{"192.0.2.1", "http", "h", "80"}, {}, kOurs, false};
  std::string sent(2 * kMostHead, '\0');
  sent.resize(build_upstream_head(head, wish, sent));
  RequestHead again;
  const Scan scan = scan_request(sent, 0, again);
  if (scan.status == 431) return;
  REQUIRE(scan.state == Scan::State::complete);
  std::vector<std::string> expected;
  for (const std::string& pair : pairs) {
    // A browser sends "=name=x" for a cookie without a name; a server may read the name out of its
    // value.
    const std::size_t start = pair.find_first_not_of("= \t");
    const std::string bare = start == std::string::npos ? "" : pair.substr(start);
    if (!bare.starts_with(kOurs[0]) && !bare.starts_with(kOurs[1])) expected.push_back(pair);
  }
  REQUIRE(pairs_of(again) == expected);
}

void run(std::string_view input) {
  std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\nCookie: ";
  for (const char c : input) bytes += c == '\n' ? std::string("\r\nCookie: ") : std::string(1, c);
  bytes += "\r\n\r\n";
  RequestHead head;
  if (scan_request(bytes, 0, head).state != Scan::State::complete) return;
  const std::vector<std::string> pairs = pairs_of(head);
  require_found(head, pairs);
  require_sent(head, pairs);
}

}  // namespace
}  // namespace passerelle::proxy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  passerelle::proxy::run(passerelle::fuzz::text_of(data, size));
  return 0;
}
