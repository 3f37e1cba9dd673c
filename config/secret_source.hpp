// Where secrets come from besides the file itself: files and the environment. Messages never show a
// secret, nor the path that was given for one: it may be a password that somebody wrote behind the
// wrong key.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace passerelle::config {

struct SecretFile {
  std::string value;            ///< Without the newline at its end.
  bool open_to_others = false;  ///< Mode wider than 0640.
};

/// A regular file of at most 64 KiB.
Result<SecretFile> read_secret_file(const std::string& path);

/// "authenticators.workshop.password" -> "PASSERELLE_AUTHENTICATORS_WORKSHOP_PASSWORD".
std::string variable_name(std::string_view path);

}  // namespace passerelle::config
