// `type: header`: a web server in front has signed the person in (mod_shib, mod_auth_mellon,
// oauth2-proxy) and says who it is in header fields.
#pragma once

#include <string>
#include <vector>

#include "config/secret.hpp"

namespace passerelle::config {

struct HeaderAuthenticator {
  std::vector<std::string> from;  ///< CIDRs: whose TCP connections may say who somebody is.
  std::string user_header;
  std::string name_header;  ///< Empty: none; so are the next two.
  std::string mail_header;
  std::string groups_header;
  std::string groups_separator = ";";
  std::string secret_header = "X-Passerelle-Secret";
  Secret secret;                   ///< What the front-end says in it; empty: nothing is asked for.
  std::string encoding = "utf-8";  ///< or "latin-1"
  bool case_sensitive = false;
  std::string sign_out_url;  ///< A path or an address, perhaps with "{back}"; empty: nowhere.
};

/// Those that only the front-end may send.
std::vector<std::string> trusted_headers(const HeaderAuthenticator& settings);

}  // namespace passerelle::config
