// An entry of the directory, copied out of libldap.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"

namespace passerelle::auth::ldap {

struct Entry {
  std::string dn;
  std::map<std::string, std::vector<std::string>> values;  ///< By attribute in lower case; bytes.

  const std::vector<std::string>& all(std::string_view attribute) const {
    static const std::vector<std::string> kNone;
    const auto found = values.find(text::ascii_lower(attribute));
    return found == values.end() ? kNone : found->second;
  }
  std::string first(std::string_view attribute) const {
    const auto& list = all(attribute);
    return list.empty() ? std::string() : list.front();
  }
};

}  // namespace passerelle::auth::ldap
