#include "spawners/kubernetes/access.hpp"

#include <cstdlib>
#include <filesystem>
#include <optional>

#include <openssl/evp.h>

#include "base/files.hpp"
#include "base/text.hpp"
#include "spawners/kubernetes/chart/json.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

using chart::Json;
using chart::member;

constexpr std::size_t kLargestFile = 1U << 20U;
constexpr auto kTokenAge = std::chrono::seconds(60);

std::string text_in(const Json& object, std::string_view key) {
  const Json* value = member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

class Kubeconfig {
 public:
  Kubeconfig(std::string path, Json document)
      : path_(std::move(path)), document_(std::move(document)) {}

  Result<Access> access(std::string context) const {
    if (context.empty()) context = text_in(document_, "current-context");
    const Json* chosen = named("contexts", context, "context");
    if (chosen == nullptr) return bad("has no context \"" + context + "\"");
    const Json* cluster = named("clusters", text_in(*chosen, "cluster"), "cluster");
    const Json* user = named("users", text_in(*chosen, "user"), "user");
    if (cluster == nullptr || user == nullptr)
      return bad("context \"" + context + "\" names a cluster or a user that is not there");
    Access access;
    access.namespace_ = text_in(*chosen, "namespace");
    if (access.namespace_.empty()) access.namespace_ = "default";
    if (auto done = read_cluster(*cluster, access); !done) return std::move(done.error());
    if (auto done = read_user(*user, access); !done) return std::move(done.error());
    return access;
  }

 private:
  Error bad(const std::string& why) const { return {Errc::invalid, path_ + ": " + why}; }

  /// {"clusters": [{"name": NAME, "cluster": {...}}]}
  const Json* named(const char* list, const std::string& name, const char* part) const {
    const Json* all = member(document_, list);
    if (all == nullptr || !all->is_array()) return nullptr;
    for (const Json& one : *all)
      if (text_in(one, "name") == name) return member(one, part);
    return nullptr;
  }

  Result<void> refuse(const Json& part, std::initializer_list<const char*> unknown) const {
    for (const char* key : unknown)
      if (member(part, key) != nullptr)
        return bad("`" + std::string(key) + "` is not known to passerelle");
    return {};
  }

  /// KEY-data, or the file that KEY names, from where the kubeconfig lies.
  Result<std::string> bytes(const Json& part, const std::string& key) const {
    if (std::string data = text_in(part, key + "-data"); !data.empty()) {
      auto decoded = base64_decoded(std::move(data));
      if (!decoded) return bad(key + "-data is not base64");
      return std::move(*decoded);
    }
    const std::string file = text_in(part, key);
    if (file.empty()) return std::string();
    return files::read(beside(file), kLargestFile);
  }
  std::string beside(const std::string& file) const {
    return (std::filesystem::path(path_).parent_path() / file).string();
  }

  Result<void> read_cluster(const Json& cluster, Access& access) const {
    auto known = refuse(cluster, {"proxy-url", "tls-server-name"});
    if (!known) return known;
    access.server = text_in(cluster, "server");
    while (access.server.ends_with('/')) access.server.pop_back();
    if (!access.server.starts_with("https://")) return bad("`server` is no https:// address");
    const Json* insecure = member(cluster, "insecure-skip-tls-verify");
    access.verify = insecure == nullptr || *insecure != true;
    auto ca = bytes(cluster, "certificate-authority");
    if (!ca) return std::move(ca.error());
    access.ca_pem = std::move(*ca);
    return {};
  }

  Result<void> read_user(const Json& user, Access& access) const {
    auto known = refuse(user, {"auth-provider", "username", "as-groups"});
    if (!known) return known;
    access.token = text_in(user, "token");
    if (const std::string file = text_in(user, "tokenFile"); !file.empty())
      access.token_file = beside(file);
    access.as_user = text_in(user, "as");
    if (const Json* exec = member(user, "exec"); exec != nullptr)
      if (auto done = read_exec(*exec, access); !done) return done;
    auto cert = bytes(user, "client-certificate");
    if (!cert) return std::move(cert.error());
    auto key = bytes(user, "client-key");
    if (!key) return std::move(key.error());
    access.cert_pem = std::move(*cert);
    access.key_pem = std::move(*key);
    return {};
  }

  Result<void> read_exec(const Json& exec, Access& access) const {
    ExecSettings settings;
    settings.api_version = text_in(exec, "apiVersion");
    const std::string base = "client.authentication.k8s.io/";
    if (settings.api_version != base + "v1" && settings.api_version != base + "v1beta1")
      return bad("`exec` has an apiVersion that is not known to passerelle");
    std::string command = text_in(exec, "command");
    if (command.empty()) return bad("`exec` has no `command`");
    if (command.find('/') != std::string::npos) command = beside(command);
    settings.words.push_back(std::move(command));
    if (text_in(exec, "interactiveMode") == "Always")
      return bad("`exec` wants somebody to ask, and there is nobody");
    if (const Json* wanted = member(exec, "provideClusterInfo");
        wanted != nullptr && *wanted == true)
      return bad("`provideClusterInfo` is not known to passerelle");
    if (const Json* arguments = member(exec, "args"); arguments != nullptr && arguments->is_array())
      for (const Json& one : *arguments)
        if (one.is_string()) settings.words.push_back(one.get<std::string>());
    if (const Json* variables = member(exec, "env"); variables != nullptr && variables->is_array())
      for (const Json& one : *variables)
        settings.variables.emplace_back(text_in(one, "name"), text_in(one, "value"));
    access.exec = std::move(settings);
    return {};
  }

  std::string path_;
  Json document_;
};

}  // namespace

