#include "hub/import/people.hpp"

#include <map>

#include <nlohmann/json.hpp>

#include "auth/jupyterhub_hash.hpp"
#include "auth/scopes.hpp"
#include "base/secrets.hpp"
#include "hub/subject.hpp"

namespace passerelle::hub {
namespace {

using Json = nlohmann::json;
using Data = store::JupyterHubData;
using Ids = std::map<std::string, store::UserId>;

struct Work {
  store::Store& store;
  const config::Settings& settings;
  const Data& data;
  const ImportWish& wish;
  Imported& done;
  Ids ids;  ///< By JupyterHub's name.
};

Task<Result<void>> take_user(Work& work, const Data::User& from) {
  store::NewUser wanted;
  wanted.authenticator = work.wish.authenticator;
  wanted.subject = from.name;
  wanted.wanted_username = from.name;
  wanted.display_name = from.name;
  auto entered = co_await work.store.users().enter(std::move(wanted), false);
  if (!entered) co_return std::move(entered).error();
  const store::User& user = entered->user;
  work.ids[from.name] = user.id;
  if (user.username != from.name)
    work.done.notes.push_back("user " + from.name + " is called " + user.username +
                              " here: files and links by the old name do not follow");
  if (!entered->created) co_return Result<void>();
  ++work.done.users;
  if (from.admin) {
    auto made = co_await work.store.users().set_admin(user.id, true);
    if (!made) co_return made;
    ++work.done.admins;
  }
  co_return Result<void>();
}

Task<Result<void>> take_groups(Work& work) {
  for (const Data::Group& group : work.data.groups) {
    std::vector<store::UserId> members;
    for (const Data::User& user : work.data.users)
      if (std::find(user.groups.begin(), user.groups.end(), group.name) != user.groups.end())
        members.push_back(work.ids.at(user.name));
    const auto known = co_await work.store.groups().find(group.name);
    if (!known) ++work.done.groups;
    auto added = co_await work.store.groups().add(group.name, std::move(members));
    if (!added) co_return added;
    if (group.properties == "{}") continue;
    auto kept = co_await work.store.groups().set_properties(group.name, group.properties);
    if (!kept) co_return kept;
  }
  co_return Result<void>();
}

// JupyterHub's own form answers with lists of texts; profile_list with the profile's slug.
config::Values values_of(const Json& options, const config::Profile& profile) {
  config::Values values;
  if (!options.is_object()) return values;
  for (const config::FormField& field : profile.form) {
    Json value = options.value(field.name, Json());
    if (value.is_array() && value.size() == 1) value = value.front();
    if (value.is_primitive() && !value.is_null())
      values[field.name] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return values;
}

const config::Profile* profile_of(const Work& work, const Json& options) {
  if (options.is_object())
    for (const char* key : {"profile", "profile_name"})
      if (const Json named = options.value(key, Json()); named.is_string())
        if (const auto* found = find_profile(work.settings, named.get<std::string>())) return found;
  return find_profile(work.settings, work.wish.profile);
}

Task<Result<void>> take_server(Work& work, const Data::Server& from) {
  const std::string called = from.user + "/" + from.name;
  if (from.running)
    work.done.notes.push_back("server " + called +
                              " runs: stop it before JupyterHub ends, it is not taken over");
  const bool good =
      from.name.size() <= 40 &&
      from.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
  const Json options = Json::parse(from.options, nullptr, false);
  const config::Profile* profile = profile_of(work, options);
  if (!good || profile == nullptr) {
    work.done.notes.push_back("server " + called + " is left out: " +
                              (good ? "no profile for it"
                                    : "a name here has at most 40 of a-z, "
                                      "0-9, - and _"));
    co_return Result<void>();
  }
  const store::UserId user = work.ids.at(from.user);
  const auto known = co_await work.store.servers().find(user, from.name);
  if (known) co_return Result<void>();
  store::ServerRecord record;
  record.user = user;
  record.name = from.name;
  record.profile = profile->name;
  record.spawner = profile->spawner;
  record.values = values_of(options, *profile);
  record.last_activity = from.last_activity.value_or(Instant{});
  record.ended_by = "exit";
  auto written = co_await work.store.servers().put(std::move(record));
  if (written) ++work.done.servers;
  co_return written;
}

// What cannot be read here is not given.
std::vector<std::string> good_scopes(const Data::Token& from) {
  std::vector<std::string> scopes;
  for (const std::string& scope : from.scopes) {
    auth::ScopeSet one;
    if (scope == "inherit" || one.add(scope, auth::Owner{from.user, from.user + "/"}))
      scopes.push_back(scope);
  }
  return scopes;
}

Task<Result<void>> take_token(Work& work, const Data::Token& from) {
  const bool of_hub = from.client.empty() || from.client == "jupyterhub";
  if (from.user.empty() || !of_hub || from.note.starts_with("Server at ")) co_return Result<void>();
  const std::string called = "token \"" + from.note.substr(0, 60) + "\" of " + from.user;
  auto hash = auth::from_jupyterhub(from.prefix, from.hashed);
  std::vector<std::string> scopes = good_scopes(from);
  if (!hash || scopes.empty()) {
    work.done.notes.push_back(called + " is left out: " +
                              (hash ? "its scopes mean nothing here"
                                    : "it stands in jupyterhub_config.py; make a new one"));
    co_return Result<void>();
  }
  if (scopes.size() != from.scopes.size())
    work.done.notes.push_back(called + " has fewer scopes: some mean nothing here");
  store::ApiToken token;
  token.id = secrets::random_hex(4);
  token.hash = std::move(*hash);
  token.user = work.ids.at(from.user);
  token.scopes = std::move(scopes);
  token.note = from.note.substr(0, 200);
  token.created = from.created.value_or(Instant{});
  token.expires = from.expires;
  auto written = co_await work.store.tokens().put(std::move(token));
  if (!written && written.error().code() == Errc::conflict) co_return Result<void>();
  if (written) ++work.done.tokens;
  co_return written;
}

Task<Result<void>> take_all(Work& work) {
  for (const Data::User& user : work.data.users) {
    auto done = co_await take_user(work, user);
    if (!done) co_return std::move(done).error().within("user " + user.name);
  }
  auto grouped = co_await take_groups(work);
  if (!grouped) co_return grouped;
  for (const Data::Server& server : work.data.servers) {
    auto done = co_await take_server(work, server);
    if (!done) co_return std::move(done).error().within("server of " + server.user);
  }
  for (const Data::Token& token : work.data.tokens) {
    auto done = co_await take_token(work, token);
    if (!done) co_return std::move(done).error().within("token of " + token.user);
  }
  co_return Result<void>();
}

}  // namespace

Task<Result<Imported>> import_people(store::Store& store,
                                     const config::Settings& settings,
                                     const store::JupyterHubData& data,
                                     ImportWish wish) {
  Imported done;
  Work work{store, settings, data, wish, done, {}};
  auto taken = co_await take_all(work);
  if (!taken) co_return std::move(taken).error();
  co_return done;
}

}  // namespace passerelle::hub
