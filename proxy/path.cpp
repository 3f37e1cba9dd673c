// Checks a path and resolves its dot segments where it stands.
#include "proxy/path.hpp"

#include <array>
#include <cstring>

#include "base/text.hpp"

namespace passerelle::proxy {

namespace {

constexpr std::size_t kMostGuarded = 1024;  // Decoded bytes of a guarded segment that has escapes.

int hex(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

struct Facts {
  std::string_view refusal;
  bool escapes = false;
  bool dots = false;  // There may be a dot segment.
};

/// Bytes that need no second look. A dot does only behind a slash, so the slash is looked at.
constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> plain{};
  for (unsigned c = '!'; c < 0x7f; ++c) plain[c] = true;
  for (const char c : std::string_view("\\#%/")) plain[static_cast<unsigned char>(c)] = false;
  return plain;
}
constexpr auto kPlain = make_plain();

Facts check(std::string_view path) noexcept {
  Facts facts;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (kPlain[static_cast<unsigned char>(c)]) continue;
    if (c == '/') {
      facts.dots |= i + 1 < path.size() && path[i + 1] == '.';
    } else if (c == '%') {
      if (path.size() - i < 3) return {"a path has a broken escape"};
      const int high = hex(path[i + 1]);
      const int low = hex(path[i + 2]);
      if (high < 0 || low < 0) return {"a path has a broken escape"};
      if (high == 0 && low == 0) return {"a path has an escaped NUL"};
      facts.escapes = true;
      facts.dots |= high == 2 && low == 14;
    } else {
      return {c == '\\'  ? "a path has a backslash"
              : c == '#' ? "a request target has a fragment"
                         : "a path has a byte that must be escaped"};
    }
  }
  return facts;
}

/// 1 for ".", 2 for "..", in any spelling; 0 for everything else.
int dot_segment(std::string_view segment) noexcept {
  int dots = 0;
  while (!segment.empty() && dots < 3) {
    if (segment.front() == '.') {
      segment.remove_prefix(1);
    } else if (segment.size() >= 3 && segment[0] == '%' && segment[1] == '2' &&
               (segment[2] | 0x20) == 'e') {
      segment.remove_prefix(3);
    } else {
      return 0;
    }
    ++dots;
  }
  return segment.empty() && dots < 3 ? dots : 0;
}

/// RFC 3986, 5.2.4, and the URL standard where it is wider. What is written never overtakes what is
/// read.
std::size_t remove_dots(std::span<char> path) noexcept {
  const std::string_view all(path.data(), path.size());
  std::size_t written = 0;
  std::size_t read = 0;
  while (read < all.size()) {
    const std::size_t next = std::min(all.find('/', read + 1), all.size());
    const std::string_view segment = all.substr(read + 1, next - read - 1);
    const int dots = dot_segment(segment);
    if (dots == 0) {
      std::memmove(path.data() + written, path.data() + read, next - read);
      written += next - read;
    } else {
      if (dots == 2 && written > 0) written = all.substr(0, written).rfind('/');
      if (next == all.size()) path[written++] = '/';
    }
    read = next;
  }
  return written;
}

std::string_view refuse_guarded(std::string_view segment) noexcept {
  std::array<char, kMostGuarded> decoded;
  std::size_t size = 0;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (size == decoded.size()) return "the first part of a path is too long";
    if (segment[i] != '%') {
      decoded[size++] = segment[i];
      continue;
    }
    const int byte = hex(segment[i + 1]) * 16 + hex(segment[i + 2]);
    if (byte == '/' || byte == '\\') return "the first part of a path has an escaped slash";
    if (byte < ' ' || byte == 0x7f)
      return "the first part of a path has an escaped control character";
    decoded[size++] = static_cast<char>(byte);
    i += 2;
  }
  const bool utf8 = text::is_utf8({decoded.data(), size});
  return utf8 ? std::string_view() : "the first part of a path is not UTF-8";
}

std::string_view check_guarded(std::string_view path, std::size_t segments) noexcept {
  for (std::size_t i = 0; i < segments && !path.empty(); ++i) {
    const std::size_t next = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(1, next - 1);
    if (segment.find('%') != std::string_view::npos) {
      const std::string_view refusal = refuse_guarded(segment);
      if (!refusal.empty()) return refusal;
    }
    path.remove_prefix(next);
  }
  return {};
}

}  // namespace

CanonicalPath canonicalise(std::span<char> path, std::size_t guarded_segments) noexcept {
  if (path.empty() || path.front() != '/') return {0, "a path does not begin with a slash"};
  const Facts facts = check({path.data(), path.size()});
  if (!facts.refusal.empty()) return {0, facts.refusal};
  std::size_t size = path.size();
  if (facts.dots) {
    size = remove_dots(path);
    std::memmove(path.data() + path.size() - size, path.data(), size);
  }
  if (facts.escapes) {
    const std::string_view refusal =
        check_guarded({path.data() + path.size() - size, size}, guarded_segments);
    if (!refusal.empty()) return {0, refusal};
  }
  return {size, {}};
}

}  // namespace passerelle::proxy
