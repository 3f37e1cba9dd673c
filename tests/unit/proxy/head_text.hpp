// Heads written in tests: "\n" stands for CR LF, and the bytes live as long as the head that was
// read from them.
#pragma once

#include <string>
#include <string_view>

#include "proxy/head.hpp"

namespace passerelle::proxy {

/// Every "\n" becomes "\r\n", unless it is one already.
std::string crlf(std::string_view text);
/// "body\xHH": escapes of the kind \\r in tables, for failure messages.
std::string shown(std::string_view bytes);

struct RequestText {
  explicit RequestText(std::string text) : bytes(std::move(text)) {
    scan = scan_request(bytes, 0, head);
  }
  std::string bytes;
  RequestHead head;
  Scan scan;
  bool complete() const { return scan.state == Scan::State::complete; }
};

struct ResponseText {
  ResponseText(std::string text, Asked asked) : bytes(std::move(text)) {
    scan = scan_response(bytes, 0, asked, head);
  }
  std::string bytes;
  ResponseHead head;
  Scan scan;
  bool complete() const { return scan.state == Scan::State::complete; }
};

/// "complete", "incomplete", or the status.
std::string verdict(const Scan& scan);

}  // namespace passerelle::proxy
