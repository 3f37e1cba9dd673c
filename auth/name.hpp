// What people type as their name, made comparable before any lookup (CVE-2021-41194: two spellings
// are one account). Turning it into a username that is safe in URLs and paths is the store's work.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace passerelle::auth {

constexpr std::size_t kLongestName =
    64;  ///< Bytes. A longer one is refused, never cut (CVE-2026-54338).

struct Name {
  std::string key;      ///< Two people are the same when this is: ASCII letters in lower case.
  std::string display;  ///< As it was typed, trimmed, with single spaces.
};

/// Errc::invalid: empty, longer than kLongestName, not UTF-8, or holding a character that does not
/// print (controls, zero-width and direction marks, with which two names look alike).
Result<Name> normalise_name(std::string_view typed);

/// Something a provider may call a person: 1 to 256 bytes of UTF-8 without control characters.
bool is_subject(std::string_view given) noexcept;

/// At most kLongestName bytes, cut between characters: for logs, audit and form fields shown again.
std::string cut_name(std::string_view typed);

}  // namespace passerelle::auth
