#include "hub/import/translate.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"

namespace passerelle::hub {
namespace {

using Json = nlohmann::json;
using Ordered = nlohmann::ordered_json;

// The part of a trait's name behind the class: spawners and authenticators have many classes.
std::string_view trait_of(std::string_view name) {
  return name.substr(name.find('.') + 1);
}

std::string_view class_of(std::string_view name) {
  return name.substr(0, name.find('.'));
}

std::string words_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

Ordered names_in(const Json& value) {
  Ordered names = Ordered::array();
  if (value.is_array())
    for (const Json& one : value)
      if (one.is_string()) names.push_back(one.get<std::string>());
  return names;
}

std::string duration(const Json& value) {
  return std::to_string(static_cast<std::int64_t>(value.get<double>())) + "s";
}

// "2G" is what both write; a bare number is bytes there.
Ordered memory(const Json& value) {
  if (value.is_number()) return std::to_string(value.get<std::int64_t>() / (1 << 20)) + "MiB";
  std::string text = words_of(value);
  if (!text.empty() && std::string_view("KMGT").find(text.back()) != std::string_view::npos)
    text += "iB";
  return text;
}

class Translator {
 public:
  explicit Translator(Translation& into) : into_(into), settings_(into.settings) {}

  void begin() {
    settings_["data_dir"] = "/var/lib/passerelle";
    settings_["authenticators"] = {{"login", {{"type", "pam"}}}};
    settings_["access"] = {{"allow", "all"}};
    settings_["spawners"] = {{"here", {{"type", "local"}}}};
    profile() = {{"name", "jupyter"},
                 {"spawner", "here"},
                 {"command", {"jupyterhub-singleuser"}},
                 {"access", "jupyterhub"}};
  }

  // True if the trait is known.
  bool take(const Traits::Set& set) {
    const std::string name = set.name;
    for (const auto& [known, rule] : rules()) {
      const bool any_class = known.starts_with("*.");
      if (any_class ? trait_of(name) != trait_of(known) : name != known) continue;
      if (any_class && class_of(name) == "JupyterHub") continue;
      (this->*rule)(set);
      return true;
    }
    return false;
  }

  void end() {
    if (!allowed_ && !seen_allow_all_) {
      settings_["access"]["allow"] = "all";
      advise(
          "access.allow: JupyterHub before 5 let everybody in who could sign in; so does `all`. "
          "Name users or groups instead if that is too many");
    }
  }

  void advise(std::string line) { into_.advice.push_back(std::move(line)); }

 private:
  using Rule = void (Translator::*)(const Traits::Set&);
  using Rules = std::vector<std::pair<std::string_view, Rule>>;

  static const Rules& rules() {
    using T = Translator;
    static const Rules all = {
        {"JupyterHub.authenticator_class", &T::authenticator},
        {"JupyterHub.spawner_class", &T::spawner},
        {"*.admin_users", &T::admins},
        {"*.allowed_users", &T::allowed},
        {"*.whitelist", &T::allowed},
        {"*.allow_all", &T::allow_all},
        {"*.blocked_users", &T::blocked},
        {"*.auto_login", &T::auto_login},
        {"*.client_id", &T::client_id},
        {"*.client_secret", &T::client_secret},
        {"*.username_claim", &T::username_claim},
        {"*.username_key", &T::username_claim},
        {"*.authorize_url", &T::authorize_url},
        {"*.token_url", &T::token_url},
        {"*.userdata_url", &T::userinfo_url},
        {"*.scope", &T::scope},
        {"JupyterHub.bind_url", &T::bind_url},
        {"JupyterHub.port", &T::port},
        {"JupyterHub.ip", &T::ip},
        {"JupyterHub.base_url", &T::base_url},
        {"JupyterHub.public_url", &T::public_url},
        {"JupyterHub.subdomain_host", &T::subdomain_host},
        {"JupyterHub.ssl_cert", &T::ssl_cert},
        {"JupyterHub.ssl_key", &T::ssl_key},
        {"JupyterHub.trusted_downstream_ips", &T::trusted},
        {"JupyterHub.services", &T::services},
        {"JupyterHub.load_groups", &T::groups},
        {"JupyterHub.load_roles", &T::roles},
        {"JupyterHub.custom_scopes", &T::custom_scopes},
        {"JupyterHub.cleanup_servers", &T::cleanup_servers},
        {"JupyterHub.concurrent_spawn_limit", &T::spawn_limit},
        {"JupyterHub.active_server_limit", &T::server_limit},
        {"JupyterHub.named_server_limit_per_user", &T::named_limit},
        {"JupyterHub.allow_named_servers", &T::named_servers},
        {"JupyterHub.cookie_max_age_days", &T::cookie_days},
        {"*.cmd", &T::command},
        {"*.args", &T::arguments},
        {"*.default_url", &T::default_url},
        {"*.notebook_dir", &T::notebook_dir},
        {"*.environment", &T::environment},
        {"*.mem_limit", &T::mem_limit},
        {"*.cpu_limit", &T::cpu_limit},
        {"*.start_timeout", &T::start_timeout},
        {"*.image", &T::image},
        {"*.network_name", &T::network},
        {"JupyterHub.db_url", &T::needless},
        {"JupyterHub.cookie_secret", &T::needless},
        {"JupyterHub.cookie_secret_file", &T::needless},
        {"JupyterHub.hub_ip", &T::hub_address},
        {"JupyterHub.hub_port", &T::needless},
        {"JupyterHub.hub_bind_url", &T::needless},
        {"JupyterHub.hub_connect_ip", &T::hub_address},
        {"JupyterHub.hub_connect_url", &T::hub_address},
        {"JupyterHub.admin_access", &T::needless},
        {"JupyterHub.cleanup_proxy", &T::needless},
        {"JupyterHub.last_activity_interval", &T::needless},
        {"JupyterHub.proxy_class", &T::needless},
        {"JupyterHub.log_level", &T::log_level},
        {"ConfigurableHTTPProxy.api_url", &T::needless},
        {"ConfigurableHTTPProxy.auth_token", &T::needless},
        {"ConfigurableHTTPProxy.should_start", &T::needless},
        {"*.http_timeout", &T::needless},
        {"*.poll_interval", &T::needless},
        {"*.debug", &T::needless},
        {"*.enable_auth_state", &T::needless},
        {"*.remove", &T::needless},
        {"*.use_internal_ip", &T::needless},
    };
    return all;
  }

