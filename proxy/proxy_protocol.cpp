#include "proxy/proxy_protocol.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <arpa/inet.h>

#include "proxy/trusted.hpp"

namespace passerelle::proxy {
namespace {

using State = ProxyHeader::State;

constexpr std::string_view kVersion1 = "PROXY ";
constexpr std::string_view kVersion2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kMostVersion1 = 107;  // with the line's end

ProxyHeader refused(std::string_view reason) {
  return {State::refused, 0, reason, {}};
}

ProxyHeader complete(std::size_t used, std::string address) {
  return {State::complete, used, {}, std::move(address)};
}

/// One of both begins with the other: more bytes may still make it this one.
bool may_become(std::string_view bytes, std::string_view wanted) noexcept {
  const std::size_t common = std::min(bytes.size(), wanted.size());
  return bytes.substr(0, common) == wanted.substr(0, common);
}

std::string text_of(const AddressBytes& address) {
  constexpr AddressBytes kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  char text[INET6_ADDRSTRLEN] = {};
  if (std::equal(address.begin(), address.begin() + 12, kMapped.begin()))
    inet_ntop(AF_INET, address.data() + 12, text, sizeof text);
  else
    inet_ntop(AF_INET6, address.data(), text, sizeof text);
  return text;
}

// --- version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 49152 443\r\n"

/// Up to the next blank; false when there is nothing before it.
bool take_word(std::string_view& line, std::string_view& word) noexcept {
  const std::size_t blank = std::min(line.find(' '), line.size());
  word = line.substr(0, blank);
  line.remove_prefix(std::min(blank + 1, line.size()));
  return !word.empty();
}

bool is_port(std::string_view digits) noexcept {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole && value <= 65535 && (digits.front() != '0' || digits.size() == 1);
}

ProxyHeader scan_version1(std::string_view bytes) {
  const std::string_view window = bytes.substr(0, kMostVersion1);
  const std::size_t end = window.find("\r\n");
  if (end == std::string_view::npos) {
    if (window.size() == kMostVersion1) return refused("PROXY line is too long");
    return {};
  }
  std::string_view line = window.substr(kVersion1.size(), end - kVersion1.size());
  std::string_view family, source, target, from_port, to_port;
  take_word(line, family);
  if (family == "UNKNOWN") return complete(end + 2, {});
  const bool v6 = family == "TCP6";
  if (!v6 && family != "TCP4") return refused("PROXY line names no family that we know");
  const bool four = take_word(line, source) && take_word(line, target) &&
                    take_word(line, from_port) && line.find(' ') == std::string_view::npos &&
                    take_word(line, to_port);
  if (!four || !is_port(from_port) || !is_port(to_port)) return refused("PROXY line is malformed");
  const auto fits = [v6](std::string_view text, AddressBytes& address) {
    return parse_address(text, address) && (text.find(':') != std::string_view::npos) == v6;
  };
  AddressBytes client;
  AddressBytes ignored;
  if (!fits(source, client) || !fits(target, ignored))
    return refused("PROXY line has no addresses");
  return complete(end + 2, text_of(client));
}

// --- version 2: 12 bytes of signature, version and command, family, length, addresses, TLVs

std::size_t number16(std::string_view bytes, std::size_t at) noexcept {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])) << 8U |
         static_cast<unsigned char>(bytes[at + 1]);
}

bool well_formed_tlvs(std::string_view rest) noexcept {
  constexpr std::size_t kTypeAndLength = 3;
  while (!rest.empty()) {
    if (rest.size() < kTypeAndLength) return false;
    const std::size_t length = kTypeAndLength + number16(rest, 1);
    if (rest.size() < length) return false;
    rest.remove_prefix(length);
  }
  return true;
}

struct Family {
  unsigned char code;
  std::size_t addresses;  ///< Bytes of both ends together.
};
constexpr Family kFamilies[] = {{0x00, 0}, {0x11, 12}, {0x21, 36}, {0x31, 216}};

AddressBytes source_of(std::string_view addresses, bool v6) noexcept {
  AddressBytes address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const std::size_t size = v6 ? 16 : 4;
  std::copy_n(addresses.begin(), size, address.end() - static_cast<std::ptrdiff_t>(size));
  return address;
}

ProxyHeader scan_version2(std::string_view bytes) {
  constexpr std::size_t kFixed = 16;
  if (bytes.size() < kFixed) return {};
  const auto version_and_command = static_cast<unsigned char>(bytes[12]);
  const auto code = static_cast<unsigned char>(bytes[13]);
  const std::size_t length = number16(bytes, 14);
  const bool local = version_and_command == 0x20;
  if (!local && version_and_command != 0x21) return refused("PROXY header of another version");
  if (kFixed + length > kMostProxyHeader) return refused("PROXY header is too long");
  const auto* const family = std::find_if(std::begin(kFamilies), std::end(kFamilies),
                                          [code](const Family& f) { return f.code == code; });
  const bool known = family != std::end(kFamilies);
  if (!local && !known) return refused("PROXY header is not about a TCP or UNIX connection");
  if (!local && length < family->addresses) return refused("PROXY header is too short");
  if (bytes.size() < kFixed + length) return {};
  const std::string_view rest = bytes.substr(kFixed, length);
  if (local)
    return complete(kFixed + length, {});  // its addresses are to be ignored, whatever they are
  if (!well_formed_tlvs(rest.substr(family->addresses)))
    return refused("PROXY header has malformed extensions");
  const bool numeric = code == 0x11 || code == 0x21;
  return complete(kFixed + length,
                  numeric ? text_of(source_of(rest, code == 0x21)) : std::string());
}

}  // namespace

ProxyHeader scan_proxy_header(std::string_view bytes) {
  if (may_become(bytes, kVersion1))
    return bytes.size() < kVersion1.size() ? ProxyHeader{} : scan_version1(bytes);
  if (!may_become(bytes, kVersion2)) return refused("no PROXY header");
  return bytes.size() < kVersion2.size() ? ProxyHeader{} : scan_version2(bytes);
}

}  // namespace passerelle::proxy
