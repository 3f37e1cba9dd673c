// The WebSocket handshake's proof that the upstream read our request (RFC 6455, 4.2.2).
#pragma once

#include <string_view>

namespace passerelle::proxy {

/// Whether `accept` is the answer to `key` (Sec-WebSocket-Accept to Sec-WebSocket-Key).
bool accepts_key(std::string_view accept, std::string_view key) noexcept;
/// 16 bytes in base64.
bool is_valid_key(std::string_view key) noexcept;

}  // namespace passerelle::proxy
