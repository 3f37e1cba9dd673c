#include "hub/kernels.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace passerelle::hub {

KernelWork read_kernels(int status, std::string_view body) {
  constexpr int kOk = 200;
  constexpr int kServerError = 500;
  if (status >= kServerError) return KernelWork::unknown;
  if (status != kOk) return KernelWork::none;
  const auto list = nlohmann::json::parse(body, nullptr, false);
  if (!list.is_array()) return KernelWork::none;
  const auto computes = [](const nlohmann::json& kernel) {
    if (!kernel.is_object()) return false;
    const auto state = kernel.find("execution_state");
    return state != kernel.end() && *state == "busy";
  };
  return std::any_of(list.begin(), list.end(), computes) ? KernelWork::busy : KernelWork::none;
}

Task<KernelWork> ask_kernels(HttpClient& http, const SpawnerMap& spawners, ServerPtr server) {
  auto upstream = upstream_from_string(server->record.upstream);
  if (!upstream) co_return KernelWork::none;
  const auto spawner = spawners.find(server->record.spawner);
  const spawners::Security secure = spawner == spawners.end()
                                        ? spawners::Security()
                                        : spawner->second->security(server->record.state);
  HttpRequest question;
  const std::string origin = secure.on() ? "https://" + secure.name : "http://localhost";
  question.url = origin + server->asked_below + "api/kernels";
  question.ca_file = secure.ca_file;
  question.cert_file = secure.cert_file;
  question.headers = {{"Authorization", "token " + server->secret}};
  question.connect_to = *upstream;
  question.timeout = seconds(5);
  auto answer = co_await http.fetch(std::move(question));
  co_return answer ? read_kernels(answer->status, answer->body) : KernelWork::unknown;
}

}  // namespace passerelle::hub
