#include "hub/services/services.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <set>

#include <boost/asio/co_spawn.hpp>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "config/values.hpp"
#include "hub/server.hpp"

namespace passerelle::hub {
namespace {

using nlohmann::json;

constexpr const char* kKept = "services";
constexpr std::string_view kPurpose = "service";
constexpr std::size_t kMostAdded = 1000;
constexpr std::size_t kLongestName = 64;

/// A path segment, a part of a client id, and a key in lists.
bool good_name(std::string_view name) {
  const auto good = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= kLongestName && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), good);
}

Result<Upstream> upstream_of(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return Error(Errc::invalid, "url: not a plain HTTP address");
  const std::string address = url.substr(kScheme.size());
  return upstream_from_string("tcp:" + address.substr(0, address.find('/')));
}

std::string to_text(const Services::Service& service) {
  const config::Service& one = service.config;
  return json{{"api_token", one.api_token.value},
              {"admin", one.admin},
              {"url", one.url},
              {"redirect_uri", one.redirect_uri},
              {"client_scopes", one.client_scopes},
              {"confirm", one.confirm},
              {"info", service.info},
              {"display", service.display}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<Services::Service> from_text(std::string name, const std::string& text) {
  const json read = json::parse(text, nullptr, false);
  if (!read.is_object()) return std::nullopt;
  Services::Service service;
  service.configured = false;
  service.config.name = std::move(name);
  service.config.api_token.value = read.value("api_token", "");
  service.config.admin = read.value("admin", false);
  service.config.url = read.value("url", "");
  service.config.redirect_uri = read.value("redirect_uri", "");
  service.config.client_scopes = read.value("client_scopes", std::vector<std::string>());
  service.config.confirm = read.value("confirm", true);
  service.info = read.value("info", "{}");
  service.display = read.value("display", true);
  return service;
}

}  // namespace

Result<void> Services::open() {
  if (!around_.settings.rbac) return {};
  for (const config::Service& one : around_.settings.rbac->services) {
    Service service;
    service.config = one;
    if (auto entered = enter(std::move(service)); !entered)
      return std::move(entered).error().within("services." + one.name);
  }
  return {};
}

Result<void> Services::enter(Service service) {
  config::Service& config = service.config;
  if (config.api_token.empty()) config.api_token.value = secrets::random_token();
  auth::Account account;
  account.id = last_id_ - 1;
  account.service = true;
  account.username = config.name;
  account.display_name = config.name;
  account.admin = config.admin;
  around_.policy.roles().give_service(config, account.scopes, account.roles);
  std::shared_ptr<proxy::Route> route;
  if (!config.url.empty()) {
    auto upstream = upstream_of(config.url);
    if (!upstream) return std::move(upstream).error();
    route = std::make_shared<proxy::Route>();
    route->prefix = around_.settings.base_url + "services/" + config.name + "/";
    route->upstream = std::move(*upstream);
    route->for_gate = std::make_shared<const RouteOwner>(RouteOwner{"", config.name, {}, "", true});
  }
  auto lent = around_.tokens.lend(config.api_token.value,
                                  std::make_shared<const auth::Account>(std::move(account)),
                                  {"inherit"}, "service " + config.name);
  if (!lent) return std::move(lent).error();
  --last_id_;
  if (route) around_.routes.add(std::move(route));
  std::string name = config.name;
  all_.insert_or_assign(std::move(name), std::move(service));
  return {};
}

void Services::drop(Map::iterator at) {
  const config::Service& config = at->second.config;
  around_.tokens.withdraw(config.api_token.value);
  around_.tokens.end_of_client("service-" + config.name);
  if (!config.url.empty())
    around_.routes.remove(around_.settings.base_url + "services/" + config.name + "/");
  all_.erase(at);
}

Task<Result<void>> Services::load() {
  auto rows = co_await around_.kept.all(kKept);
  if (!rows) co_return std::move(rows).error();
  for (const auto& [name, sealed] : *rows) {
    if (find(name) != nullptr) {
      log::warn("services", "the configuration has it by now; the added one is forgotten",
                {{"service", name}});
      auto erased = co_await around_.kept.erase(kKept, name);
      if (!erased) co_return erased;
      continue;
    }
    const auto text = around_.sealer.open(sealed, kPurpose);
    auto service = text ? from_text(name, *text) : std::nullopt;
    const auto entered = service ? enter(std::move(*service))
                                 : Result<void>(Error(Errc::invalid, "it cannot be read"));
    if (!entered)
      log::error("services", "cannot take up a service that was added",
                 {{"service", name}, {"why", entered.error().message()}});
  }
  co_return Result<void>();
}

void Services::end_strangers(const std::vector<store::User>& users) {
  constexpr std::string_view kPrefix = "service-";
  std::set<std::string> gone;
  for (const store::User& user : users)
    for (const auth::TokenPointer& token : around_.tokens.of_user(user.id))
      if (token->client.starts_with(kPrefix) &&
          find(token->client.substr(kPrefix.size())) == nullptr)
        gone.insert(token->client);
  for (const std::string& client : gone) around_.tokens.end_of_client(client);
}

Task<Result<void>> Services::add(Service service) {
  const config::Service& config = service.config;
  const std::string name = config.name;
  if (!good_name(name)) co_return Error(Errc::invalid, "not a name for a service");
  if (find(name) != nullptr) co_return Error(Errc::conflict, "Service " + name + " already exists");
  const auto added = std::count_if(all_.begin(), all_.end(),
                                   [](const auto& one) { return !one.second.configured; });
  if (static_cast<std::size_t>(added) >= kMostAdded)
    co_return Error(Errc::exhausted, "1000 services were added already");
  if (!config.api_token.empty() && around_.tokens.verify(config.api_token.value))
    co_return Error(Errc::conflict, "api_token: somebody has it already; make another one");
  service.configured = false;
  if (auto entered = enter(std::move(service)); !entered) co_return entered;
  std::string key = name;
  std::string sealed = around_.sealer.seal(to_text(all_.find(name)->second), kPurpose);
  auto stored = co_await around_.kept.put(kKept, std::move(key), std::move(sealed));
  if (!stored)
    if (const auto at = all_.find(name); at != all_.end()) drop(at);
  co_return stored;
}

Task<Result<void>> Services::remove(std::string name) {
  const auto at = all_.find(name);
  if (at == all_.end()) co_return Error(Errc::not_found, "Service " + name + " does not exist");
  if (at->second.configured)
    co_return Error(Errc::forbidden, "Service " + name + " is not modifiable at runtime");
  drop(at);
  auto erased = co_await around_.kept.erase(kKept, std::move(name));
  co_return erased;
}

void Services::finish_leaving() {
  for (auto& [name, service] : all_)
    if (service.process) service.process->finish_leaving();
}

const Services::Service* Services::find(std::string_view name) const {
  const auto at = all_.find(name);
  return at == all_.end() ? nullptr : &at->second;
}

Result<void> Services::start() {
  for (auto& [name, service] : all_) {
    if (!service.config.managed()) continue;
    service.process = std::make_unique<ServiceProcess>(around_.loop);
    ServiceProcess::Order order{name, service.config.command, environment(service),
                                service.config.cwd, service.config.user};
    if (auto started = service.process->start(std::move(order)); !started)
      return std::move(started).error().within("services." + name);
  }
  return {};
}

Task<void> Services::stop() {
  const auto left = std::make_shared<std::size_t>(0);  // side by side: each may take its patience
  for (auto& [name, service] : all_) {
    if (!service.process) continue;
    ++*left;
    asio::co_spawn(around_.loop, service.process->stop(),
                   [left](const std::exception_ptr&) { --*left; });
  }
  while (*left > 0) co_await sleep_for(std::chrono::milliseconds(10));
}

void Services::leave() {
  for (auto& [name, service] : all_)
    if (service.process) service.process->leave();
}

/// JupyterHub's, for a program on this machine.
std::map<std::string, std::string> Services::environment(const Service& service) const {
  const config::Service& one = service.config;
  const std::string& base = around_.settings.base_url;
  const std::string prefix = base + "services/" + one.name + "/";
  const std::string access =
      json::array({"access:services", "access:services!service=" + one.name}).dump();
  const std::string origin = config::origin_of(around_.settings.public_url);
  std::map<std::string, std::string> all = one.environment;
  for (const char* name : {"PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV"})
    if (const char* value = std::getenv(name)) all.try_emplace(name, value);
  const std::pair<const char*, std::string> given[] = {
      {"JUPYTERHUB_SERVICE_NAME", one.name},
      {"JUPYTERHUB_API_TOKEN", one.api_token.value},
      {"JPY_API_TOKEN", one.api_token.value},
      {"JUPYTERHUB_API_URL", around_.contract.api_url()},
      {"JUPYTERHUB_BASE_URL", base},
      {"JUPYTERHUB_HOST", around_.origins.on() ? around_.origins.hub() : ""},
      {"JUPYTERHUB_CLIENT_ID", "service-" + one.name},
      {"JUPYTERHUB_OAUTH_CALLBACK_URL",
       one.redirect_uri.empty() ? prefix + "oauth_callback" : one.redirect_uri},
      {"JUPYTERHUB_OAUTH_ACCESS_SCOPES", access},
      {"JUPYTERHUB_OAUTH_SCOPES", access},
      {"JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES", json(one.client_scopes).dump()},
      {"JUPYTERHUB_USER", one.user},
      {"JUPYTERHUB_SERVER_NAME", ""},
      {"JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED", "0"},
      {"JUPYTERHUB_PUBLIC_URL", origin.empty() || one.url.empty() ? "" : origin + prefix},
      {"JUPYTERHUB_PUBLIC_HUB_URL", origin.empty() ? "" : origin + base + "hub/"}};
  for (const auto& [name, value] : given) all.try_emplace(name, value);
  if (!one.url.empty()) {
    all.try_emplace("JUPYTERHUB_SERVICE_URL", one.url);
    all.try_emplace("JUPYTERHUB_SERVICE_PREFIX", prefix);
  }
  return all;
}

}  // namespace passerelle::hub
