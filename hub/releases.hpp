// What there is of a server that is a Helm release beyond starting and stopping it: its notes, and
// its removal for good.
#pragma once

#include <string_view>

#include "hub/parts.hpp"
#include "hub/server.hpp"

namespace passerelle::hub {

/// Its profile has a chart.
bool is_release(const Parts& parts, const Server& server);

/// Uninstalls the release of a stopped server, with what it kept. A server that is none: success.
Task<Result<void>> uninstall(Parts& parts, ServerPtr server);

/// NOTES.txt as `blocks` of the page notes: a little Markdown (headings, **strong**, `code`, links,
/// fences). Somebody else's words: everything is text, and links lead to http or https only.
nlohmann::json notes_view(std::string_view words);

}  // namespace passerelle::hub
