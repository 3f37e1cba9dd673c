#include "spawners/batch/greeting.hpp"

#include <array>

#include <openssl/evp.h>

#include "base/text.hpp"
#include "spawners/batch/submit/order.hpp"

namespace passerelle::spawners::batch {
namespace {

constexpr std::size_t kWebSocketKey = 24;  // 16 bytes in base64

std::string accept_of(std::string_view key) {
  const std::string all = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(all.data(), all.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1) return {};
  std::array<unsigned char, 64> text{};
  const int length = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(size));
  return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length)};
}

/// The launch at the end of "GET /.../<launch> HTTP/1.1"; empty if that is not the line.
std::string launch_in(std::string_view line) {
  constexpr std::string_view kBefore = "GET /";
  constexpr std::string_view kAfter = " HTTP/1.1";
  if (!line.starts_with(kBefore) || !line.ends_with(kAfter)) return {};
  line.remove_suffix(kAfter.size());
  const std::string_view last = line.substr(line.rfind('/') + 1);
  return submit::is_launch(last) ? std::string(last) : std::string();
}

/// What is asked for at most once, each.
struct Fields {
  std::string_view key;
  std::string_view websocket;
  std::string_view upgrade;

  std::string_view* place_of(std::string_view name) {
    if (text::iequals(name, "x-passerelle-key")) return &key;
    if (text::iequals(name, "sec-websocket-key")) return &websocket;
    if (text::iequals(name, "upgrade")) return &upgrade;
    return nullptr;
  }
};

}  // namespace

Result<Greeting> read_greeting(std::string_view head) {
  const Error wrong(Errc::invalid, "not the greeting of a job");
  constexpr std::string_view kEnd = "\r\n\r\n";
  if (head.size() > kLongestGreeting || head.find(kEnd) + kEnd.size() != head.size()) return wrong;
  head.remove_suffix(2);
  Greeting greeting;
  Fields fields;
  for (bool first = true; !head.empty(); first = false) {
    const std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    for (const char c : line)
      if (static_cast<unsigned char>(c) < 0x20 && c != '\t') return wrong;
    if (first) {
      greeting.launch = launch_in(line);
      if (greeting.launch.empty()) return wrong;
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) return wrong;
    std::string_view* const place = fields.place_of(line.substr(0, colon));
    if (place == nullptr) continue;
    if (!place->empty()) return wrong;
    *place = text::trim(line.substr(colon + 1));
  }
  if (fields.key.empty() || fields.websocket.size() != kWebSocketKey ||
      !text::iequals(fields.upgrade, "websocket"))
    return wrong;
  greeting.key = fields.key;
  greeting.accept = accept_of(fields.websocket);
  return greeting;
}

std::string welcome(const Greeting& greeting) {
  return "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Accept: " +
         greeting.accept + "\r\n\r\n";
}

std::string refusal(int status) {
  constexpr int kForbidden = 403;
  constexpr int kBad = 400;
  const char* const reason = status == kForbidden ? "Forbidden"
                             : status == kBad     ? "Bad Request"
                                                  : "Service Unavailable";
  return "HTTP/1.1 " + std::to_string(status) + " " + reason +
         "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
}

}  // namespace passerelle::spawners::batch