std::optional<std::string> base64_decoded(std::string text) {
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  bytes.resize(static_cast<std::size_t>(size) - padding);
  return bytes;
}

Result<Access> read_kubeconfig(const std::string& path, const std::string& context) {
  const auto text = files::read(path, kLargestFile);
  if (!text) return text.error();
  auto document = chart::parse_yaml(*text, path);
  if (!document) return std::move(document.error());
  return Kubeconfig(path, std::move(*document)).access(context);
}

Result<Access> read_in_cluster(const std::string& folder) {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr)
    return Error(Errc::not_found, "not in a pod of a cluster: KUBERNETES_SERVICE_HOST is not set");
  Access access;
  const bool v6 = std::string_view(host).find(':') != std::string_view::npos;
  access.server =
      "https://" + (v6 ? "[" + std::string(host) + "]" : std::string(host)) + ":" + port;
  access.token_file = folder + "/token";
  auto ca = files::read(folder + "/ca.crt", kLargestFile);
  if (!ca) return std::move(ca.error());
  access.ca_pem = std::move(*ca);
  const auto own = files::read(folder + "/namespace", kLargestFile);
  access.namespace_ = own ? std::string(text::trim(*own)) : "default";
  return access;
}

Result<void> Credentials::read_token() {
  if (access_.token_file.empty()) {
    token_ = access_.token;
    return {};
  }
  const auto now = std::chrono::steady_clock::now();
  if (!token_.empty() && now - read_ < kTokenAge) return {};
  const auto text = files::read(access_.token_file, kLargestFile);
  // The old one may be good for a while yet.
  if (!text && token_.empty()) return text.error();
  if (text) token_ = text::trim(*text);
  read_ = now;
  return {};
}

Result<void> Credentials::put_on(HttpRequest& request, HttpStreamOptions& options) {
  if (auto known = read_token(); !known) return known;
  if (!token_.empty()) request.headers.emplace_back("Authorization", "Bearer " + token_);
  if (!access_.as_user.empty()) request.headers.emplace_back("Impersonate-User", access_.as_user);
  request.verify = access_.verify;
  options.ca_pem = access_.ca_pem;
  options.cert_pem = access_.cert_pem;
  options.key_pem = access_.key_pem;
  return {};
}

bool Credentials::renew() {
  if (access_.token_file.empty()) return false;
  const std::string before = std::exchange(token_, {});
  static_cast<void>(read_token());
  if (!token_.empty() && token_ != before) return true;
  token_ = before;
  return false;
}

}  // namespace passerelle::spawners::kubernetes
