// Usernames: what a wish becomes before it stands in URLs, paths and process names. Uniqueness is
// the store's part.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace passerelle::store {

inline constexpr std::size_t kLongestUsername = 64;

/// [a-z0-9][a-z0-9._-]*, at most 64 bytes, never empty, not ending in a mark; cleaning twice
/// changes nothing. Latin letters lose their accents, every run of other characters becomes one
/// "-". "Élodie Müller" is "elodie-muller"; when nothing is left the name is "user".
std::string clean_username(std::string_view wanted);

/// `cleaned` for 1, "alice-2" for 2 and so on, shortened before the suffix so that it stays within
/// 64 bytes.
std::string numbered_username(const std::string& cleaned, std::int64_t number);

}  // namespace passerelle::store
