#include "spawners/local/account.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.hpp"
#include "spawners/environment.hpp"

namespace passerelle::spawners::local {
namespace {

Error refuse(Cause cause, std::string sentence) {
  return Error(cause == Cause::storage_pending ? Errc::unavailable : Errc::forbidden, cause,
               std::move(sentence));
}

/// The directory must be there, a directory itself (not a link to one), and belong to `owner`.
Result<void> check_owned(const std::string& path, uid_t owner) {
  struct stat about{};
  if (::lstat(path.c_str(), &about) != 0) {
    return refuse(Cause::storage_pending, path + ": " + std::generic_category().message(errno));
  }
  if (!S_ISDIR(about.st_mode)) return refuse(Cause::storage_pending, path + " is not a directory");
  if (about.st_uid != owner) {
    return refuse(Cause::storage_pending, path + " belongs to user id " +
                                              std::to_string(about.st_uid) + ", not to " +
                                              std::to_string(owner));
  }
  return {};
}

struct Entry {
  passwd user{};
  std::array<char, 16384> buffer{};
};

bool look_up(const std::string& name, Entry& entry) {
  passwd* found = nullptr;
  ::getpwnam_r(name.c_str(), &entry.user, entry.buffer.data(), entry.buffer.size(), &found);
  return found != nullptr;
}

bool look_up(uid_t uid, Entry& entry) {
  passwd* found = nullptr;
  ::getpwuid_r(uid, &entry.user, entry.buffer.data(), entry.buffer.size(), &found);
  return found != nullptr;
}

bool may_log_in(std::string_view shell) {
  constexpr std::array<std::string_view, 5> kClosed = {"nologin", "false", "sync", "halt",
                                                       "shutdown"};
  const std::string_view name = shell.substr(shell.rfind('/') + 1);
  return std::find(kClosed.begin(), kClosed.end(), name) == kClosed.end();
}

std::vector<gid_t> groups_of(const passwd& user) {
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  while (::getgrouplist(user.pw_name, user.pw_gid, groups.data(), &count) < 0) {
    groups.resize(std::max(static_cast<std::size_t>(count), groups.size() * 2));
    count = static_cast<int>(groups.size());
  }
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

Result<Account> system_account(const std::string& name) {
  Entry entry;
  if (!look_up(name, entry)) return refuse(Cause::spawner_down, "there is no system user " + name);
  const passwd& user = entry.user;
  const SystemUser found{user.pw_name, user.pw_dir, user.pw_shell,
                         user.pw_uid,  user.pw_gid, groups_of(user)};
  return account_of(found);
}

Result<Account> own_account(const std::string& workspace, const std::string& username) {
  if (auto made = files::make_directory(workspace, 0700); !made)
    return refuse(Cause::storage_pending, made.error().message());
  if (auto owned = check_owned(workspace, ::geteuid()); !owned)
    return std::move(owned.error()).within("workspace");
  Entry entry;
  Account account;
  account.shell = look_up(::geteuid(), entry) ? entry.user.pw_shell : "/bin/sh";
  if (!may_log_in(account.shell))
    account.shell = "/bin/sh";  // the gateway's user is often one without a login
  account.name = username;
  account.home = workspace;
  account.workspace = workspace;
  account.uid = ::geteuid();
  return account;
}

}  // namespace

Result<Account> account_of(const SystemUser& user) {
  if (user.uid == 0)
    return refuse(Cause::spawner_down, user.name + " is the superuser: no server runs as that");
  if (!may_log_in(user.shell))
    return refuse(Cause::spawner_down, user.name + " may not log in: the shell is " + user.shell);
  if (auto home = check_owned(user.home, user.uid); !home)
    return std::move(home.error()).within("home of " + user.name);
  Account account;
  account.name = user.name;
  account.home = user.home;
  account.shell = user.shell;
  account.workspace = user.home;
  account.uid = user.uid;
  account.run_as = RunAs{user.uid, user.gid, user.groups};
  return account;
}

Result<Account> account_for(const config::LocalSpawner& settings,
                            const std::string& username,
                            const std::string& data_dir) {
  if (!settings.system_user.empty()) {
    auto name = fill_in(settings.system_user, {{"username", username}});
    if (!name) return name.error();
    return system_account(*name);
  }
  const std::string pattern =
      settings.workspace.empty() ? "{data_dir}/workspaces/{username}" : settings.workspace;
  auto workspace =
      fill_in(pattern, {{"username", path_component(username)}, {"data_dir", data_dir}});
  if (!workspace) return workspace.error();
  return own_account(*workspace, username);
}

}  // namespace passerelle::spawners::local
