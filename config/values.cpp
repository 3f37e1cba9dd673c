#include "config/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>

#include <arpa/inet.h>

#include "base/text.hpp"
#include "config/problem.hpp"

namespace passerelle::config {
namespace {

Error invalid(std::string message) {
  return Error(Errc::invalid, std::move(message));
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The digits at the front as a number; they are removed. Nothing without a digit or above 18 of
/// them.
std::optional<std::uint64_t> take_digits(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  if (count == 0 || count > 18) return std::nullopt;
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + count, number);
  text.remove_prefix(count);
  return number;
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  const auto number = take_digits(text);
  return text.empty() ? number : std::nullopt;
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::array<Unit, 4> kTimes{{{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}}};
constexpr std::array<Unit, 8> kSizes{{{"T", 1'000'000'000'000},
                                      {"Ti", 1ULL << 40U},
                                      {"G", 1'000'000'000},
                                      {"Gi", 1ULL << 30U},
                                      {"M", 1'000'000},
                                      {"Mi", 1ULL << 20U},
                                      {"K", 1000},
                                      {"Ki", 1ULL << 10U}}};

/// Exactly `count` digits at the front; they are removed.
std::optional<int> take_field(std::string_view& text, std::size_t count) {
  if (text.size() < count ||
      !std::all_of(text.begin(), text.begin() + static_cast<long>(count), is_digit)) {
    return std::nullopt;
  }
  int number = 0;
  std::from_chars(text.data(), text.data() + count, number);
  text.remove_prefix(count);
  return number;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::chrono::sys_days> take_day(std::string_view& text) {
  const auto year = take_field(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_field(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_field(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *year < 2000 || *year > 9998) return std::nullopt;
  return std::chrono::sys_days(date);
}

std::optional<seconds> take_time(std::string_view& text) {
  const auto hour = take_field(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  const auto minute = take_field(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  int second = 0;
  if (take(text, ':')) {
    const auto given = take_field(text, 2);
    if (!given || *given > 59) return std::nullopt;
    second = *given;
  }
  return std::chrono::hours(*hour) + std::chrono::minutes(*minute) + seconds(second);
}

std::optional<seconds> take_zone(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z')) return seconds(0);
  const int sign = text.starts_with('-') ? -1 : 1;
  if (!take(text, '+') && !take(text, '-')) return std::nullopt;
  const auto hour = take_field(text, 2);
  if (!hour || *hour > 14) return std::nullopt;
  take(text, ':');
  const auto minute = take_field(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  return sign * (std::chrono::hours(*hour) + std::chrono::minutes(*minute));
}

/// The address in network order: 4 or 16 bytes; empty if it is none.
std::string address_bytes(const std::string& text) {
  std::array<char, 16> bytes{};
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 4);
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 16);
  return {};
}

std::string address_text(const std::string& bytes) {
  std::array<char, INET6_ADDRSTRLEN> out{};
  inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), out.data(), out.size());
  return out.data();
}

std::string masked(std::string bytes, std::size_t bits) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t kept = std::clamp<std::size_t>(bits > i * 8 ? bits - i * 8 : 0, 0, 8);
    const unsigned mask = (0xFF00U >> kept) & 0xFFU;
    bytes[i] = static_cast<char>(static_cast<unsigned char>(bytes[i]) & mask);
  }
  return bytes;
}

using Rgb = std::array<int, 3>;

/// WCAG 2.2, relative luminance, then the contrast to white.
double contrast_to_white(const Rgb& colour) {
  constexpr std::array<double, 3> kWeight{0.2126, 0.7152, 0.0722};
  double luminance = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const double c = colour[i] / 255.0;
    luminance += kWeight[i] * (c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4));
  }
  return 1.05 / (luminance + 0.05);
}

std::string colour_text(const Rgb& colour) {
  std::array<char, 8> out{};
  std::snprintf(out.data(), out.size(), "#%02x%02x%02x", colour[0] & 0xFF, colour[1] & 0xFF,
                colour[2] & 0xFF);
  return out.data();
}

/// The same hue, darkened until white text can be read on it.
Rgb darkened(Rgb colour) {
  while (contrast_to_white(colour) < 4.5) {
    for (int& part : colour) part = part * 95 / 100;
  }
  return colour;
}

std::optional<Rgb> read_colour(std::string_view text) {
  if (!text.starts_with('#') || (text.size() != 4 && text.size() != 7)) return std::nullopt;
  const std::size_t width = text.size() == 7 ? 2 : 1;
  Rgb colour{};
  for (std::size_t i = 0; i < 3; ++i) {
    const char* begin = text.data() + 1 + i * width;
    const auto read = std::from_chars(begin, begin + width, colour[i], 16);
    if (read.ec != std::errc() || read.ptr != begin + width || *begin == '-') return std::nullopt;
    if (width == 1) colour[i] *= 17;
  }
  return colour;
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  for (const std::string_view label : text::split(host, '.')) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
      return false;
    const bool fine = std::all_of(label.begin(), label.end(), [](char c) {
      return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    });
    if (!fine) return false;
  }
  return true;
}

bool is_port(std::string_view text) {
  const auto port = whole_number(text);
  return port && *port > 0 && *port <= 65535;
}

/// "host", "host:port", "[::1]:port"; the host without brackets, or nothing.
std::optional<std::string> host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string host(authority.substr(1, end - 1));
    const std::string_view rest = authority.substr(end + 1);
    if (address_bytes(host).size() != 16) return std::nullopt;
    if (!rest.empty() && (!rest.starts_with(':') || !is_port(rest.substr(1)))) return std::nullopt;
    return host;
  }
  const std::size_t colon = authority.find(':');
  if (colon != std::string_view::npos && !is_port(authority.substr(colon + 1))) return std::nullopt;
  const std::string_view host = authority.substr(0, colon);
  if (!is_host_name(host)) return std::nullopt;
  return std::string(host);
}

