// A small, strict XML reader for what other systems answer (CAS validations, LTI outcomes):
// elements with their namespaces and their text, nothing else. No document type, so no entities of
// their own and nothing fetched; no processing instructions. Pure functions, any thread. libexpat
// underneath, because it is told at the first byte of a <!DOCTYPE> and stops there.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace passerelle {

struct XmlElement {
  std::string space;  ///< The namespace's URI; empty: none.
  std::string name;   ///< Without prefix.
  std::string text;   ///< What stands directly in it, in one piece; UTF-8.
  std::vector<XmlElement> children;
  std::vector<std::pair<std::string, std::string>> attributes;  ///< Those without namespace.

  bool is(std::string_view wanted_space, std::string_view wanted_name) const noexcept {
    return space == wanted_space && name == wanted_name;
  }
  /// The only direct child of that name; null if there is none, or more than one.
  const XmlElement* only(std::string_view wanted_space,
                         std::string_view wanted_name) const noexcept;
  /// That attribute's value, or empty.
  std::string_view attribute(std::string_view wanted) const noexcept;
};

/// The root element. Errc::invalid: not well-formed, not in an encoding that expat knows, more than
/// 256 KiB, 32 levels, 10,000 elements or 64 attributes on one, or something that we do not read.
Result<XmlElement> read_xml(std::string_view document);

}  // namespace passerelle
