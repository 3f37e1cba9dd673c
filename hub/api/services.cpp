// Services over REST: told, added and removed while we run.
#include "hub/services/services.hpp"

#include "hub/accounts.hpp"
#include "hub/api/models.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub::api {
namespace {

constexpr int kOk = 200;
constexpr int kCreated = 201;
constexpr int kBad = 400;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;
constexpr int kNotAllowed = 405;
constexpr int kConflict = 409;

using Service = Services::Service;

proxy::HubResponse lacks(std::string_view scope) {
  return api_error(kForbidden, "Action is not authorized with current scopes; requires any of [" +
                                   std::string(scope) + "]");
}

Json model_of(const Parts& parts, const Call& call, const Service& service) {
  const config::Service& config = service.config;
  const auth::Target target = auth::Target::of_service(config.name);
  Json model = {{"kind", "service"}, {"name", config.name}};
  const bool all = auth::allowed(*call.principal, "read:services", target);
  if (all || auth::allowed(*call.principal, "read:services:name", target))
    model["admin"] = config.admin;
  if (all || auth::allowed(*call.principal, "read:roles:services", target)) {
    std::vector<std::string> scopes;
    std::vector<std::string> roles;
    parts.policy.roles().give_service(config, scopes, roles);
    model["roles"] = roles;
  }
  if (!all) return model;
  model["url"] = config.url;
  model["prefix"] = parts.settings.base_url + "services/" + config.name + "/";
  model["command"] = config.command;
  model["pid"] = service.process ? service.process->pid() : 0;
  model["info"] = Json::parse(service.info, nullptr, false);
  model["display"] = service.display && !config.url.empty();
  return model;
}

/// The members of a body, each of its kind; what we do not know is refused, as a misspelt limit
/// would be none.
class Reader {
 public:
  explicit Reader(const Json& body) : body_(body) {}

  template <class T>
  void take(const char* name, T& into) {
    const auto at = body_.find(name);
    ++known_;
    if (at == body_.end()) {
      --known_;
      return;
    }
    try {
      at->get_to(into);
    } catch (const Json::exception&) {
      wrong_ = name;
    }
  }
  Result<void> done() const {
    if (!wrong_.empty()) return Error(Errc::invalid, wrong_ + ": not of its kind");
    if (known_ != body_.size()) return Error(Errc::invalid, "No such service field");
    return {};
  }

 private:
  const Json& body_;
  std::size_t known_ = 0;
  std::string wrong_;
};

Result<void> check_managed(const Json& body, const std::string& name) {
  for (const char* key : {"command", "cwd", "environment", "user"})
    if (body.contains(key) && !body[key].empty() && body[key] != "")
      return Error(Errc::invalid, "Can not create managed service " + name + " at runtime");
  return {};
}

/// The body as JupyterHub 5 takes it.
Result<Service> read_service(const Json& body, const std::string& name) {
  if (!body.is_object()) return Error(Errc::invalid, "Invalid service data");
  if (auto good = check_managed(body, name); !good) return std::move(good).error();
  Service service;
  config::Service& one = service.config;
  std::string said = name;
  std::string client = "service-" + name;
  bool no_confirm = false;
  double timeout = 0;
  Json info = Json::object();
  Json unused;
  Reader reader(body);
  reader.take("name", said);
  reader.take("oauth_client_id", client);
  reader.take("oauth_no_confirm", no_confirm);
  reader.take("oauth_redirect_uri", one.redirect_uri);
  reader.take("oauth_client_allowed_scopes", one.client_scopes);
  reader.take("api_token", one.api_token.value);
  reader.take("url", one.url);
  reader.take("admin", one.admin);
  reader.take("display", service.display);
  reader.take("info", info);
  reader.take("timeout", timeout);
  for (const char* empty : {"command", "cwd", "environment", "user"}) reader.take(empty, unused);
  if (auto good = reader.done(); !good) return std::move(good).error();
  if (client != "service-" + name)
    return Error(Errc::invalid, "oauth_client_id: it is service-" + name);
  if (!info.is_object()) return Error(Errc::invalid, "info: not an object");
  one.name = name;  // the path's, as with JupyterHub
  one.confirm = !no_confirm;
  service.info = info.dump(-1, ' ', false, Json::error_handler_t::replace);
  return service;
}

Result<void> check_limits(const Service& service) {
  constexpr std::size_t kShortest = 8;
  constexpr std::size_t kLongest = 64;
  constexpr std::size_t kMostBytes = 4096;
  constexpr std::size_t kMostScopes = 100;
  const config::Service& one = service.config;
  const std::size_t token = one.api_token.value.size();
  if (token != 0 && (token < kShortest || token > kLongest))
    return Error(Errc::invalid, "api_token: 8 to 64 characters");
  if (one.url.size() > kMostBytes || one.redirect_uri.size() > kMostBytes ||
      service.info.size() > kMostBytes || one.client_scopes.size() > kMostScopes)
    return Error(Errc::invalid, "Invalid service data: too long");
  const auto control = [](unsigned char c) { return c < 0x21 || c == 0x7f; };
  if (std::any_of(one.redirect_uri.begin(), one.redirect_uri.end(), control))
    return Error(Errc::invalid, "oauth_redirect_uri: not an address");
  return {};
}

/// Nobody adds a service that may do more than they.
Task<Result<void>> check_rights(Parts& parts, const auth::Principal& who, const Service& service) {
  if (service.config.admin && !auth::whole_administrator(who))
    co_return Error(Errc::forbidden, "only administrators make administrators");
  const std::vector<std::string> scopes = service.config.client_scopes;
  if (scopes.empty()) co_return Result<void>();
  if (std::find(scopes.begin(), scopes.end(), "inherit") != scopes.end())
    co_return Error(Errc::invalid, "oauth_client_allowed_scopes: not inherit");
  auth::Principal asker = who;
  auto members = co_await members_for(parts, std::move(asker));
  if (!members) co_return std::move(members).error();
  co_return auth::may_hand_out(who, *who.account, scopes, *members);
}

void record(Parts& parts, const Call& call, std::string action, const std::string& name) {
  store::AuditEvent event;
  event.at = parts.clock.now();
  event.actor = std::string(call.username());
  event.action = std::move(action);
  event.target = "service/" + name;
  event.result = "ok";
  event.peer = call.request.peer;
  parts.store.audit().append(std::move(event));
}

std::optional<proxy::HubResponse> refused(const Call& call, const std::string& name) {
  if (auth::allowed(*call.principal, "admin:services", auth::Target::of_service(name)))
    return std::nullopt;
  if (!auth::has(*call.principal, "admin:services")) return lacks("admin:services");
  return api_error(kNotFound, "No access to resources or resources not found");
}

}  // namespace

