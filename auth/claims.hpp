// Claims: finds values in what a provider says of a person, whatever shape it chose, and makes
// names and groups of them. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.hpp"

namespace passerelle::auth::claims {

/// All texts at `path`, in order; none if there is nothing. A path is a member's own name, even
/// with dots in it ("https://example.org/groups"), else members separated by dots
/// ("realm_access.roles"), or a JSON Pointer (RFC 6901) when it begins with "/". Lists on the way
/// are gone through: "teams.name" reads every team's. Numbers are written out; anything else is
/// passed over. At most 1000, each at most 1024 bytes; texts with control characters are passed
/// over.
std::vector<std::string> texts(const nlohmann::json& claims, std::string_view path);

/// The text at `path`, if it is exactly one; else empty.
std::string text(const nlohmann::json& claims, std::string_view path);

/// True, or "true" as some providers write it.
bool is_true(const nlohmann::json& claims, std::string_view path);

/// "{preferred_username}-{org.code}", or a path alone. Errc::invalid names the claim that is
/// missing, or is not one text.
Result<std::string> fill(std::string_view pattern, const nlohmann::json& claims);

/// The paths that fill() will ask for; Errc::invalid if braces are left open.
Result<std::vector<std::string>> paths_in(std::string_view pattern);

/// Those of `groups` that may be group names, without doubles: split at `separator` if it is not
/// empty, trimmed, at most 256 bytes, at most 1000; each with `prefix` before it. Order is kept.
std::vector<std::string> group_names(const std::vector<std::string>& groups,
                                     std::string_view separator,
                                     std::string_view prefix);

/// The domain of a mail address, in lower case: what follows its only @. Empty if it is no address
/// (GHSA-c5c4: one with several @ is none).
std::string mail_domain(std::string_view address);

}  // namespace passerelle::auth::claims
