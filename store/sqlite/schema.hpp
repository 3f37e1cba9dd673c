// The schema as numbered steps, and the way from any earlier one to the newest. Steps are never
// changed once released.
#pragma once

#include <span>
#include <string>

#include "base/result.hpp"
#include "store/sqlite/database.hpp"

namespace passerelle::store::sqlite {

inline constexpr std::int64_t kApplicationId =
    0x50534C45;  // "PSLE": tells our files from other SQLite databases

/// The step at index n leads from version n to version n + 1.
std::span<const char* const> steps();

/// Errc::invalid, with a sentence for the operator, for a file that is not ours, is damaged, or was
/// written by a newer version. Changes nothing.
Result<void> check(Database& database, const std::string& path, std::int64_t newest);

/// What an operator reads about a file that cannot be used.
Error damaged(const std::string& path, const std::string& words);

/// All missing steps in one transaction. A database that has a version already is first copied to
/// "<path>.v<version>".
Result<void> migrate(Database& database, const std::string& path, std::span<const char* const> to);

}  // namespace passerelle::store::sqlite
