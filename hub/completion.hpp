// Completion: shell scripts that complete passerelle's words, made from the command line's own
// description so that the two cannot differ.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace CLI {
class App;
}

namespace passerelle::hub {

/// `shell`: "bash", "zsh" or "fish". Errc::invalid for another one.
Result<std::string> completion(const CLI::App& cli, std::string_view shell);

}  // namespace passerelle::hub
