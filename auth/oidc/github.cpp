#include "auth/oidc/github.hpp"

#include <algorithm>

#include "auth/json.hpp"
#include "auth/oidc/endpoint.hpp"
#include "base/text.hpp"

namespace passerelle::auth::oidc {
namespace {

using Json = nlohmann::json;
using Texts = std::vector<std::string>;

const std::string kWhat = "GitHub's API";
constexpr int kPerPage = 100;
constexpr int kMostPages = 10;
constexpr std::size_t kMostBody = 512U << 10U;

// A page of a list. The pages are counted rather than followed: an address in an answer could lead
// the token anywhere.
Task<Result<Json>> page(const config::OidcAuthenticator& settings,
                        HttpClient& http,
                        std::string url,
                        std::string access_token,
                        int number) {
  HttpRequest request;
  request.url = url + "?per_page=" + std::to_string(kPerPage) + "&page=" + std::to_string(number);
  request.ca_file = settings.ca_file;
  request.headers.emplace_back("Authorization", "Bearer " + access_token);
  auto response = co_await ask(http, std::move(request), kWhat);
  if (!response) co_return std::move(response).error();
  if (response->status != 200)
    co_return Error(Errc::unavailable, kWhat + ": status " + std::to_string(response->status));
  auto list = parse_json(response->body, kMostBody);
  if (!list || !list->is_array()) co_return Error(Errc::unavailable, kWhat + ": answered no list");
  co_return std::move(*list);
}

Task<Result<Json>> all_pages(const config::OidcAuthenticator& settings,
                             HttpClient& http,
                             std::string url,
                             std::string access_token) {
  Json all = Json::array();
  for (int number = 1; number <= kMostPages; ++number) {
    auto list = co_await page(settings, http, url, access_token, number);
    if (!list) co_return std::move(list).error();
    for (Json& item : *list) all.push_back(std::move(item));
    if (list->size() < kPerPage) co_return all;
  }
  co_return Error(Errc::unavailable, kWhat + ": there is no end to the list");
}

}  // namespace

Task<Result<Texts>> memberships(const config::OidcAuthenticator& settings,
                                HttpClient& http,
                                std::string access_token) {
  Texts names;
  if (settings.organizations.empty() && settings.teams.empty()) co_return names;
  auto organizations = co_await all_pages(settings, http, settings.organizations_url, access_token);
  if (!organizations) co_return std::move(organizations).error();
  for (const Json& one : *organizations)
    if (std::string login = text_member(one, "login"); !login.empty())
      names.push_back(std::move(login));
  if (settings.teams.empty()) co_return names;
  auto teams = co_await all_pages(settings, http, settings.teams_url, access_token);
  if (!teams) co_return std::move(teams).error();
  for (const Json& one : *teams) {
    if (!one.is_object() || !one.contains("organization")) continue;
    const std::string organization = text_member(one["organization"], "login");
    const std::string slug = text_member(one, "slug");
    if (!organization.empty() && !slug.empty()) names.push_back(organization + "/" + slug);
  }
  co_return names;
}

bool is_member(const config::OidcAuthenticator& settings, const Texts& memberships) {
  if (settings.organizations.empty() && settings.teams.empty()) return true;
  const auto among = [&](const std::string& wanted) {
    return std::any_of(memberships.begin(), memberships.end(),
                       [&](const std::string& one) { return text::iequals(one, wanted); });
  };
  return std::any_of(settings.organizations.begin(), settings.organizations.end(), among) ||
         std::any_of(settings.teams.begin(), settings.teams.end(), among);
}

}  // namespace passerelle::auth::oidc
