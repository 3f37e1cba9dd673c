#include "hub/call.hpp"

namespace passerelle::hub {

bool Call::wants_page() const {
  const bool for_people = path == "/hub/api/oauth2/authorize";
  if (path.starts_with("/hub/api/") && !for_people) return false;
  const std::string_view accept = request.header("accept");
  if (request.header("sec-fetch-mode") == "navigate") return true;
  // The servers' own programs ask below .../api/; everything else that accepts HTML is shown to a
  // person.
  if (path.find("/api/") != std::string::npos && !for_people) return false;
  return is_get() ? accept.find("text/html") != std::string_view::npos
                  : accept.find("text/html") != std::string_view::npos &&
                        request.header("x-requested-with").empty();
}

}  // namespace passerelle::hub
