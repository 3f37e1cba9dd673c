// Reader: walks a document along the table of keys and fills Settings. Checks each value by itself;
// what one value means for another is for checks.cpp.
#pragma once

#include <string>

#include "config/document.hpp"
#include "config/keys.hpp"
#include "config/load.hpp"
#include "config/marks.hpp"
#include "config/problem.hpp"

namespace passerelle::config {

struct ReadOutcome {
  Settings settings;
  Marks marks;
};

/// `directory`: absolute; where relative paths start.
ReadOutcome read_settings(const Value& document,
                          const std::string& directory,
                          const Environment& environment,
                          Problems& problems);

}  // namespace passerelle::config
