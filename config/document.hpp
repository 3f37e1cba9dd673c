// Document: YAML text as a tree of texts with their places. Knows nothing of keys. Scalars stay
// text (a group named `no` is not a boolean), duplicate keys are found, and anchors are expanded
// within bounds (a "billion laughs" file is refused).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.hpp"

namespace passerelle::config {

struct Entry;

struct Value {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  Mark mark;
  std::string text;            ///< scalar
  bool plain = true;           ///< scalar: written without quotes
  std::vector<Value> items;    ///< list
  std::vector<Entry> entries;  ///< map, in the order of the file, keys unique

  const Value* find(std::string_view key) const noexcept;
};

struct Entry {
  std::string key;
  Mark mark;
  Value value;
};

inline constexpr std::size_t kLargestFile = 1U << 20U;

/// The file's only document, or nothing with at least one problem. An empty file is an empty map.
/// Problems never show values: they could be secrets.
std::optional<Value> parse_document(std::string_view text, Problems& problems);

}  // namespace passerelle::config
