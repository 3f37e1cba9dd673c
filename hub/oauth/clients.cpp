#include "hub/oauth/clients.hpp"

#include "hub/services/services.hpp"
#include "hub/subject.hpp"

namespace passerelle::hub {
namespace {

constexpr const char* kIdentify[] = {"read:users:name!user", "read:users:groups!user"};

Client client_of(const Parts& parts, const ServerPtr& server) {
  Client client;
  client.id = client_id_of(server->username, server->record.name);
  client.secret = server->secret;
  client.redirect_uri = parts.contract.callback_url(*server);
  client.title = server->username + "/" + server->record.name;
  client.scopes = {"access:servers!server=" + client.title};
  client.scopes.insert(client.scopes.end(), std::begin(kIdentify), std::end(kIdentify));
  client.server = server;
  return client;
}

Client client_of(const config::Settings& settings, const config::Service& service) {
  Client client;
  client.id = "service-" + service.name;
  client.secret = service.api_token.value;
  client.redirect_uri = service.redirect_uri.empty()
                            ? settings.base_url + "services/" + service.name + "/oauth_callback"
                            : service.redirect_uri;
  client.title = service.name;
  client.scopes = {"access:services!service=" + service.name};
  client.scopes.insert(client.scopes.end(), std::begin(kIdentify), std::end(kIdentify));
  client.scopes.insert(client.scopes.end(), service.client_scopes.begin(),
                       service.client_scopes.end());
  client.service = service.name;
  client.confirm = service.confirm;
  return client;
}

}  // namespace

std::optional<Client> find_client(const Parts& parts, std::string_view id) {
  if (id.starts_with("service-"))
    if (const Services::Service* service = parts.services.find(id.substr(8)))
      return client_of(parts.settings, service->config);
  for (const auto& [key, server] : parts.launcher.all())
    if (server->active() && client_id_of(server->username, key.name) == id &&
        Contract::applies(find_profile(parts.settings, server->record.profile)))
      return client_of(parts, server);
  return std::nullopt;
}

bool may_visit(const auth::Principal& who, const Client& client) {
  if (client.server)
    return auth::allowed(
        who, "access:servers",
        auth::Target::of_server(client.server->username, client.server->record.name,
                                client.server->groups));
  return auth::allowed(who, "access:services", auth::Target::of_service(client.service));
}

}  // namespace passerelle::hub
