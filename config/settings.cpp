#include "config/settings.hpp"

namespace passerelle::config {

std::vector<std::string> trusted_headers(const HeaderAuthenticator& settings) {
  std::vector<std::string> names;
  for (const std::string* name :
       {&settings.user_header, &settings.name_header, &settings.mail_header,
        &settings.groups_header, &settings.secret_header})
    if (!name->empty()) names.push_back(*name);
  return names;
}

}  // namespace passerelle::config
