// Asks passerelle-pam, one process for each question: it may block or crash in a module, and is
// then killed. Blocking: for a worker thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace passerelle::auth::pam {

struct Question {
  std::string program;  ///< passerelle-pam's path.
  std::string service;
  std::string user;
  std::string peer;      ///< For the modules' own records.
  std::string password;  ///< Empty: only whether the account may still be used.
  std::uint32_t min_uid = 0;
  seconds deadline{0};
};

struct Verdict {
  /// "ok", "wrong" (name or password), or why an account may not be used: "account-expired",
  /// "password-expired", "locked", "account-refused".
  std::string outcome;
  std::string user;          ///< As the system spells it; with "ok" only, like all below.
  std::string display_name;  ///< From the account's comment field.
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> attributes;  ///< "uidNumber", ...
};

/// Errc::timeout, or Errc::unavailable: could not tell.
Result<Verdict> ask(const Question& question);

}  // namespace passerelle::auth::pam