Task<Answer> services(Parts& parts, Call& call) {
  if (!auth::has(*call.principal, "list:services")) co_return lacks("list:services");
  Json all = Json::object();
  for (const auto& [name, one] : parts.services.all())
    if (auth::allowed(*call.principal, "list:services", auth::Target::of_service(name)))
      all[name] = model_of(parts, call, one);
  co_return json(kOk, all);
}

Task<Answer> service(Parts& parts, Call& call) {
  if (!auth::has(*call.principal, "read:services:name")) co_return lacks("read:services");
  const Service* one = parts.services.find(call.args[0]);
  if (one == nullptr || !auth::allowed(*call.principal, "read:services:name",
                                       auth::Target::of_service(one->config.name)))
    co_return api_error(kNotFound, "No access to resources or resources not found");
  co_return json(kOk, model_of(parts, call, *one));
}

Task<Answer> add_service(Parts& parts, Call& call) {
  const std::string name = call.args[0];
  if (auto no = refused(call, name)) co_return std::move(*no);
  if (parts.services.find(name) != nullptr)
    co_return api_error(kConflict, "Service " + name + " already exists");
  auto wanted = read_service(Json::parse(call.request.body, nullptr, false), name);
  if (!wanted) co_return api_error(kBad, wanted.error().message());
  if (auto good = check_limits(*wanted); !good) co_return api_error(kBad, good.error().message());
  auto may = co_await check_rights(parts, *call.principal, *wanted);
  if (!may) co_return refuse(may.error());
  auto added = co_await parts.services.add(std::move(*wanted));
  if (!added && added.error().code() == Errc::conflict)
    co_return api_error(kConflict, added.error().message());
  if (!added) co_return refuse(added.error());
  record(parts, call, "service-create", name);
  const Service* one = parts.services.find(name);
  if (one == nullptr) co_return api_error(kConflict, "it was removed meanwhile");
  co_return json(kCreated, model_of(parts, call, *one));
}

Task<Answer> remove_service(Parts& parts, Call& call) {
  const std::string name = call.args[0];
  if (auto no = refused(call, name)) co_return std::move(*no);
  std::string gone = name;
  auto removed = co_await parts.services.remove(std::move(gone));
  if (!removed && removed.error().code() == Errc::not_found)
    co_return api_error(kNotFound, removed.error().message());
  if (!removed && removed.error().code() == Errc::forbidden)
    co_return api_error(kNotAllowed, removed.error().message());
  if (!removed) co_return refuse(removed.error());
  record(parts, call, "service-delete", name);
  co_return proxy::HubResponse{kOk, {{"Content-Type", "text/plain"}}, ""};
}

}  // namespace passerelle::hub::api
