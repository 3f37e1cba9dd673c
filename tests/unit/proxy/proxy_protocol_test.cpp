// The PROXY protocol: what is read, what is refused, and that a header that drips in is read the
// same.
#include "proxy/proxy_protocol.hpp"

#include <string>

#include <gtest/gtest.h>

namespace passerelle::proxy {
namespace {

using State = ProxyHeader::State;
using std::string_literals::operator""s;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string kIpv4 = "\xc0\0\x02\x07\xc0\0\x02\x01\xc0\0\x01\xbb"s;  // 192.0.2.7 -> 192.0.2.1
const std::string kIpv6 =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
    "\xc0\0\x01\xbb"s;

std::string version2(char command, char family, const std::string& rest) {
  return kSignature + command + family + static_cast<char>(rest.size() >> 8U) +
         static_cast<char>(rest.size() & 0xffU) + rest;
}

/// The whole header, whatever follows it, and however it is cut: always the same answer.
void expect_address(const std::string& header, const std::string& address) {
  for (const std::string& after : {""s, "GET / HTTP/1.1\r\n"s, "\x16\x03\x01"s}) {
    const ProxyHeader whole = scan_proxy_header(header + after);
    EXPECT_EQ(whole.state, State::complete) << whole.reason;
    EXPECT_EQ(whole.used, header.size());
    EXPECT_EQ(whole.address, address);
  }
  for (std::size_t size = 0; size < header.size(); ++size)
    EXPECT_EQ(scan_proxy_header(std::string_view(header).substr(0, size)).state, State::incomplete)
        << size;
}

void expect_refused(const std::string& header) {
  const ProxyHeader scanned = scan_proxy_header(header);
  EXPECT_EQ(scanned.state, State::refused) << header;
  EXPECT_FALSE(scanned.reason.empty());
}

TEST(ProxyProtocol, Version1) {
  expect_address("PROXY TCP4 192.0.2.7 192.0.2.1 49152 443\r\n", "192.0.2.7");
  expect_address("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255");
  expect_address("PROXY TCP6 2001:db8::7 2001:DB8::1 0 443\r\n", "2001:db8::7");
  expect_address("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 443\r\n", "192.0.2.7");
  expect_address("PROXY UNKNOWN\r\n", "");
  expect_address("PROXY UNKNOWN ffff:f...f:ffff whatever it is\r\n", "");
}

TEST(ProxyProtocol, Version1IsStrict) {
  expect_refused("GET / HTTP/1.1\r\n");
  expect_refused("proxy TCP4 192.0.2.7 192.0.2.1 1 443\r\n");
  expect_refused("PROXY\r\n");
  expect_refused("PROXY  TCP4 192.0.2.7 192.0.2.1 1 443\r\n");
  expect_refused("PROXY UDP4 192.0.2.7 192.0.2.1 1 443\r\n");
  expect_refused("PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n");
  expect_refused("PROXY TCP4 192.0.2.7 192.0.2.1 1 443 \r\n");
  expect_refused("PROXY TCP4 192.0.2.7 192.0.2.1 1 443 7\r\n");
  expect_refused("PROXY TCP4 192.0.2.7  192.0.2.1 1 443\r\n");
  expect_refused("PROXY TCP4 192.0.2.7 192.0.2.1  443\r\n");
  expect_refused("PROXY TCP4 192.0.2.007 192.0.2.1 1 443\r\n");
  expect_refused("PROXY TCP4 2001:db8::7 2001:db8::1 1 443\r\n");
  expect_refused("PROXY TCP6 192.0.2.7 192.0.2.1 1 443\r\n");
  expect_refused("PROXY TCP4 192.0.2.7 host 1 443\r\n");
  expect_refused("PROXY TCP4 192.0.2.7 192.0.2.1 01 443\r\n");
  expect_refused("PROXY TCP4 192.0.2.7 192.0.2.1 1 65536\r\n");
  expect_refused("PROXY TCP4 192.0.2.7 192.0.2.1 1 +43\r\n");
  expect_refused("PROXY TCP4 192.0.2.7 192.0.2.1 1 443\n\r\n");
}

TEST(ProxyProtocol, Version1EndsWithin107Bytes) {
  const std::string longest = "PROXY UNKNOWN " + std::string(107 - 16, 'x') + "\r\n";
  expect_address(longest, "");
  expect_refused("PROXY UNKNOWN " + std::string(107 - 15, 'x') + "\r\n");
  expect_refused("PROXY UNKNOWN " + std::string(107 - 14, 'x'));
}

TEST(ProxyProtocol, Version2) {
  expect_address(version2('\x21', '\x11', kIpv4), "192.0.2.7");
  expect_address(version2('\x21', '\x21', kIpv6), "2001:db8::7");
  expect_address(version2('\x21', '\x31', std::string(216, '\0')), "");  // a Unix socket
  expect_address(version2('\x21', '\0', ""), "");
  expect_address(version2('\x20', '\0', ""), "");       // LOCAL: a health check
  expect_address(version2('\x20', '\x11', kIpv4), "");  // its addresses are to be ignored
  expect_address(version2('\x20', '\x77', "any"), "");
}

TEST(ProxyProtocol, Version2ExtensionsArePassedOver) {
  const std::string tlv = "\x02\0\x04host\x20\0\0"s;
  expect_address(version2('\x21', '\x11', kIpv4 + tlv), "192.0.2.7");
  expect_address(version2('\x21', '\x21', kIpv6 + "\xea\x01\0"s + std::string(256, 'x')),
                 "2001:db8::7");
  expect_refused(version2('\x21', '\x11', kIpv4 + "\x02\0\x05host"s));
  expect_refused(version2('\x21', '\x11', kIpv4 + "\x02\0"s));
}

TEST(ProxyProtocol, Version2IsStrict) {
  expect_refused(version2('\x11', '\x11', kIpv4));  // version 1 in a version 2 header
  expect_refused(version2('\x22', '\x11', kIpv4));  // no such command
  expect_refused(version2('\x21', '\x12', kIpv4));  // UDP
  expect_refused(version2('\x21', '\x41', kIpv4));
  expect_refused(version2('\x21', '\x11', kIpv4.substr(1)));
  expect_refused(version2('\x21', '\x21', kIpv4));
  expect_refused(version2('\x21', '\x31', kIpv6));
  expect_refused("\r\n\r\n\0\r\nQUIT\r"s);
  expect_refused(kSignature.substr(0, 6) + "x");
}

TEST(ProxyProtocol, ALongVersion2HeaderIsRefusedBeforeItComes) {
  const std::string head = version2('\x21', '\x11', std::string(kMostProxyHeader - 15, '\0'));
  expect_refused(head.substr(0, 16));
  EXPECT_EQ(
      scan_proxy_header(version2('\x20', '\0', std::string(kMostProxyHeader - 16, 'x'))).state,
      State::complete);
}

}  // namespace
}  // namespace passerelle::proxy