/// A path we can be mounted below: plain segments, none empty or of dots only.
bool is_plain_path(std::string_view path) {
  for (const std::string_view segment : text::split(path, '/')) {
    if (segment.empty() || segment == "." || segment == "..") return false;
    const bool fine = std::all_of(segment.begin(), segment.end(), [](char c) {
      return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
             c == '_' || c == '.' || c == '~';
    });
    if (!fine) return false;
  }
  return true;
}

}  // namespace

Result<seconds> parse_duration(std::string_view text) {
  if (whole_number(text)) {
    return invalid("the duration " + shown(text) + " has no unit; write for example `" +
                   std::string(text) + "s` or `" + std::string(text) + "m` (units: d, h, m, s)");
  }
  const Error wrong = invalid(shown(text) +
                              " is no duration; write whole numbers with units, larger ones first, "
                              "such as `30m`, `2h30m`, `45s` or `7d`");
  std::uint64_t total = 0;
  std::size_t next = 0;  // Units only from here on: larger ones first, none twice.
  std::string_view rest = text;
  if (rest.empty()) return wrong;
  while (!rest.empty()) {
    const auto number = take_digits(rest);
    if (!number || *number > 400'000'000) return wrong;
    while (next < kTimes.size() && !rest.starts_with(kTimes[next].name)) ++next;
    if (next == kTimes.size()) return wrong;
    total += *number * kTimes[next].factor;
    rest.remove_prefix(1);
    ++next;
  }
  if (total > 3660ULL * 86400)
    return invalid(shown(text) + " is longer than ten years; write less");
  return seconds(static_cast<seconds::rep>(total));
}

std::string duration_text(seconds duration) {
  auto rest = static_cast<std::uint64_t>(std::max<seconds::rep>(duration.count(), 0));
  std::string out;
  for (const Unit& unit : kTimes) {
    if (rest >= unit.factor) out += std::to_string(rest / unit.factor) + std::string(unit.name);
    rest %= unit.factor;
  }
  return out.empty() ? "0s" : out;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  if (whole_number(text)) {
    return invalid("the size " + shown(text) + " has no unit; write for example `" +
                   std::string(text) +
                   "MiB` (units: K, M, G, T and Ki, Mi, Gi, Ti, with or without B)");
  }
  const Error wrong = invalid(
      shown(text) + " is no size; write a number with a unit, such as `2GiB`, `512M` or `1.5G`");
  double number = 0;
  if (text.empty() || !is_digit(text.front())) return wrong;
  const auto read =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (read.ec != std::errc()) return wrong;
  std::string_view unit(read.ptr, static_cast<std::size_t>(text.data() + text.size() - read.ptr));
  if (unit.ends_with('B') || unit.ends_with('b')) unit.remove_suffix(1);
  for (const Unit& known : kSizes) {
    if (!text::iequals(unit, known.name)) continue;
    const double bytes = std::round(number * static_cast<double>(known.factor));
    if (bytes > 1e15) return invalid(shown(text) + " is more than any machine has; write less");
    return static_cast<std::uint64_t>(bytes);
  }
  return wrong;
}

