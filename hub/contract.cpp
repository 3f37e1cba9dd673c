#include "hub/contract.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "config/values.hpp"

namespace passerelle::hub {
namespace {

std::string list_text(const std::vector<std::string>& scopes) {
  return nlohmann::json(scopes).dump();
}

bool any_address(const std::string& address) {
  return address == "0.0.0.0" || address == "::" || address.empty();
}

}  // namespace

std::string client_id_of(std::string_view username, std::string_view server) {
  std::string id = "jupyterhub-user-";
  for (const char c : text::percent_encode(username))
    if (c == '-')
      id += "%2D";
    else
      id += c;
  if (!server.empty()) id.append("-").append(text::percent_encode(server));
  return id;
}

Contract::Contract(const config::Settings& settings,
                   const auth::Policy& policy,
                   auth::TokenTable& tokens,
                   const Origins& origins,
                   std::function<std::uint16_t()> port)
    : settings_(settings),
      policy_(policy),
      tokens_(tokens),
      origins_(origins),
      port_(std::move(port)) {}

Result<void> Contract::enter(const Server& server, const store::User& owner) {
  auth::Admission admission = policy_.admit(owner);
  auto* admitted = std::get_if<auth::Admitted>(&admission);
  if (admitted == nullptr) return Error(Errc::forbidden, "this user may not come in");
  auto scopes = policy_.roles().of_server(server.username, server.record.name);
  auto lent = tokens_.lend(server.secret, auth::make_account(owner, std::move(*admitted)),
                           std::move(scopes), "server " + server.base_path);
  if (!lent) return std::move(lent).error();
  return {};
}

void Contract::leave(const Server& server) {
  if (tokens_.withdraw(server.secret))
    tokens_.end_of_client(client_id_of(server.username, server.record.name));
}

std::string Contract::api_url() const {
  const std::string path = settings_.base_url + "hub/api";
  if (!settings_.hub_url.empty()) {
    std::string url = settings_.hub_url;
    while (url.ends_with('/')) url.pop_back();
    return url + path;
  }
  const bool plain = settings_.plain_http && !(settings_.https.on() && settings_.redirect);
  if (!plain) return config::origin_of(settings_.public_url) + path;
  const std::string& address = settings_.listen.address;
  const std::string host = any_address(address)                     ? "127.0.0.1"
                           : address.find(':') != std::string::npos ? "[" + address + "]"
                                                                    : address;
  return "http://" + host + ":" + std::to_string(port_()) + path;
}

std::string Contract::callback_url(const Server& server) const {
  const std::string origin =
      origins_.on() ? origins_.of(origin_label(server.username)) : std::string();
  return origin + server.base_path + "oauth_callback";
}

std::map<std::string, std::string> Contract::environment(const Server& server,
                                                         const config::Profile& profile) const {
  const std::string name = server.username + "/" + server.record.name;
  const std::string access =
      list_text({"access:servers!server=" + name, "access:servers!user=" + server.username});
  const std::string api = api_url();
  const std::string hub = config::origin_of(settings_.public_url);
  const std::string origin = origins_.on() ? origins_.of(origin_label(server.username)) : hub;
  std::map<std::string, std::string> all = {
      {"JUPYTERHUB_API_TOKEN", server.secret},
      {"JPY_API_TOKEN", server.secret},
      {"JUPYTERHUB_CLIENT_ID", client_id_of(server.username, server.record.name)},
      {"JUPYTERHUB_OAUTH_CALLBACK_URL", callback_url(server)},
      {"JUPYTERHUB_OAUTH_ACCESS_SCOPES", access},
      {"JUPYTERHUB_OAUTH_SCOPES", access},
      {"JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES", "[]"},
      {"JUPYTERHUB_USER", server.username},
      {"JUPYTERHUB_SERVER_NAME", server.record.name},
      {"JUPYTERHUB_API_URL", api},
      {"JUPYTERHUB_ACTIVITY_URL",
       api + "/users/" + text::percent_encode(server.username) + "/activity"},
      {"JUPYTERHUB_BASE_URL", settings_.base_url},
      {"JUPYTERHUB_HOST", origins_.on() ? origins_.hub() : ""},
      {"JUPYTERHUB_SERVICE_PREFIX", server.base_path},
      {"JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED", "0"},
      {"JUPYTERHUB_PUBLIC_URL", origin.empty() ? "" : origin + server.base_path},
      {"JUPYTERHUB_PUBLIC_HUB_URL", hub.empty() ? "" : hub + settings_.base_url + "hub/"}};
  if (!profile.default_url.empty())
    all["JUPYTERHUB_DEFAULT_URL"] =
        (profile.default_url.starts_with('/') ? "" : "/") + profile.default_url;
  return all;
}

}  // namespace passerelle::hub
