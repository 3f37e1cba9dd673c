#include "auth/ldap/groups.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "auth/ldap/dn.hpp"
#include "auth/ldap/escape.hpp"

namespace passerelle::auth::ldap {
namespace {

using Settings = config::LdapAuthenticator;

constexpr std::size_t kMostGroups = 1000;
constexpr std::size_t kPage = 200;
constexpr std::size_t kDnsInAFilter = 20;
constexpr std::size_t kLongestName = 256;
constexpr std::string_view kInChain = ":1.2.840.113556.1.4.1941:";

class Walk {
 public:
  Walk(Connection& connection, const Settings& settings, Deadline deadline)
      : connection_(connection), settings_(settings), deadline_(deadline) {
    ways_ = settings.group_lookup;
    if (!ways_.empty()) return;
    if (settings.group_base.empty()) {
      ways_ = {"memberOf"};
    } else {
      ways_ = {"member", "uniqueMember", "memberUid", "gidNumber"};
    }
  }

  Result<std::vector<std::string>> of(const Entry& person) {
    auto done = first_level(person);
    for (std::uint32_t level = 0; done && level < settings_.nested_groups && !edge_.empty();
         ++level)
      done = next_level();
    if (!done) return std::move(done).error();
    std::vector<std::string> out(names_.begin(), names_.end());
    return out;
  }

 private:
  bool way(std::string_view name) const {
    return std::find(ways_.begin(), ways_.end(), name) != ways_.end();
  }
  bool searches() const { return !settings_.group_base.empty(); }

  Result<void> first_level(const Entry& person) {
    if (way("memberOf")) {
      auto done = take_member_of(person);
      if (!done) return done;
    }
    const std::string filter = filter_of(person);
    return filter.empty() ? Result<void>() : find("(|" + filter + ")");
  }

  std::string filter_of(const Entry& person) const {
    if (!searches()) return {};
    std::string out = members_filter(person.dn);
    if (way("memberUid")) {
      for (const std::string& uid : person.all(settings_.username_attribute))
        out += "(memberUid=" + escape_filter(uid) + ")";
    }
    const std::string gid = person.first("gidNumber");
    if (way("gidNumber") && !gid.empty())
      out += "(&(objectClass=posixGroup)(gidNumber=" + escape_filter(gid) + "))";
    return out;
  }

  std::string members_filter(const std::string& dn) const {
    const std::string value = escape_filter(dn) + ")";
    std::string out;
    if (way("member")) out += "(member=" + value;
    if (way("uniqueMember")) out += "(uniqueMember=" + value;
    if (way("in-chain")) out += "(member" + std::string(kInChain) + "=" + value;
    return out;
  }

  // Groups that the groups of the last level are in.
  Result<void> next_level() {
    const std::vector<std::string> edge = std::exchange(edge_, {});
    for (std::size_t i = 0; searches() && i < edge.size(); i += kDnsInAFilter) {
      std::string filter;
      for (std::size_t j = i; j < std::min(edge.size(), i + kDnsInAFilter); ++j)
        filter += members_filter(edge[j]);
      auto done = filter.empty() ? Result<void>() : find("(|" + filter + ")");
      if (!done) return done;
    }
    for (const std::string& dn : edge) {
      if (!way("memberOf")) break;
      auto done = climb(dn);
      if (!done) return done;
    }
    return {};
  }

  Result<void> climb(const std::string& group) {
    Search search;
    search.base = group;
    search.scope = Search::Scope::base;
    search.filter = "(objectClass=*)";
    search.attributes = {"memberOf"};
    auto found = connection_.search(search, deadline_);
    if (!found && found.error().code() == Errc::not_found) return {};  // gone meanwhile
    if (!found) return std::move(found).error();
    return found->entries.empty() ? Result<void>() : take_member_of(found->entries.front());
  }

  Result<void> find(const std::string& filter) {
    Search search;
    search.base = settings_.group_base;
    search.filter =
        settings_.group_filter.empty() ? filter : "(&" + settings_.group_filter + filter + ")";
    search.attributes = {"cn"};
    search.most = kMostGroups;
    search.page = kPage;
    auto found = connection_.search(search, deadline_);
    if (!found) {
      if (found.error().code() != Errc::not_found) return std::move(found).error();
      return Error(Errc::forbidden,
                   found.error().message() + "; group_base does not exist, or may not be read");
    }
    if (found->more)
      return Error(Errc::forbidden,
                   "the directory does not give all groups (its size limit, or "
                   "more than 1000): nobody is let in with a part of them");
    for (const Entry& group : found->entries) {
      auto done = take(group.dn, group.first("cn"));
      if (!done) return done;
    }
    return {};
  }

  Result<void> take_member_of(const Entry& entry) {
    for (const auto& [name, values] : entry.values)
      if (name.starts_with("memberof;range="))
        return Error(Errc::forbidden, "the directory gives memberOf of " + entry.dn +
                                          " in parts; use `group_lookup: [in-chain]`");
    for (const std::string& dn : entry.all("memberOf")) {
      if (!below_base(dn)) continue;
      auto done = take(dn, "");
      if (!done) return done;
    }
    return {};
  }

  // Somebody who may make groups elsewhere in the directory makes no administrators here.
  bool below_base(const std::string& dn) const {
    if (!searches()) return true;
    const std::string key = dn_key(dn);
    return key.ends_with("," + dn_key(settings_.group_base));
  }

  Result<void> take(const std::string& dn, const std::string& cn) {
    const std::string key = dn_key(dn);
    if (key.empty() || !seen_.insert(key).second) return {};
    if (seen_.size() > kMostGroups)
      return Error(Errc::forbidden, "more than 1000 groups: nobody is let in with a part of them");
    edge_.push_back(dn);
    std::string name = settings_.group_name == "dn" ? dn_text(dn) : first_value(dn, "cn");
    if (name.empty()) name = cn.empty() ? first_value(dn) : cn;
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
    if (name.size() <= kLongestName && text::is_utf8(name) &&
        std::none_of(name.begin(), name.end(), control))
      names_.insert(settings_.group_prefix + name);
    return {};
  }

  Connection& connection_;
  const Settings& settings_;
  const Deadline deadline_;
  std::vector<std::string> ways_;
  std::set<std::string> seen_;     // dn_key: a loop of groups ends here
  std::vector<std::string> edge_;  // DNs of the level before
  std::set<std::string> names_;
};

}  // namespace

Result<std::vector<std::string>> groups_of(Connection& connection,
                                           const Settings& settings,
                                           const Entry& person,
                                           Deadline deadline) {
  return Walk(connection, settings, deadline).of(person);
}

bool in_required(const std::vector<std::string>& groups, const Settings& settings) {
  if (settings.require_groups.empty()) return true;
  for (const std::string& wanted : settings.require_groups)
    for (const std::string& group : groups)
      if (text::iequals(wanted, group) || (settings.group_name == "dn" && same_dn(wanted, group)))
        return true;
  return false;
}

}  // namespace passerelle::auth::ldap