  Ordered& profile() { return settings_["profiles"][0]; }
  Ordered& login() { return settings_["authenticators"]["login"]; }
  Ordered& where() { return settings_["spawners"]["here"]; }
  void advise(const Traits::Set& set, const std::string& words) {
    advise("line " + std::to_string(set.line) + ", " + set.name + ": " + words);
  }

  void needless(const Traits::Set&) {}

  void authenticator(const Traits::Set& set) {
    const std::string name = text::ascii_lower(words_of(set.value));
    const auto has = [&](std::string_view part) { return name.find(part) != std::string::npos; };
    if (has("dummy")) {
      login() = {{"type", "dummy"}, {"password_file", "./password.txt"}};
      advise(set, "write the password that everybody knows into ./password.txt, mode 0600");
    } else if (has("ldap")) {
      login() = {{"type", "ldap"}, {"uri", "ldaps://ldap.example.org"}};
      advise(set, "write `uri`, `user_dn` or `user_base` below authenticators.login");
    } else if (has("lti")) {
      const bool old = has("lti11");
      login() = {{"type", old ? "lti11" : "lti13"}};
      advise(set, old ? "write `consumers` below authenticators.login"
                      : "write `platforms` below authenticators.login");
    } else if (has("pam") || name == "local") {
      login() = {{"type", "pam"}};
    } else {
      oidc(set, name);
    }
  }

  void oidc(const Traits::Set& set, const std::string& name) {
    Ordered method = {{"type", "oidc"}};
    for (const char* preset : {"github", "google", "gitlab", "cilogon"})
      if (name.find(preset) != std::string::npos) method["preset"] = preset;
    if (name.find("azure") != std::string::npos) method["preset"] = "entra";
    method["client_id"] = login().value("client_id", "");
    login() = std::move(method);
    advise(set,
           "people of an OpenID provider are known by its subject: keep `username_claim` as it "
           "was, or imported accounts are somebody else's; write `issuer` and "
           "`client_secret_file`");
  }

  void spawner(const Traits::Set& set) {
    const std::string name = text::ascii_lower(words_of(set.value));
    const auto has = [&](std::string_view part) { return name.find(part) != std::string::npos; };
    if (has("docker")) where() = {{"type", "docker"}};
    if (has("kube")) where() = {{"type", "kubernetes"}};
    if (has("sudo") || has("systemd")) advise(set, "servers run as `system_user` of spawners.here");
    if (has("slurm") || has("batch") || has("oar")) {
      where() = {{"type", has("oar") ? "oar" : "slurm"}};
      advise(set, "what the job asks for stands below the profile");
    }
  }

