// Answers the proxy or the hub makes itself: building their heads, sending them, and the short
// plain text for requests that nobody else can answer.
#pragma once

#include <string>
#include <string_view>

#include "proxy/connection.hpp"
#include "proxy/coroutine.hpp"

namespace passerelle::proxy {

std::string_view reason_phrase(int status) noexcept;

/// How the body after a head made by response_text ends.
enum class Ends : std::uint8_t { by_length, by_chunks, by_close };

/// Status line and fields. A field that would break the head, or that is the proxy's own business
/// (Content-Length, Connection, Transfer-Encoding), is left out.
std::string response_text(const HubResponse& response,
                          const Request& request,
                          std::string_view date,
                          Ends ends);

/// Sends all of it; false when the client is gone, too slow, or the proxy stops.
Flow<bool> send_all(Lane& lane, Connection& connection, std::string_view bytes);

/// "404 Not Found: <detail>" as plain text; the connection ends after it. Does not wait: what a
/// full socket does not take at once is not sent.
Outcome answer_plain(Lane& lane,
                     Connection& connection,
                     int status,
                     std::string_view detail,
                     std::string_view extra_fields = {});

}  // namespace passerelle::proxy
