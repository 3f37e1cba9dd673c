// Paths: canonical once is canonical for ever, and as a slow, plain implementation has it; the
// route table finds what a search through all prefixes finds.
#include "proxy/path.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "proxy/route_table.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace passerelle::proxy {
namespace {

constexpr std::size_t kGuarded = 2;

/// "." and ".." however they are spelt; everything else as it is.
std::string plain_dots(std::string segment) {
  for (std::size_t at = 0; (at = segment.find('%', at)) != std::string::npos; ++at) {
    if (text::iequals(segment.substr(at, 3), "%2e")) segment.replace(at, 3, ".");
  }
  return segment;
}

std::string slow_canonical(std::string_view path) {
  std::vector<std::string> kept;
  const std::vector<std::string_view> segments = text::split(path.substr(1), '/');
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::string dots = plain_dots(std::string(segments[i]));
    const bool last = i + 1 == segments.size();
    if (dots == ".." && !kept.empty()) kept.pop_back();
    if (dots != "." && dots != "..") kept.emplace_back(segments[i]);
    if (last && (dots == "." || dots == "..")) kept.emplace_back();
  }
  std::string out;
  for (const std::string& segment : kept) out += "/" + segment;
  return out;
}

const std::vector<std::string>& prefixes() {
  static const std::vector<std::string> all = {
      "/", "/a/", "/a/b/", "/user/alice/", "/user/al/", "/user/alice/x/", "/user/\xc3\xa9/", "/ /"};
  return all;
}

const RouteTable& table() {
  static const RouteTable& filled = *[] {
    static RouteTable routes;
    for (const std::string& prefix : prefixes()) {
      auto route = std::make_shared<Route>();
      route->prefix = prefix;
      routes.add(std::move(route));
    }
    return &routes;
  }();
  return filled;
}

/// Decodes up to the first escaped slash; a whole path also counts with a slash behind it.
std::string slow_match(const std::string& path) {
  std::string decoded;
  bool whole = true;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      decoded += path[i];
      continue;
    }
    const std::string byte = text::percent_decode(path.substr(i, 3)).value();
    whole = byte != "/";
    if (!whole) break;
    decoded += byte;
    i += 2;
  }
  if (whole && !decoded.ends_with('/')) decoded += '/';
  std::string best;
  for (const std::string& prefix : prefixes()) {
    if (decoded.starts_with(prefix) && prefix.size() > best.size()) best = prefix;
  }
  return best;
}

void run(std::string_view input) {
  std::string path(input);
  const CanonicalPath result = canonicalise(path, kGuarded);
  if (!result.refusal.empty()) return;
  REQUIRE(result.size >= 1 && result.size <= input.size());
  const std::string canonical = path.substr(path.size() - result.size);
  REQUIRE(canonical == slow_canonical(input));
  std::string again = canonical;
  REQUIRE(canonicalise(again, kGuarded).size == canonical.size());
  REQUIRE(again == canonical);
  const auto& route = table().match(canonical);
  REQUIRE(route != nullptr);
  REQUIRE(route->prefix == slow_match(canonical));
}

}  // namespace
}  // namespace passerelle::proxy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  passerelle::proxy::run(passerelle::fuzz::text_of(data, size));
  return 0;
}