  void admins(const Traits::Set& set) {
    settings_["access"]["admins"] = {{"users", names_in(set.value)}};
  }
  void allowed(const Traits::Set& set) {
    allowed_ = true;
    if (!seen_allow_all_) settings_["access"]["allow"] = {{"users", names_in(set.value)}};
  }
  void allow_all(const Traits::Set& set) {
    if (set.value != true) return;
    seen_allow_all_ = true;
    settings_["access"]["allow"] = "all";
  }
  void blocked(const Traits::Set& set) {
    settings_["access"]["block"] = {{"users", names_in(set.value)}};
  }
  void auto_login(const Traits::Set& set) {
    if (set.value == true) settings_["auto_login"] = true;
  }

  void of_oidc(const Traits::Set& set, const char* key) {
    if (login().value("type", "") == "oidc")
      login()[key] = set.value;
    else
      advise(set, "counts for type oidc only");
  }
  void client_id(const Traits::Set& set) { of_oidc(set, "client_id"); }
  void client_secret(const Traits::Set& set) {
    advise(set, "write it into a file, mode 0600: `client_secret_file`");
  }
  void username_claim(const Traits::Set& set) { of_oidc(set, "username_claim"); }
  void authorize_url(const Traits::Set& set) { of_oidc(set, "authorize_url"); }
  void token_url(const Traits::Set& set) { of_oidc(set, "token_url"); }
  void userinfo_url(const Traits::Set& set) { of_oidc(set, "userinfo_url"); }
  void scope(const Traits::Set& set) { of_oidc(set, "scope"); }

  void bind_url(const Traits::Set& set) {
    std::string url = words_of(set.value);
    const std::size_t host = url.find("://");
    if (host == std::string::npos) return advise(set, "is no address");
    const std::size_t path = url.find('/', host + 3);
    std::string at = url.substr(host + 3, path == std::string::npos ? path : path - host - 3);
    if (at.starts_with(":")) at = "0.0.0.0" + at;
    if (at.find(':') == std::string::npos) at += ":8000";
    settings_["listen"]["http"] = at;
    if (path != std::string::npos && url.size() > path + 1) base(url.substr(path));
  }
  void port(const Traits::Set& set) { listen(address_, words_of(set.value)); }
  void ip(const Traits::Set& set) { listen(words_of(set.value), port_); }
  void listen(std::string address, std::string port) {
    address_ = address.empty() ? "0.0.0.0" : std::move(address);
    port_ = std::move(port);
    settings_["listen"]["http"] = address_ + ":" + port_;
  }
  void base(std::string path) {
    if (!path.ends_with('/')) path += '/';
    base_ = std::move(path);
    advise("public_url: write the address that people use, with the path " + base_);
  }
  void base_url(const Traits::Set& set) {
    if (words_of(set.value) != "/") base(words_of(set.value));
  }
  void public_url(const Traits::Set& set) { settings_["public_url"] = set.value; }
  void subdomain_host(const Traits::Set& set) {
    std::string host = words_of(set.value);
    host = host.substr(host.find("://") == std::string::npos ? 0 : host.find("://") + 3);
    settings_["subdomain_host"] = host.substr(0, host.find_first_of(":/"));
    advise(set, "servers are then at <user>.<host>: see docs/subdomains.md");
  }
  void ssl_cert(const Traits::Set& set) { settings_["listen"]["https"]["cert"] = set.value; }
  void ssl_key(const Traits::Set& set) { settings_["listen"]["https"]["key"] = set.value; }
  void trusted(const Traits::Set& set) { settings_["trusted_proxies"] = names_in(set.value); }

