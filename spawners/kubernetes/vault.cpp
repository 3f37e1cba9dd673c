#include "spawners/kubernetes/vault.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "spawners/kubernetes/said.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

using Json = nlohmann::json;

constexpr int kOk = 200;
constexpr std::size_t kLongestToken = 8U << 10U;

const Json* member(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

Error refusal(const HttpResponse& response) {
  const Json body = Json::parse(response.body, nullptr, false);
  std::string words = "HTTP " + std::to_string(response.status);
  const Json* errors = member(body, "errors");
  if (errors != nullptr && errors->is_array() && !errors->empty() && errors->front().is_string())
    words += ": " + said(errors->front().get_ref<const std::string&>());
  return {may_come_back(response.status) ? Errc::unavailable : Errc::forbidden, words};
}

}  // namespace

HttpRequest vault_request(const config::VaultTokens& settings, const std::string& token) {
  HttpRequest request;
  request.method = "POST";
  request.url = settings.url + (settings.url.ends_with('/') ? "" : "/") + "v1/auth/" +
                settings.login + "/login";
  request.ca_file = settings.ca;
  request.headers = {{"Content-Type", "application/json"}, {"X-Vault-Request", "true"}};
  Json body = {{"jwt", token}};
  if (!settings.role.empty()) body["role"] = settings.role;
  request.body = body.dump();
  return request;
}

Result<VaultToken> vault_answer(const HttpResponse& response) {
  if (response.status != kOk) return refusal(response);
  const Json body = Json::parse(response.body, nullptr, false);
  const Json* auth = member(body, "auth");
  const Json* value = auth == nullptr ? nullptr : member(*auth, "client_token");
  if (value == nullptr || !value->is_string() ||
      !is_key(value->get_ref<const std::string&>(), kLongestToken))
    return Error(Errc::invalid, "the answer holds no token");
  VaultToken token{value->get<std::string>(), seconds(0)};
  const Json* lease = member(*auth, "lease_duration");
  if (lease != nullptr && lease->is_number_unsigned())
    token.lease = seconds(lease->get<std::uint32_t>());
  return token;
}

}  // namespace passerelle::spawners::kubernetes
