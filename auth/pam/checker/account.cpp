#include "auth/pam/checker/account.hpp"

#include <grp.h>
#include <pwd.h>

namespace passerelle::pam_checker {

namespace {
constexpr int kMostGroups = 1000;
}

// One thread, one question: the plain functions do.
std::optional<Account> find_account(const std::string& user) {
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) return std::nullopt;
  Account account;
  account.user = entry->pw_name;
  const std::string comment = entry->pw_gecos == nullptr ? "" : entry->pw_gecos;
  account.name = comment.substr(0, comment.find(','));
  account.home = entry->pw_dir;
  account.shell = entry->pw_shell;
  account.uid = entry->pw_uid;
  account.gid = entry->pw_gid;
  return account;
}

std::vector<std::string> groups_of(const Account& account) {
  std::vector<gid_t> numbers(kMostGroups);
  int count = kMostGroups;
  // With more groups than that, the first ones are there and `count` says how many it would take.
  ::getgrouplist(account.user.c_str(), account.gid, numbers.data(), &count);
  if (count < kMostGroups) numbers.resize(static_cast<std::size_t>(count));
  std::vector<std::string> names;
  for (const gid_t number : numbers)
    if (const group* entry = ::getgrgid(number)) names.emplace_back(entry->gr_name);
  return names;
}

}  // namespace passerelle::pam_checker