  void services(const Traits::Set& set) {
    if (!set.value.is_array()) return advise(set, "is no list");
    for (const Json& one : set.value) {
      if (!one.is_object() || !one.value("name", Json()).is_string()) continue;
      const std::string name = one["name"].get<std::string>();
      Ordered& service = settings_["services"][name];
      const bool managed = one.contains("command") && !one["command"].empty();
      if (!managed || one.contains("api_token")) service["api_token_file"] = "./" + name + ".token";
      if (managed) managed_service(one, service);
      if (one.value("url", Json()).is_string()) service["url"] = one["url"];
      if (one.value("admin", Json()) == true) service["admin"] = true;
      if (one.value("oauth_no_confirm", Json()) == true) service["confirm"] = false;
      if (service.contains("api_token_file"))
        advise(set, "write the token of " + name + " into ./" + name + ".token, mode 0600");
    }
  }
  static void managed_service(const Json& one, Ordered& service) {
    const Json& command = one["command"];
    service["command"] = command.is_string() ? Json::array({command}) : command;
    if (one.contains("environment") && one["environment"].is_object())
      for (const auto& [key, value] : one["environment"].items())
        service["environment"][key] = value.is_string() ? value.get<std::string>() : value.dump();
    for (const char* key : {"cwd", "user"})
      if (one.contains(key) && one[key].is_string() && one[key] != "") service[key] = one[key];
  }
  void groups(const Traits::Set& set) {
    if (!set.value.is_object()) return advise(set, "is no dictionary");
    for (const auto& [name, members] : set.value.items()) {
      const Json users = members.is_object() ? members.value("users", Json::array()) : members;
      settings_["groups"][name] = {{"users", names_in(users)}};
    }
  }
  void roles(const Traits::Set& set) {
    if (!set.value.is_array()) return advise(set, "is no list");
    for (const Json& one : set.value)
      if (one.is_object() && one.value("name", Json()).is_string()) role(one);
  }
  void role(const Json& one) {
    Ordered& role = settings_["roles"][one["name"].get<std::string>()];
    for (const char* key : {"scopes", "users", "groups", "services"})
      if (const Ordered names = names_in(one.value(key, Json())); !names.empty()) role[key] = names;
  }
  void custom_scopes(const Traits::Set& set) {
    settings_["custom_scopes"] = Ordered::array();
    if (set.value.is_object())
      for (const auto& [name, about] : set.value.items())
        settings_["custom_scopes"].push_back(name);
  }
  void cleanup_servers(const Traits::Set& set) {
    if (set.value == true) settings_["stop_servers_on_exit"] = true;
  }
  void spawn_limit(const Traits::Set& set) {
    settings_["limits"]["launches_in_flight"] = set.value;
  }
  void server_limit(const Traits::Set& set) { settings_["limits"]["servers"] = set.value; }
  void named_limit(const Traits::Set& set) {
    if (set.value.is_number_integer())
      settings_["limits"]["servers_per_user"] = set.value.get<int>() + 1;
  }
  void named_servers(const Traits::Set& set) {
    if (set.value == true && !settings_["limits"].contains("servers_per_user"))
      settings_["limits"]["servers_per_user"] = 10;
  }
  void cookie_days(const Traits::Set& set) {
    if (set.value.is_number()) settings_["sessions"]["absolute"] = words_of(set.value) + "d";
  }

  void command(const Traits::Set& set) {
    profile()["command"] =
        set.value.is_string() ? Ordered::array({set.value}) : names_in(set.value);
    arguments_at_ = profile()["command"].size();
    for (const Ordered& one : arguments_) profile()["command"].push_back(one);
  }
  void arguments(const Traits::Set& set) {
    Ordered& command = profile()["command"];
    while (command.size() > arguments_at_) command.erase(command.size() - 1);
    arguments_ = names_in(set.value);
    for (const Ordered& one : arguments_) command.push_back(one);
  }
  void default_url(const Traits::Set& set) {
    std::string path = words_of(set.value);
    while (path.starts_with('/')) path.erase(0, 1);
    profile()["default_url"] = path;
  }
  void notebook_dir(const Traits::Set& set) {
    where()["workspace"] = set.value;
    advise(set, "became spawners.here.workspace; it names the folder with {username}, not ~");
  }
  void environment(const Traits::Set& set) {
    if (!set.value.is_object()) return advise(set, "is no dictionary");
    for (const auto& [name, value] : set.value.items())
      profile()["environment"][name] = words_of(value);
  }
  void mem_limit(const Traits::Set& set) { profile()["memory"] = memory(set.value); }
  void cpu_limit(const Traits::Set& set) { profile()["cpu"] = set.value; }
  void start_timeout(const Traits::Set& set) {
    if (set.value.is_number()) profile()["start_timeout"] = duration(set.value);
  }
  void image(const Traits::Set& set) {
    profile()["image"] = set.value;
    where()["images"] = Ordered::array({set.value});
  }
  void network(const Traits::Set& set) { where()["network"] = set.value; }
  void hub_address(const Traits::Set& set) {
    advise(set, "if servers run elsewhere, `hub_url` says where they reach the gateway");
  }
  void log_level(const Traits::Set& set) {
    const std::string level = text::ascii_lower(words_of(set.value));
    if (level == "debug" || level == "10") settings_["log"]["level"] = "debug";
  }

