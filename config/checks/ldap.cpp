#include "config/checks/ldap.hpp"

#include <algorithm>
#include <array>
#include <regex>
#include <string_view>
#include <vector>

#include "base/text.hpp"

namespace passerelle::config {
namespace {

constexpr std::string_view kUsername = "{username}";
constexpr std::array<std::string_view, 6> kWays = {"memberOf",  "member",    "uniqueMember",
                                                   "memberUid", "gidNumber", "in-chain"};

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Not a parser: what is left out here, the directory refuses at the first sign-in.
bool looks_like_filter(std::string_view text) {
  int depth = 0;
  for (const char c : text) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (depth < 0) return false;
  }
  return depth == 0 && text.starts_with('(') && text.ends_with(')');
}

std::string_view host_of(std::string_view uri) {
  std::string_view rest = uri.substr(uri.find("://") + 3);
  if (rest.starts_with('[')) return rest.substr(1, rest.find(']') - 1);
  return rest.substr(0, rest.find_first_of(":/"));
}

bool is_here(std::string_view uri) {
  const std::string_view host = host_of(uri);
  const bool numeric = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return uri.starts_with("ldapi://") || host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && numeric);
}

// Base, filter and user have keys of their own.
bool has_more(std::string_view uri) {
  std::string_view rest = uri.substr(uri.find("://") + 3);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  return rest.find_first_of("/?@ ") != std::string_view::npos;
}

class Check {
 public:
  Check(const LdapAuthenticator& ldap,
        const std::string& path,
        const Marks& marks,
        Problems& problems)
      : ldap_(ldap), path_(path), marks_(marks), problems_(problems) {}

  void run() {
    servers();
    people();
    account();
    names();
    groups();
    if (ldap_.connect_timeout > ldap_.timeout)
      error("connect_timeout", "is longer than `timeout`; make `timeout` the longer one");
  }

 private:
  void error(const std::string& key, const std::string& why) {
    problems_.error(marks_.of(path_ + "." + key), path_ + "." + key + ": " + why);
  }
  void warning(const std::string& key, const std::string& why) {
    problems_.warning(marks_.of(path_ + "." + key), path_ + "." + key + ": " + why);
  }
  bool given(const std::string& key) const { return marks_.has(path_ + "." + key); }

  bool none() const { return ldap_.tls == "none" || (ldap_.tls.empty() && !ldap_.starttls); }

  /// The entry of a list, or the key of a single text.
  std::string entry(const std::string& key, std::size_t index) const {
    const std::string one = key + "[" + std::to_string(index) + "]";
    return given(one) ? one : key;
  }

  void servers() {
    if (!ldap_.tls.empty() && given("starttls") && ldap_.starttls != (ldap_.tls == "starttls"))
      error("starttls", "does not fit `tls: " + ldap_.tls + "`; remove `starttls`");
    bool tls = false;
    for (std::size_t i = 0; i < ldap_.uri.size(); ++i) {
      const std::string& uri = ldap_.uri[i];
      address(uri, entry("uri", i));
      tls = tls || uri.starts_with("ldaps://") || (uri.starts_with("ldap://") && !none());
    }
    if (!ldap_.ca_file.empty() && !tls)
      error("ca_file", "has no meaning without TLS; remove it, or write `tls: starttls`");
  }

  void address(const std::string& uri, const std::string& key) {
    const bool plain = uri.starts_with("ldap://");
    const bool tls = uri.starts_with("ldaps://");
    if (!plain && !tls && !uri.starts_with("ldapi://"))
      return error(key,
                   "begins with none of `ldap://`, `ldaps://`, `ldapi://`; write for example "
                   "`ldap://ldap.example.fr`");
    if (host_of(uri).empty())
      return error(key, "names no host; write for example `ldap://ldap.example.fr`");
    if (has_more(uri))
      return error(key,
                   "must be a scheme, a host and perhaps a port; base and filter have keys of "
                   "their own");
    if (ldap_.tls == "ldaps" && plain)
      return error(key, "is no `ldaps://` address, but `tls: ldaps` stands here; write `ldaps://`");
    if ((ldap_.tls == "starttls" || none()) && tls)
      return error(
          key, "is an `ldaps://` address, but `tls: " + std::string(none() ? "none" : "starttls") +
                   "` stands here; remove `tls`");
    if (plain && none()) return in_clear(uri, key);
    if (host_of(uri) == "localhost")
      warning(key,
              "for `localhost` the certificate must hold this machine's own name; write "
              "`127.0.0.1`, or that name");
  }

