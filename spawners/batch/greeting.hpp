// Greeting: how a job's relay asks to be taken in by the wormhole. An HTTP/1.1 request for a
// WebSocket (RFC 6455, 4.2), so that what stands between nodes and gateway lets it through; after
// the answer bytes go both ways as they are. Strict: what is doubtful is refused. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace passerelle::spawners::batch {

inline constexpr std::size_t kLongestGreeting = 4096;

struct Greeting {
  std::string launch;
  std::string key;     ///< The launch's, as the job was given it
  std::string accept;  ///< Sec-WebSocket-Accept of the answer
};

/// `head`: the whole of it, to the end of the empty line. Errc::invalid otherwise.
Result<Greeting> read_greeting(std::string_view head);
std::string welcome(const Greeting& greeting);
/// 403, 400 or 503, and the end.
std::string refusal(int status);

}  // namespace passerelle::spawners::batch
