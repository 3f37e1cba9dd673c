// Trailer fields of a chunked body (RFC 9110, 6.5): which of them may go on.
#pragma once

#include <string>
#include <string_view>

namespace passerelle::proxy {

/// `lines`: trailer fields as ChunkedDecoder keeps them, "name: value" CR LF each. Those that a
/// recipient could merge into the head and then frame, route, believe or store by are left out
/// (6.5.1): all that we know by name, and the usual modifiers; so are names with odd characters.
std::string clean_trailers(std::string_view lines);

}  // namespace passerelle::proxy
