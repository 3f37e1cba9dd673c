#include "hub/api/models.hpp"

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
  model["queue_position"] = server.progress && server.progress->queue_position() > 0
                                ? Json(server.progress->queue_position())
                                : Json();
  if (Json job = job_of(parts, server); !job.is_null()) model["job"] = std::move(job);
  if (record.phase != Phase::stopped) return model;
  model["ended"] = time_or_null(record.ended);
  model["ended_by"] = record.ended_by;
  model["cause"] = record.cause ? Json(to_string(*record.cause)) : Json();
  model["exit_code"] = record.exit_code ? Json(*record.exit_code) : Json();
  model["detail"] = record.detail;
  model["error_id"] = record.error_id;
  return model;
}

Json user_model(const Parts& parts, const store::User& user, bool admin) {
  Json servers = Json::object();
  Json default_url;
  Json pending;
  Json stopped = Json::object();
  for (const ServerPtr& server : parts.launcher.of_user(user.id)) {
    (server->active() ? servers : stopped)[server->record.name] = server_model(parts, *server);
    if (!server->record.name.empty()) continue;
    if (server->record.phase == Phase::running) default_url = server->base_path;
    pending = pending_of(*server);
  }
  return {{"kind", "user"},
          {"name", user.username},
          {"admin", admin},
          {"groups", user.groups},
          {"server", default_url},
          {"pending", pending},
          {"servers", servers},
          {"stopped_servers", stopped},
          {"created", to_iso8601(user.created)},
          {"last_activity", to_iso8601(user.last_seen)}};
}

Json token_model(const auth::TokenView& token) {
  return {{"id", token.id},
          {"kind", "api_token"},
          {"user", token.owner().username},
          {"scopes", token.scopes},
          {"note", token.note},
          {"created", to_iso8601(token.created)},
          {"expires_at", time_or_null(token.expires)},
          {"last_activity", time_or_null(token.last_used())}};
}

proxy::HubResponse refuse(const Error& error) {
  return api_error(status_of(error), error.message(), &error);
}

}  // namespace passerelle::hub::api