  void in_clear(const std::string& uri, const std::string& key) {
    if (is_here(uri)) return;
    if (ldap_.insecure)
      return warning(key, "passwords cross the network unencrypted; write `tls: starttls`");
    error(key,
          "everybody on the network could read the passwords; write `tls: starttls`, or, "
          "knowing that, `insecure: true`");
  }

  void people() {
    if (ldap_.user_dn.empty() && ldap_.user_base.empty()) {
      error("uri",
            "nobody could be found: write `user_dn: \"uid={username},ou=people,...\"`, or "
            "`user_base` to look people up");
    }
    for (std::size_t i = 0; i < ldap_.user_dn.size(); ++i) {
      const std::string& dn = ldap_.user_dn[i];
      const std::string key = entry("user_dn", i);
      if (!has(dn, kUsername))
        error(key, "everybody would be the same person; write `{username}` into it");
      if (!has(dn, "=") && ldap_.user_base.empty())
        error(key, "is no DN, so the person's entry must be looked up; write `user_base` too");
    }
    if (!ldap_.user_filter.empty()) {
      if (!looks_like_filter(ldap_.user_filter)) {
        error("user_filter", "is no filter; write for example `\"(uid={username})\"`");
      } else if (!has(ldap_.user_filter, kUsername) && ldap_.user_dn.empty()) {
        error("user_filter", "would find the same for everybody; write `{username}` into it");
      }
    }
  }

  void account() {
    if (!ldap_.bind_dn.empty() && ldap_.bind_password.empty())
      error("bind_dn", "needs its password; write `bind_password_file: ./ldap.txt`");
    if (ldap_.bind_dn.empty() && !ldap_.bind_password.empty())
      error("bind_password", "has no meaning without `bind_dn`; write both, or none");
    if (ldap_.bind_dn.empty() && !ldap_.user_dn.empty())
      warning("user_dn",
              "without `bind_dn` nobody can be asked about again: who leaves stays signed in "
              "until their session ends");
  }

  void names() {
    try {
      const std::regex pattern(ldap_.username_pattern);
    } catch (const std::regex_error&) {
      error("username_pattern", "is no regular expression; write for example `\"[a-z][a-z0-9]*\"`");
    }
  }

  void groups() {
    const bool search = !ldap_.group_base.empty();
    for (std::size_t i = 0; i < ldap_.group_lookup.size(); ++i) {
      const std::string& way = ldap_.group_lookup[i];
      const std::string key = "group_lookup[" + std::to_string(i) + "]";
      if (std::find(kWays.begin(), kWays.end(), way) == kWays.end()) {
        const std::string_view near = text::closest(way, {kWays.begin(), kWays.end()});
        error(key, "`" + way + "` is no way to find groups" +
                       (near.empty() ? "; write memberOf, member, uniqueMember, memberUid, "
                                       "gidNumber or in-chain"
                                     : "; did you mean `" + std::string(near) + "`?"));
      } else if (way != "memberOf" && !search) {
        error(key, "groups are looked for below `group_base`; write it too");
      } else if (way == "memberOf" && !ldap_.group_filter.empty()) {
        error("group_filter", "cannot be asked of `memberOf`; remove one of them");
      }
    }
    if (!ldap_.group_filter.empty() && !search)
      error("group_filter", "has no meaning without `group_base`; write it too");
    if (!ldap_.group_filter.empty() && !looks_like_filter(ldap_.group_filter))
      error("group_filter", "is no filter; write for example `\"(cn=hub-*)\"`");
  }

  const LdapAuthenticator& ldap_;
  const std::string& path_;
  const Marks& marks_;
  Problems& problems_;
};

}  // namespace

void check_ldap(const Authenticator& authenticator,
                const std::string& path,
                const Marks& marks,
                Problems& problems) {
  Check(authenticator.ldap, path, marks, problems).run();
}

}  // namespace passerelle::config
