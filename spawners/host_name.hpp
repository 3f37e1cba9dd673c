// Names of servers that stand at a host name of their own (a profile's `domain`): the hub routes by
// them, and charts are told them.
#pragma once

#include <string>

namespace passerelle::spawners {

inline constexpr std::size_t kHostMark = 16;

/// What tells a server from all others: hexadecimal digits of a hash. The same for every launch.
std::string host_mark(const std::string& user, const std::string& server);

/// "alice-0f1e2d3c4b5a6978": readable, then the mark. A DNS label, at most 63 long.
std::string host_label(const std::string& user, const std::string& server);

}  // namespace passerelle::spawners