  Translation& into_;
  Ordered& settings_;
  std::string address_ = "0.0.0.0";
  std::string port_ = "8000";
  std::string base_;
  std::size_t arguments_at_ = 1;
  Ordered arguments_ = Ordered::array();
  bool allowed_ = false;
  bool seen_allow_all_ = false;
};

// What people set that is code there and has another place here.
std::string_view instead_of(std::string_view trait) {
  static const std::map<std::string_view, std::string_view> known = {
      {"pre_spawn_hook", "what a server needs beforehand belongs to its image or `command`"},
      {"post_stop_hook", "watch the audit log or the REST API"},
      {"auth_state_hook", "`tokens_for_servers` and claims in a profile's `environment`"},
      {"options_form", "`form` of a profile"},
      {"options_from_form", "`form` of a profile"},
      {"profile_list", "one entry of `profiles` each"},
      {"template_paths", "`branding`; templates are not replaced"},
      {"template_vars", "`branding`"},
      {"logo_file", "`branding.logo`"},
      {"tornado_settings", "`listen`, `proxy` and `sessions`"},
      {"volumes", "`volume` and `binds` of the spawner"},
      {"mem_guarantee", "`memory_guarantee` of a Kubernetes profile"},
      {"cpu_guarantee", "`cpu_guarantee` of a Kubernetes profile"},
      {"shutdown_on_logout", "`cull`"},
      {"manage_groups", "`groups_claim` or `group_base` of the authenticator"},
      {"api_tokens", "tokens are made on the page /hub/token, or `services`"},
      {"service_tokens", "`services` with `api_token_file`"},
  };
  const auto found = known.find(trait);
  return found == known.end() ? std::string_view() : found->second;
}

void take_roles(const store::JupyterHubData& data, Translation& into) {
  const std::set<std::string> own = {"user", "admin", "server", "token"};
  for (const auto& role : data.roles) {
    if (own.contains(role.name) || into.settings["roles"].contains(role.name)) continue;
    Ordered& entry = into.settings["roles"][role.name];
    entry["scopes"] = role.scopes;
    if (!role.users.empty()) entry["users"] = role.users;
    if (!role.groups.empty()) entry["groups"] = role.groups;
    if (!role.services.empty()) entry["services"] = role.services;
  }
}

bool plain(const std::string& text) {
  return !text.empty() && text.size() < 80 &&
         std::isalpha(static_cast<unsigned char>(text[0])) != 0 &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./") ==
             std::string::npos &&
         text != "true" && text != "false" && text != "null" && text != "yes" && text != "no" &&
         text != "on" && text != "off";
}

std::string scalar(const Ordered& value) {
  if (value.is_string() && plain(value.get<std::string>())) return value.get<std::string>();
  return value.dump();
}

void write(const Ordered& value, std::size_t depth, std::string& out) {
  const std::string margin(depth * 2, ' ');
  for (const auto& [key, inner] : value.items()) {
    out += margin + (value.is_array() ? "-" : scalar(Ordered(key)) + ":");
    const bool flat =
        inner.is_primitive() || inner.empty() ||
        (inner.is_array() && std::all_of(inner.begin(), inner.end(),
                                         [](const auto& one) { return one.is_primitive(); }));
    if (flat) {
      out += " " + (inner.is_primitive() ? scalar(inner) : inner.dump()) + "\n";
      continue;
    }
    out += "\n";
    write(inner, depth + 1, out);
  }
}

}  // namespace

Translation translate(const Traits& traits, const store::JupyterHubData& data) {
  Translation translation;
  Translator translator(translation);
  translator.begin();
  // The classes first: what the others mean depends on them.
  for (const bool classes : {true, false})
    for (const Traits::Set& set : traits.set) {
      if (set.name.ends_with("_class") != classes || translator.take(set)) continue;
      const std::string_view instead = instead_of(trait_of(set.name));
      translator.advise("line " + std::to_string(set.line) + ", " + set.name + ": " +
                        (instead.empty() ? std::string("has no counterpart here")
                                         : "write instead: " + std::string(instead)));
    }
  translator.end();
  take_roles(data, translation);
  for (const Traits::Unread& one : traits.unread) {
    std::string_view instead;
    for (const std::string_view word : text::split(one.text, ' '))
      if (word.starts_with("c.")) instead = instead_of(trait_of(word.substr(2)));
    translator.advise("line " + std::to_string(one.line) + ": " + one.why +
                      ", not read: " + one.text +
                      (instead.empty() ? "" : "; write instead: " + std::string(instead)));
  }
  for (const char* empty : {"roles", "limits"})
    if (translation.settings.contains(empty) && translation.settings[empty].empty())
      translation.settings.erase(empty);
  return translation;
}

std::string to_yaml(const Ordered& settings) {
  std::string out;
  write(settings, 0, out);
  return out;
}

}  // namespace passerelle::hub
