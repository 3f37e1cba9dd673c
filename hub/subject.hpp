// Subject: whose server or account a path names, after the permission for it was checked. Absent
// and forbidden look the same to the caller, so that nobody can probe for names.
#pragma once

#include "auth/scopes.hpp"
#include "hub/call.hpp"
#include "hub/server.hpp"

namespace passerelle::hub {

struct Subject {
  store::User user;
  std::string server;  ///< Empty: the default server.
  ServerKey key() const { return {user.id, server}; }
};

/// The user named by args[0] and the server by args[1] (if there), provided the caller may do
/// `what` to it: administrators are changed by unnarrowed ones only (CVE-2024-41942), a filter to
/// one group does not reach others (GHSA-69wv-m5fw-2fhp). Errc::not_found for both kinds of "no";
/// Errc::forbidden when they have that scope for nobody.
Task<Result<Subject>> subject_of(Parts& parts, const Call& call, auth::ScopeName what);

/// "alice" or "alice/named", each part percent-encoded: the tail of hub paths.
std::string path_tail(const Server& server);
std::string path_tail(std::string_view username, std::string_view server);

/// Words for why a stopped server is stopped; null if it never ran.
nlohmann::json ended_words(const store::ServerRecord& record);
const config::Profile* find_profile(const config::Settings& settings, std::string_view name);
/// A profile's title in the reader's language.
nlohmann::json title_of(const config::Settings& settings, std::string_view profile);
/// Those profiles that this user may launch, in the configured order.
std::vector<const config::Profile*> profiles_for(const config::Settings& settings,
                                                 const store::User& user);

}  // namespace passerelle::hub
