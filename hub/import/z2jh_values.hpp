// Parts that the translation of z2jh's values is made of: places with their lines, YAML as JSON,
// and how z2jh writes sizes and templates.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/document.hpp"

namespace passerelle::hub::z2jh {

using Ordered = nlohmann::ordered_json;

/// One key of the file.
struct Place {
  std::string path;  ///< "singleuser.image.tag"
  const config::Value& value;
  int line = 0;
};

/// With YAML's own types: what is written without quotes may be a number, a boolean or null.
nlohmann::json to_json(const config::Value& value);

/// A scalar's text; empty for anything else.
std::string text_of(const config::Value& value);
bool is_true(const config::Value& value);

/// "2G" and 2147483648 are both "2GiB"; empty: this is no size.
std::string size_of(const config::Value& value);

/// "Python 3 (GPU)" is "python-3-gpu": a profile's name.
std::string name_of(std::string_view words);

/// "line 12, singleuser.cmd: ..."
std::string advice_for(const Place& place, std::string_view words);

/// What to do about a key that has no counterpart of its own; by the longest known beginning.
std::string_view instead_of(std::string_view path);

}  // namespace passerelle::hub::z2jh
