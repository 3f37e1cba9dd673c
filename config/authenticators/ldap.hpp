// `type: ldap`: OpenLDAP, 389, FreeIPA, Active Directory.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "config/secret.hpp"

namespace passerelle::config {

struct LdapAuthenticator {
  std::vector<std::string> uri;  ///< ldap://, ldaps://, ldapi://; tried in this order.
  std::string tls;               ///< "starttls", "ldaps", "none"; empty: by each URI's scheme.
  bool starttls = true;          ///< False: as tls "none". The older word of the two.
  bool insecure = false;         ///< Passwords may cross a network in clear.
  std::string ca_file;           ///< PEM; empty: the system's authorities.

  std::vector<std::string> user_dn;  ///< Templates with {username}; empty: looked up.
  std::string bind_dn;               ///< Of the account that looks up; empty: anonymous.
  Secret bind_password;
  std::string user_base;    ///< Where people are looked up; empty: not looked up.
  std::string user_filter;  ///< With {username}; empty: (<username_attribute>={username}).

  std::string username_attribute = "uid";
  std::string username_pattern = "[A-Za-z0-9_][A-Za-z0-9._@+-]*";  ///< ECMAScript, the whole name.
  std::string subject_attribute;             ///< entryUUID, objectGUID, ...; empty: the username.
  std::string display_name = "displayName";  ///< Attribute; cn when it is absent.
  std::vector<std::string> attributes;       ///< Kept for spawners; empty: the usual ones.

  std::vector<std::string> group_lookup;  ///< Ways; empty: by whether there is a group_base.
  std::string group_base;
  std::string group_filter;         ///< Only groups that match; no placeholder.
  std::uint32_t nested_groups = 0;  ///< Levels of groups in groups.
  std::string group_name = "cn";    ///< "cn" or "dn"
  std::string group_prefix;
  std::vector<std::string> require_groups;  ///< In one of them, or refused; as named here.

  seconds connect_timeout{3};  ///< For each server: connection and TLS.
  seconds timeout{10};         ///< For a whole sign-in, its wait for a thread included.
};

}  // namespace passerelle::config
