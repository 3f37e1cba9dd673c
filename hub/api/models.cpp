#include "hub/api/models.hpp"

#include <set>

namespace passerelle::hub::api {
namespace {

using store::Phase;

Json pending_of(const Server& server) {
  if (server.record.phase == Phase::pending) return "spawn";
  if (server.record.phase == Phase::stopping) return "stop";
  return nullptr;
}

// As spawners::Condition and Waiting; null for a server that is no job of a batch system.
Json job_of(const Parts& parts, const Server& server) {
  const spawners::Condition now = parts.launcher.condition(server);
  const spawners::Waiting* waits = server.record.phase == Phase::pending && server.progress
                                       ? server.progress->elsewhere()
                                       : nullptr;
  if (now.job.empty() && waits == nullptr) return nullptr;
  Json job = {
      {"id", now.job}, {"node", now.node}, {"trouble", now.trouble}, {"command", now.command}};
  job["ends"] = now.ends ? Json(to_iso8601(*now.ends)) : Json();
  if (waits == nullptr) return job;
  job["state"] = waits->state;
  job["reason"] = waits->reason;
  job["starts"] = waits->starts ? Json(to_iso8601(*waits->starts)) : Json();
  return job;
}

Json time_or_null(const std::optional<Instant>& at) {
  return at ? Json(to_iso8601(*at)) : Json();
}

}  // namespace

Json server_model(const Parts& parts, const Server& server) {
  const store::ServerRecord& record = server.record;
  const std::string which =
      record.name.empty() ? "/server" : "/servers/" + text::percent_encode(record.name);
  Json model = {{"name", record.name},
                {"full_name", server.username + "/" + record.name},
                {"ready", record.phase == Phase::running},
                {"stopped", record.phase == Phase::stopped},
                {"pending", pending_of(server)},
                {"url", server.base_path},
                {"progress_url", parts.settings.base_url + "hub/api/users/" +
                                     text::percent_encode(server.username) + which + "/progress"},
                {"started", time_or_null(record.started)},
                {"last_activity", to_iso8601(last_activity(server))},
                {"user_options", {{"profile", record.profile}, {"values", record.values}}}};
  model["profile"] = record.profile;
  model["launch_id"] = record.launch_id;
  model["stops_at"] = time_or_null(server.stops_at);
  model["kept_until"] = time_or_null(server.kept_until);
  model["queue_position"] = server.progress && server.progress->queue_position() > 0
                                ? Json(server.progress->queue_position())
                                : Json();
  if (Json job = job_of(parts, server); !job.is_null()) model["job"] = std::move(job);
  if (record.phase != Phase::stopped) return model;
  model["started"] = Json();  // as JupyterHub has it: nothing is started
  model["ended"] = time_or_null(record.ended);
  model["ended_by"] = record.ended_by;
  model["cause"] = record.cause ? Json(to_string(*record.cause)) : Json();
  model["exit_code"] = record.exit_code ? Json(*record.exit_code) : Json();
  model["detail"] = record.detail;
  model["error_id"] = record.error_id;
  return model;
}

bool is_admin(const Parts& parts, const store::User& user) {
  const auth::Admission admission = parts.policy.admit(user);
  const auto* admitted = std::get_if<auth::Admitted>(&admission);
  return admitted != nullptr && admitted->admin;
}

namespace {

Json roles_of(const Parts& parts, const store::User& user) {
  const auth::Admission admission = parts.policy.admit(user);
  const auto* admitted = std::get_if<auth::Admitted>(&admission);
  return admitted == nullptr ? Json::array() : Json(admitted->roles);
}

// The servers that `who` may see, and what the default one is doing.
void add_servers(const Parts& parts,
                 const auth::Principal& who,
                 const store::User& user,
                 bool stopped,
                 Json& model) {
  Json active = Json::object();
  Json others = Json::object();
  for (const ServerPtr& server : parts.launcher.of_user(user.id)) {
    const auto target = auth::Target::of_server(user.username, server->record.name, user.groups);
    if (!auth::allowed(who, "read:servers", target)) continue;
    const bool shown = server->active() || stopped;
    (shown ? active : others)[server->record.name] = server_model(parts, *server);
  }
  model["servers"] = std::move(active);
  if (!stopped) model["stopped_servers"] = std::move(others);
}

void add_default_server(const Parts& parts, const store::User& user, Json& model) {
  const ServerPtr server = parts.launcher.find({user.id, ""});
  model["server"] =
      server && server->record.phase == Phase::running ? Json(server->base_path) : Json();
  model["pending"] = server ? pending_of(*server) : Json();
}

Instant last_activity_of(const Parts& parts, const store::User& user) {
  Instant last = user.last_seen;
  for (const ServerPtr& server : parts.launcher.of_user(user.id))
    last = std::max(last, last_activity(*server));
  return last;
}

}  // namespace

// JupyterHub's table of which scope shows which keys.
Json user_model(const Parts& parts,
                const auth::Principal& who,
                const store::User& user,
                bool stopped) {
  const bool admin = is_admin(parts, user);
  const auth::Target target = auth::Target::of_user(user.username, user.groups, admin);
  const auto may = [&](auth::ScopeName what) { return auth::allowed(who, what, target); };
  const bool all = may("read:users");
  Json model = Json::object();
  if (all || may("read:users:name")) model["admin"] = admin;
  if (all || may("read:roles:users")) model["roles"] = roles_of(parts, user);
  if (all || may("read:users:groups")) model["groups"] = user.groups;
  if (all || may("read:users:activity"))
    model["last_activity"] = to_iso8601(last_activity_of(parts, user));
  if (all) {
    model["created"] = to_iso8601(user.created);
    add_default_server(parts, user, model);
  }
  if (auth::has(who, "read:servers")) add_servers(parts, who, user, stopped, model);
  if (model.empty()) return model;
  model["kind"] = "user";
  model["name"] = user.username;
  return model;
}

Task<Result<auth::Membership>> members_for(Parts& parts, auth::Principal who) {
  using Known = std::set<std::pair<std::string, std::string>, std::less<>>;
  auto known = std::make_shared<Known>();
  if (who.rights.names_groups() || (who.narrowed && who.narrowed->names_groups())) {
    auto groups = co_await parts.store.groups().all();
    if (!groups) co_return std::move(groups).error();
    for (const store::Group& group : *groups)
      for (const std::string& user : group.users) known->emplace(user, group.name);
  }
  co_return auth::Membership([known](std::string_view user, std::string_view group) {
    return known->contains(std::pair(std::string(user), std::string(group)));
  });
}

Json token_model(const auth::TokenView& token) {
  return {{"id", token.id},
          {"kind", "api_token"},
          {"user", token.owner().username},
          {"roles", Json::array()},
          {"scopes", token.scopes},
          {"note", token.note},
          {"created", to_iso8601(token.created)},
          {"expires_at", time_or_null(token.expires)},
          {"last_activity", time_or_null(token.last_used())},
          {"session_id", token.session.empty() ? Json() : Json(token.session.substr(0, 16))},
          {"oauth_client", token.client.empty() ? Json() : Json(token.client)}};
}

proxy::HubResponse refuse(const Error& error) {
  return api_error(status_of(error), error.message(), &error);
}

}  // namespace passerelle::hub::api
