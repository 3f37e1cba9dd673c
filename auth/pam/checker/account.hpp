// What the system knows of an account: number, home, groups.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace passerelle::pam_checker {

struct Account {
  std::string user;  ///< As the system spells it.
  std::string name;  ///< Of the person, from the comment field; may be empty.
  std::string home;
  std::string shell;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

std::optional<Account> find_account(const std::string& user);
/// The names of all its groups, 1000 at most.
std::vector<std::string> groups_of(const Account& account);

}  // namespace passerelle::pam_checker
