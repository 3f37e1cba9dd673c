// One entry of `authenticators`. `type` picks the plug-in, which reads its own part only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/authenticators/cas.hpp"
#include "config/authenticators/dummy.hpp"
#include "config/authenticators/header.hpp"
#include "config/authenticators/ldap.hpp"
#include "config/authenticators/lti11.hpp"
#include "config/authenticators/lti13.hpp"
#include "config/authenticators/oidc.hpp"
#include "config/authenticators/pam.hpp"

namespace passerelle::config {

struct Authenticator {
  std::string name;  ///< Its key in the file: identities are (name, subject).
  std::string type;  ///< "dummy", "oidc", ...
  std::map<std::string, std::string> label;  ///< By language; empty: a default text.
  std::string icon;                          ///< File of its button's picture; empty: none.
  std::vector<std::string> groups;           ///< Everybody who signs in here gets these as well.
  DummyAuthenticator dummy;
  LdapAuthenticator ldap;
  Lti11Authenticator lti11;
  Lti13Authenticator lti13;
  OidcAuthenticator oidc;
  CasAuthenticator cas;
  HeaderAuthenticator header;
  PamAuthenticator pam;
};

}  // namespace passerelle::config
