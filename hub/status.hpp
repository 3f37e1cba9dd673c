// Status: what the running gateway says of itself, as one JSON document, and how `passerelle
// status` shows it.
#pragma once

#include <string>

#include "base/result.hpp"
#include "base/task.hpp"

namespace passerelle::hub {

struct Parts;
class Predecessors;

/// On the hub's loop. `question`: "status", or "status proxy" for counters, routes and live
/// connections too.
Task<std::string> status_report(Parts& parts,
                                const Predecessors& predecessors,
                                std::string question);

/// What an upgrade or reload was answered, for a person; an Error if nothing was replaced.
Result<std::string> replacement_text(const std::string& document);

/// The document of status_report as lines for a person. Errc::invalid if it is none.
Result<std::string> status_text(const std::string& document);

}  // namespace passerelle::hub
