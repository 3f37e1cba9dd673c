#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace passerelle::text {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";

bool unreserved(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Length of the valid UTF-8 sequence at `at`, 0 if there is none (RFC 3629: no surrogates, no
// overlong forms).
std::size_t utf8_length(std::string_view raw, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(raw[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + length > raw.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  const unsigned char second = byte(at + 1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
      (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F))
    return 0;
  return length;
}

}  // namespace

std::string html_escape(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (const char c : raw) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  return out;
}

void append_json_string(std::string& out, std::string_view raw) {
  out += '"';
  for (std::size_t i = 0; i < raw.size();) {
    const auto c = static_cast<unsigned char>(raw[i]);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += raw[i++];
    } else if (c < 0x20 || c == 0x7f) {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
      ++i;
    } else if (const std::size_t length = utf8_length(raw, i); length > 0) {
      out.append(raw, i, length);
      i += length;
    } else {
      out += "\xEF\xBF\xBD";
      ++i;
    }
  }
  out += '"';
}

std::string percent_encode(std::string_view raw) {
  std::string out;
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    if (unreserved(byte)) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::optional<std::string> percent_decode(std::string_view encoded, bool plus_is_space) {
  std::string out;
  out.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (encoded[i] != '%') {
      out += encoded[i];
    } else {
      if (i + 2 >= encoded.size()) return std::nullopt;
      const int high = hex_value(encoded[i + 1]);
      const int low = hex_value(encoded[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

std::optional<Form> parse_form(std::string_view body) {
  constexpr std::size_t kMostFields = 256;
  Form form;
  if (body.empty()) return form;
  for (const std::string_view pair : split(body, '&')) {
    if (pair.empty()) continue;
    if (form.size() == kMostFields) return std::nullopt;
    const std::size_t equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), true);
    auto value = percent_decode(
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!name || !value) return std::nullopt;
    form.emplace_back(std::move(*name), std::move(*value));
  }
  return form;
}

std::string_view field(const Form& form, std::string_view name) noexcept {
  for (const auto& [key, value] : form)
    if (key == name) return value;
  return {};
}

bool is_utf8(std::string_view raw) noexcept {
  for (std::size_t i = 0; i < raw.size();) {
    const std::size_t length = utf8_length(raw, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

std::string_view trim(std::string_view raw) noexcept {
  const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!raw.empty() && space(raw.front())) raw.remove_prefix(1);
  while (!raw.empty() && space(raw.back())) raw.remove_suffix(1);
  return raw;
}

std::string ascii_lower(std::string_view raw) {
  std::string out(raw);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

bool iequals(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

std::vector<std::string_view> split(std::string_view raw, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = raw.find(separator);
    parts.push_back(raw.substr(0, at));
    if (at == std::string_view::npos) return parts;
    raw.remove_prefix(at + 1);
  }
}

std::optional<std::string> safe_next(std::string_view raw) {
  constexpr std::size_t kLongest = 2000;
  if (raw.empty() || raw.size() > kLongest || raw[0] != '/') return std::nullopt;
  if (raw.size() > 1 && (raw[1] == '/' || raw[1] == '\\')) return std::nullopt;
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    // A browser drops tab and newline and reads "\" as "/": "/\t/evil" would become "//evil".
    if (byte <= 0x20 || byte == 0x7f || byte >= 0x80 || c == '\\') return std::nullopt;
  }
  // "/.//evil": dot segments are removed by the browser, after which the path starts with two
  // slashes. A path that only *contains* "//" further on is harmless, but one that reaches the
  // front is not; refuse every such path.
  const std::string_view path = raw.substr(0, raw.find_first_of("?#"));
  if (path.find("//") != std::string_view::npos) {
    const auto decoded = percent_decode(path);
    if (!decoded) return std::nullopt;
    for (const std::string_view segment : split(*decoded, '/'))
      if (segment == "." || segment == "..") return std::nullopt;
  }
  return std::string(raw);
}

std::string_view closest(std::string_view word, const std::vector<std::string_view>& known) {
  std::string_view best;
  std::size_t best_distance = word.size() > 8 ? 4 : 3;
  for (const std::string_view candidate : known) {
    if (candidate.size() > 64 || word.size() > 64) continue;
    std::array<std::size_t, 65> row{};
    for (std::size_t j = 0; j <= candidate.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= candidate.size(); ++j) {
        const std::size_t above = row[j];
        row[j] = std::min(
            {row[j] + 1, row[j - 1] + 1, diagonal + (word[i - 1] == candidate[j - 1] ? 0U : 1U)});
        diagonal = above;
      }
    }
    if (row[candidate.size()] < best_distance) {
      best_distance = row[candidate.size()];
      best = candidate;
    }
  }
  return best;
}

}  // namespace passerelle::text
