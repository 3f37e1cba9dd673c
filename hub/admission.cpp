// Which launches are let in: the checks that need no waiting, in the order in which their causes
// help most.
#include "hub/launcher.hpp"
#include "hub/subject.hpp"
#include "spawners/kubernetes/chart_desk.hpp"

namespace passerelle::hub {
namespace {

bool good_server_name(std::string_view name) {
  constexpr std::size_t kLongest = 40;
  return name.size() <= kLongest &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string_view::npos;
}

Result<void> bounded(const config::Values& values) {
  constexpr std::size_t kMost = 500;
  constexpr std::size_t kLargest = 256U << 10U;
  std::size_t size = 0;
  for (const auto& [name, value] : values) size += name.size() + value.size();
  if (values.size() <= kMost && size <= kLargest) return {};
  return Error(Errc::invalid, Cause::values_invalid, "too many values, or too large ones");
}

}  // namespace

bool includes(const config::People& people, const store::User& user) {
  if (people.everyone) return true;
  for (const std::string& named : people.users)
    if (named == user.username || named == user.authenticator + ":" + user.subject) return true;
  for (const std::string& group : people.groups)
    if (std::find(user.groups.begin(), user.groups.end(), group) != user.groups.end()) return true;
  return false;
}

const config::Profile* Launcher::profile_for(const LaunchRequest& request) const {
  const config::Settings& settings = parts_.settings;
  const ServerPtr known = find({request.user.id, request.server_name});
  std::string name = request.profile;
  if (name.empty() && known) name = known->record.profile;
  if (name.empty() && settings.profiles.size() == 1) name = settings.profiles.front().name;
  return find_profile(settings, name);
}

Result<config::Values> Launcher::values_for(const LaunchRequest& request,
                                            const config::Profile& profile) const {
  config::Values given = request.values;
  const ServerPtr known = find({request.user.id, request.server_name});
  if (request.same_values && known && known->record.profile == profile.name) {
    given = known->record.values;
    // A field that the form has no more was right then; it only says nothing now.
    std::erase_if(given, [&](const auto& one) {
      return !profile.kubernetes &&
             std::none_of(profile.form.begin(), profile.form.end(),
                          [&](const auto& field) { return field.name == one.first; });
    });
  }
  // A chart's form is its schema: the spawner holds them against it. Here they are only bounded.
  if (profile.kubernetes) {
    if (auto fits = bounded(given); !fits) return std::move(fits.error());
    return given;
  }
  auto checked = config::checked_values(profile.form, given);
  if (const auto* wrong = std::get_if<config::ValueProblem>(&checked))
    return Error(Errc::invalid, Cause::values_invalid, config::sentence(*wrong));
  return std::get<config::Values>(std::move(checked));
}

spawners::kubernetes::ChartDesk* Launcher::chart_desk(const config::Profile& profile) const {
  const auto found = parts_.spawners.find(profile.spawner);
  if (!profile.kubernetes || found == parts_.spawners.end()) return nullptr;
  return dynamic_cast<spawners::kubernetes::ChartDesk*>(found->second.get());
}

Task<Result<ChartOfferPtr>> Launcher::chart_offer(store::User user,
                                                  std::string server_name,
                                                  const config::Profile& profile) {
  spawners::kubernetes::ChartDesk* desk = chart_desk(profile);
  if (desk == nullptr)
    co_return Error(Errc::unavailable, Cause::spawner_down,
                    "the spawner of " + profile.name + " has no charts");
  Server server(parts_.loop);  // as if it were launched now
  server.username = user.username;
  server.groups = user.groups;
  server.secret = secrets::random_token();
  server.record.user = user.id;
  server.record.name = std::move(server_name);
  server.record.launch_id = secrets::random_hex(8);
  server.record.profile = profile.name;
  fill_paths(server);
  auto spec = spec_for(server, profile);
  co_await add_claims(user.id, spec);
  auto offer = co_await desk->offer(std::move(spec));
  co_return offer;
}

Result<const config::Profile*> Launcher::admit(const LaunchRequest& request) const {
  const config::Settings& settings = parts_.settings;
  if (!good_server_name(request.server_name))
    return Error(Errc::invalid, Cause::values_invalid,
                 "a server's name has at most 40 of the characters a-z, 0-9, - and _");
  const ServerPtr known = find({request.user.id, request.server_name});
  if (known && known->active())
    return Error(Errc::conflict, "this server is " + std::string(to_string(known->record.phase)));

  const config::Profile* profile = profile_for(request);
  if (profile == nullptr)
    return Error(Errc::not_found, Cause::profile_gone,
                 "there is no profile \"" + request.profile.substr(0, 64) + "\"");
  if (!profile->allow.empty() && !includes(profile->allow, request.user))
    return Error(Errc::forbidden, Cause::profile_forbidden,
                 "the profile " + profile->name + " is for others");

  std::size_t of_user = 0;
  std::size_t of_all = 0;
  for (const auto& [key, server] : servers_) {
    if (!server->active()) continue;
    ++of_all;
    of_user += key.user == request.user.id ? 1 : 0;
  }
  if (settings.limits.servers_per_user > 0 && of_user >= settings.limits.servers_per_user)
    return Error(Errc::exhausted, Cause::quota_user,
                 std::to_string(of_user) + " of " +
                     std::to_string(settings.limits.servers_per_user) + " servers are in use");
  if (settings.limits.servers > 0 && of_all >= settings.limits.servers)
    return Error(Errc::exhausted, Cause::limit_global,
                 "all " + std::to_string(settings.limits.servers) + " places are taken");
  if (queue_.full())
    return Error(Errc::exhausted, Cause::queue_full,
                 std::to_string(queue_.waiting()) + " launches wait already");
  return profile;
}

}  // namespace passerelle::hub