std::string size_text(std::uint64_t bytes) {
  const Unit* best = nullptr;
  for (const Unit& unit : kSizes) {
    if (bytes % unit.factor == 0 && bytes > 0 && (best == nullptr || unit.factor > best->factor))
      best = &unit;
  }
  if (best != nullptr) return std::to_string(bytes / best->factor) + std::string(best->name) + "B";
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), "%.3fKB", static_cast<double>(bytes) / 1000.0);
  return out.data();
}

Result<Instant> parse_moment(std::string_view text) {
  const Error wrong = invalid(shown(text) +
                              " is no moment; write a day such as `2026-12-01` (until its end, "
                              "UTC), or a time with its zone such as `2026-12-01T18:00:00+01:00`");
  std::string_view rest = text;
  const auto day = take_day(rest);
  if (!day) return wrong;
  if (rest.empty()) return Instant(*day + std::chrono::days(1));
  if (!take(rest, 'T') && !take(rest, 't') && !take(rest, ' ')) return wrong;
  const auto time = take_time(rest);
  if (!time) return wrong;
  if (rest.empty()) {
    return invalid("the time " + shown(text) +
                   " has no zone; write `Z` for UTC or an offset such as `+01:00` behind it");
  }
  const auto zone = take_zone(rest);
  if (!zone || !rest.empty()) return wrong;
  return Instant(*day + *time - *zone);
}

Result<std::uint64_t> parse_count(std::string_view text) {
  const auto number = whole_number(text);
  if (!number) return invalid(shown(text) + " is no whole number; write digits only, such as `10`");
  return *number;
}

Result<double> parse_number(std::string_view text) {
  double number = 0;
  const auto read =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (text.empty() || !is_digit(text.front()) || read.ec != std::errc() ||
      read.ptr != text.data() + text.size()) {
    return invalid(shown(text) + " is no number; write digits with a point, such as `1.5`");
  }
  return number;
}

Result<bool> parse_boolean(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  for (const std::string_view yes : {"yes", "on", "true", "y", "1", "oui"}) {
    if (text::iequals(text, yes))
      return invalid(shown(text) + " is neither true nor false; write `true`");
  }
  for (const std::string_view no : {"no", "off", "false", "n", "0", "non"}) {
    if (text::iequals(text, no))
      return invalid(shown(text) + " is neither true nor false; write `false`");
  }
  return invalid(shown(text) + " is neither true nor false; write `true` or `false`");
}

Result<Listen> parse_listen(std::string_view text) {
  if (whole_number(text)) {
    return invalid(
        "the address is missing before the port; write `\"127.0.0.1:" + std::string(text) +
        "\"` (only this machine) or `\"0.0.0.0:" + std::string(text) + "\"` (everybody)");
  }
  const std::size_t colon = text.rfind(':');
  const bool split =
      colon != std::string_view::npos && (text.find(':') == colon || text.starts_with('['));
  const auto port = split ? whole_number(text.substr(colon + 1)) : std::nullopt;
  if (!port || *port > 65535) {
    return invalid(
        shown(text) +
        " is no address with a port; write for example `\"127.0.0.1:8000\"` or `\"[::1]:8000\"`");
  }
  std::string address(text.substr(0, colon));
  if (address.empty() || address == "*") {
    return invalid(
        "the address is missing before the port; write `\"127.0.0.1:" + std::to_string(*port) +
        "\"` (only this machine) or `\"0.0.0.0:" + std::to_string(*port) + "\"` (everybody)");
  }
  if (address.front() == '[' && address.back() == ']')
    address = address.substr(1, address.size() - 2);
  if (text::iequals(address, "localhost")) {
    return invalid("a name is not looked up here; write `\"127.0.0.1:" + std::to_string(*port) +
                   "\"`");
  }
  if (address_bytes(address).empty()) {
    return invalid(shown(address) + " is no IP address; write one, such as `\"127.0.0.1:" +
                   std::to_string(*port) + "\"`");
  }
  Listen listen;
  listen.address = address_text(address_bytes(address));
  listen.port = static_cast<std::uint16_t>(*port);
  return listen;
}

std::string listen_text(const Listen& listen) {
  const bool six = listen.address.find(':') != std::string::npos;
  return (six ? "[" + listen.address + "]" : listen.address) + ':' + std::to_string(listen.port);
}

bool is_loopback(const Listen& listen) {
  return listen.address.starts_with("127.") || listen.address == "::1";
}

