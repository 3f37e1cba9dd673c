// `type: cas`: the CAS protocol 2.0 or 3.0, as universities run it.
#pragma once

#include <string>

namespace passerelle::config {

struct CasAuthenticator {
  std::string url;            ///< The server's own: "https://cas.example.fr/cas", no "/login".
  std::string version = "3";  ///< "3": /p3/serviceValidate with attributes; "2": /serviceValidate.
  std::string ca_file;        ///< PEM; empty: the system's authorities.
  std::string username_attribute;  ///< Empty: the CAS user.
  std::string name_attribute = "displayName";
  std::string groups_attribute;  ///< Empty: none.
  bool case_sensitive = false;   ///< Whether "Alice" and "alice" are two people.
  bool renew = false;            ///< Credentials are asked for at each sign-in.
  bool gateway = false;          ///< They are never asked for: only who is signed in already.
  bool sign_out = true;          ///< Our sign-out ends the CAS session too.
};

}  // namespace passerelle::config
