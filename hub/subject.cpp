#include "hub/subject.hpp"

#include "hub/parts.hpp"
#include "web/view.hpp"

namespace passerelle::hub {

Task<Result<Subject>> subject_of(Parts& parts, const Call& call, auth::ScopeName what) {
  const Error no(Errc::not_found, "No access to resources or resources not found");
  if (!call.principal || call.args.empty()) co_return no;
  // Whoever has the scope for nobody at all is told so: that says nothing about this user.
  if (!auth::has(*call.principal, what))
    co_return Error(Errc::forbidden,
                    "Action is not authorized with current scopes; requires any of [" +
                        std::string(what.text()) + "]");
  Subject subject;
  if (call.args.size() > 1) subject.server = call.args[1];
  auto user = co_await parts.store.users().find_by_name(call.args[0]);
  if (!user) {
    if (user.error().code() == Errc::not_found) co_return no;
    co_return std::move(user).error();
  }
  subject.user = std::move(*user);
  const auto admission = parts.policy.admit(subject.user);
  const auto* admitted = std::get_if<auth::Admitted>(&admission);
  const bool is_admin = admitted != nullptr && admitted->admin;
  const bool of_server = what.text().find("servers") != std::string_view::npos;
  const auth::Target target =
      of_server
          ? auth::Target::of_server(subject.user.username, subject.server, subject.user.groups)
          : auth::Target::of_user(subject.user.username, subject.user.groups, is_admin);
  if (!auth::allowed(*call.principal, what, target)) co_return no;
  co_return subject;
}

std::string path_tail(std::string_view username, std::string_view server) {
  std::string tail = text::percent_encode(username);
  if (!server.empty()) tail += "/" + text::percent_encode(server);
  return tail;
}

std::string path_tail(const Server& server) {
  return path_tail(server.username, server.record.name);
}

nlohmann::json ended_words(const store::ServerRecord& record) {
  if (record.cause && *record.cause != Cause::cancelled) return web::why(*record.cause)["sentence"];
  if (record.ended_by.empty()) return nullptr;
  return web::ended_words(record.ended_by);
}

const config::Profile* find_profile(const config::Settings& settings, std::string_view name) {
  for (const config::Profile& profile : settings.profiles)
    if (profile.name == name) return &profile;
  return nullptr;
}

nlohmann::json title_of(const config::Settings& settings, std::string_view profile) {
  const config::Profile* found = find_profile(settings, profile);
  return found == nullptr ? nlohmann::json(profile) : web::words(found->title, found->name);
}

std::vector<const config::Profile*> profiles_for(const config::Settings& settings,
                                                 const store::User& user) {
  std::vector<const config::Profile*> mine;
  for (const config::Profile& profile : settings.profiles)
    if (profile.allow.empty() || includes(profile.allow, user)) mine.push_back(&profile);
  return mine;
}

}  // namespace passerelle::hub