Result<std::string> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string bytes = address_bytes(std::string(text.substr(0, slash)));
  const std::size_t most = bytes.size() * 8;
  const auto bits = slash == std::string_view::npos ? std::optional<std::uint64_t>(most)
                                                    : whole_number(text.substr(slash + 1));
  if (bytes.empty() || !bits || *bits > most) {
    return invalid(shown(text) +
                   " is no network; write for example `10.0.0.0/8`, `192.168.1.7` or `fd00::/8`");
  }
  const std::string network = address_text(masked(bytes, *bits)) + '/' + std::to_string(*bits);
  if (masked(bytes, *bits) != bytes) {
    return invalid(shown(text) + " has bits beyond its length; write `" + network +
                   "` for the network, or the address alone");
  }
  return network;
}

Result<std::string> parse_colour(std::string_view text) {
  const auto colour = read_colour(text);
  if (!colour) return invalid(shown(text) + " is no colour; write it in quotes as `\"#1f5fbf\"`");
  const double contrast = contrast_to_white(*colour);
  if (contrast < 4.5) {
    std::array<char, 16> ratio{};
    std::snprintf(ratio.data(), ratio.size(), "%.1f", contrast);
    return invalid(shown(text) + " is too light for white text on it (contrast " + ratio.data() +
                   " to 1, at least 4.5 is needed); write for example `\"" +
                   colour_text(darkened(*colour)) + "\"`");
  }
  return colour_text(*colour);
}

Result<PublicUrl> parse_public_url(std::string_view text) {
  PublicUrl url;
  // Before anything else: what stands before the @ could be a password, and other messages show the
  // text.
  if (text.find('@') != std::string_view::npos)
    return invalid("no user or password belongs into this address; remove what stands before `@`");
  const std::size_t end = text.find("://");
  url.scheme = end == std::string_view::npos ? "" : text::ascii_lower(text.substr(0, end));
  if (url.scheme != "https" && url.scheme != "http") {
    return invalid(shown(text) +
                   " does not begin with `https://` (or `http://`); write the address people type, "
                   "such as `https://jupyter.example.fr`");
  }
  const std::string_view rest = text.substr(end + 3);
  if (rest.find_first_of("?#") != std::string_view::npos)
    return invalid("an address ends before `?` and `#`; remove them");
  const std::size_t slash = rest.find('/');
  const auto host = host_of(rest.substr(0, slash));
  if (!host) {
    return invalid(shown(rest.substr(0, slash)) +
                   " is no host name with an optional port; write for example `jupyter.example.fr` "
                   "or `127.0.0.1:8000`");
  }
  url.host = *host;
  std::string_view path =
      slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  if (path.ends_with('/')) path.remove_suffix(1);
  if (!path.empty() && !is_plain_path(path)) {
    return invalid("the path " + shown(path) +
                   " may only hold letters, digits, `-`, `_`, `.`, `~` between single slashes; "
                   "write for example `/jupyter/`");
  }
  url.base_url = path.empty() ? "/" : '/' + std::string(path) + '/';
  return url;
}

Result<PublicUrl> parse_provider_url(std::string_view text) {
  auto url = parse_public_url(text);
  if (!url || url->scheme == "https") return url;
  if (url->host == "::1" || (url->host.starts_with("127.") && address_bytes(url->host).size() == 4))
    return url;
  return invalid(shown(text) +
                 " crosses the network unencrypted, so that anybody on the way could sign in as "
                 "anybody; write `https://`");
}

std::string origin_of(std::string_view public_url) {
  const std::size_t end = public_url.find("://");
  if (end == std::string_view::npos) return {};
  std::string origin =
      text::ascii_lower(public_url.substr(0, public_url.find_first_of("/?#\\", end + 3)));
  const std::string_view usual = origin.starts_with("https") ? ":443" : ":80";
  if (origin.ends_with(usual)) origin.resize(origin.size() - usual.size());
  return origin;
}

Result<std::string> parse_link(std::string_view text) {
  const std::string lower = text::ascii_lower(text);
  const bool path =
      text.starts_with('/') && !text.starts_with("//") && text.find('\\') == std::string_view::npos;
  const bool known =
      lower.starts_with("https://") || lower.starts_with("http://") || lower.starts_with("mailto:");
  if ((!path && !known) || text.find_first_of(" \t\r\n\"<>") != std::string_view::npos) {
    return invalid(shown(text) +
                   " is no link; write `https://...`, `mailto:...` or a path of this site such as "
                   "`/hub/home`");
  }
  return std::string(text);
}

}  // namespace passerelle::config
