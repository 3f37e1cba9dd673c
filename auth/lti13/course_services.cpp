#include "auth/lti13/course_services.hpp"

#include <algorithm>

#include "auth/json.hpp"
#include "auth/lti13/description.hpp"
#include "auth/lti13/id_token.hpp"
#include "auth/lti_person.hpp"
#include "base/log.hpp"

namespace passerelle::auth::lti13 {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostAnswer = 2U << 20U;
constexpr int kMostPages = 40;
constexpr std::size_t kMostMembers = 20'000;
constexpr std::size_t kMostKnown = 10'000;
constexpr std::size_t kLongestUrl = 2000;
constexpr const char* kNames = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice";
constexpr const char* kMembers = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json";
constexpr const char* kItems = "application/vnd.ims.lis.v2.lineitemcontainer+json";
constexpr const char* kItem = "application/vnd.ims.lis.v2.lineitem+json";
constexpr std::string_view kTag = "passerelle";

std::string course_name(const std::string& platform, const std::string& context) {
  return "course " + platform + "/" + context;
}

std::string items_of(const store::Activity& activity) {
  return activity.grade_url.substr(kToBeMade.size());
}

std::string item_name(const store::Activity& activity) {
  return "item " + activity.platform + "/" + activity.link + " " + items_of(activity);
}

std::string with_query(std::string url, const std::string& query) {
  return url + (url.find('?') == std::string::npos ? "?" : "&") + query;
}

Error refused(const char* what, int status) {
  return Error(status >= 500 ? Errc::unavailable : Errc::forbidden,
               std::string(what) + ": status " + std::to_string(status));
}

}  // namespace

Result<std::vector<lti::Member>> read_members(std::string_view body) {
  const auto json = parse_json(body, kMostAnswer);
  if (!json || !json->is_object() || !json->contains("members") || !(*json)["members"].is_array())
    return Error(Errc::unavailable, "the roster is no list of members");
  std::vector<lti::Member> members;
  for (const Json& one : (*json)["members"]) {
    lti::Member member;
    member.user_id = text_member(one, "user_id");
    if (member.user_id.empty()) continue;
    member.name = text_member(one, "name");
    if (member.name.empty()) {
      member.name = text_member(one, "given_name");
      const std::string family = text_member(one, "family_name");
      if (!family.empty()) member.name.append(member.name.empty() ? "" : " ").append(family);
    }
    member.email = text_member(one, "email");
    const std::string status = text_member(one, "status");
    member.active = status.empty() || text::iequals(status, "active");
    std::vector<std::string> roles;
    if (one.contains("roles") && one["roles"].is_array())
      for (const Json& role : one["roles"])
        if (role.is_string()) roles.push_back(role.get<std::string>());
    member.teaches = lti::teaches(roles);
    members.push_back(std::move(member));
  }
  return members;
}

std::string next_page(const HttpResponse& response) {
  for (const auto& [name, value] : response.headers) {
    if (name != "link") continue;
    std::string_view rest = value;
    while (true) {
      const std::size_t begin = rest.find('<');
      const std::size_t end = rest.find('>', begin == std::string_view::npos ? 0 : begin);
      if (begin == std::string_view::npos || end == std::string_view::npos) break;
      const std::string_view url = rest.substr(begin + 1, end - begin - 1);
      rest.remove_prefix(end + 1);
      const std::string parameters = text::ascii_lower(rest.substr(0, rest.find(",")));
      if (parameters.find("rel=\"next\"") != std::string::npos ||
          parameters.find("rel=next") != std::string::npos)
        return std::string(url);
    }
  }
  return {};
}

Task<Result<std::string>> CourseServices::kept(std::string name) {
  if (const auto at = known_.find(name); at != known_.end()) co_return at->second;
  std::string owner = owner_;
  auto found = co_await around_.kept->find(std::move(owner), name);
  if (found && known_.size() < kMostKnown) known_[name] = *found;
  co_return found;
}

Task<void> CourseServices::keep(std::string name, std::string value) {
  std::string owner = owner_;
  auto put = co_await around_.kept->put(std::move(owner), name, value);
  if (!put) {
    log::warn("lti", "what a course offers could not be stored", {{"why", put.error().message()}});
    co_return;
  }
  if (known_.size() >= kMostKnown) known_.clear();
  known_[std::move(name)] = std::move(value);
}

Task<void> CourseServices::learn(std::string platform, Json claims) {
  const std::string context = text_member(claim(claims, "context"), "id");
  const auto service = claims.find(kNames);
  if (context.empty() || service == claims.end()) co_return;
  std::string url = text_member(*service, "context_memberships_url");
  if (url.empty() || url.size() > kLongestUrl) co_return;
  std::string name = course_name(platform, context);
  const auto before = co_await kept(name);
  if (before && *before == url) co_return;
  co_await keep(std::move(name), std::move(url));
}

Task<Result<std::vector<lti::Member>>> CourseServices::roster(std::string name,
                                                              const config::LtiPlatform& platform,
                                                              std::string context) {
  std::string which = course_name(name, context);
  auto url = co_await kept(std::move(which));
  if (!url) co_return std::move(url).error();
  std::vector<lti::Member> all;
  std::string next = std::move(*url);
  for (int page = 0; !next.empty() && page < kMostPages && all.size() < kMostMembers; ++page) {
    HttpRequest request;
    request.url = std::move(next);
    request.headers = {{"Accept", kMembers}};
    request.most_body = kMostAnswer;
    std::string scope = kRosterScope;
    auto response = co_await services_.call(platform, std::move(scope), std::move(request));
    if (!response) co_return std::move(response).error();
    if (response->status != 200) co_return refused("roster", response->status);
    auto members = read_members(response->body);
    if (!members) co_return members;
    std::move(members->begin(), members->end(), std::back_inserter(all));
    next = next_page(*response);
  }
  co_return all;
}

Task<Result<std::string>> CourseServices::find_line_item(const config::LtiPlatform& platform,
                                                         std::string items,
                                                         std::string link) {
  HttpRequest request;
  request.url = with_query(std::move(items), "resource_link_id=" + text::percent_encode(link) +
                                                 "&tag=" + std::string(kTag));
  request.headers = {{"Accept", kItems}};
  request.most_body = kMostAnswer;
  std::string scope = kLineItemScope;
  auto response = co_await services_.call(platform, std::move(scope), std::move(request));
  if (!response) co_return std::move(response).error();
  if (response->status != 200) co_return refused("line items", response->status);
  const auto list = parse_json(response->body, kMostAnswer);
  if (!list || !list->is_array()) co_return Error(Errc::unavailable, "line items: no list");
  // Some platforms do not filter.
  for (const Json& item : *list)
    if (text_member(item, "resourceLinkId") == link && text_member(item, "tag") == kTag)
      co_return text_member(item, "id");
  co_return std::string();
}

Task<Result<std::string>> CourseServices::make_line_item(const config::LtiPlatform& platform,
                                                         std::string items,
                                                         store::ActivityRow row) {
  constexpr auto kUnit = static_cast<double>(store::kScoreUnit);
  const store::Activity& activity = row.activity;
  const Json item = {{"label", activity.title.empty() ? activity.link : activity.title},
                     {"scoreMaximum", static_cast<double>(row.score.maximum) / kUnit},
                     {"resourceLinkId", activity.link},
                     {"resourceId", activity.link},
                     {"tag", kTag}};
  HttpRequest request;
  request.method = "POST";
  request.url = std::move(items);
  request.headers = {{"Accept", kItem}, {"Content-Type", kItem}};
  request.body = item.dump(-1, ' ', false, Json::error_handler_t::replace);
  request.most_body = kMostAnswer;
  std::string scope = kLineItemScope;
  auto response = co_await services_.call(platform, std::move(scope), std::move(request));
  if (!response) co_return std::move(response).error();
  const auto made = parse_json(response->body, kMostAnswer);
  std::string id = made ? text_member(*made, "id") : std::string();
  if (response->status != 201 && response->status != 200)
    co_return refused("line item", response->status);
  if (id.empty()) co_return Error(Errc::forbidden, "line item: the platform says no id");
  co_return id;
}

Task<Result<std::string>> CourseServices::line_item(const config::LtiPlatform& platform,
                                                    store::ActivityRow row) {
  const std::string items = items_of(row.activity);
  std::string name = item_name(row.activity);
  auto known = co_await kept(name);
  if (known) co_return known;
  std::string at = items;
  std::string link = row.activity.link;
  auto found = co_await find_line_item(platform, std::move(at), std::move(link));
  if (!found) co_return found;
  if (found->empty()) {
    at = items;
    found = co_await make_line_item(platform, std::move(at), std::move(row));
    if (!found) co_return found;
  }
  co_await keep(std::move(name), *found);
  co_return found;
}

Task<void> CourseServices::forget_line_item(store::ActivityRow row) {
  std::string name = item_name(row.activity);
  known_.erase(name);
  std::string owner = owner_;
  auto erased = co_await around_.kept->erase(std::move(owner), std::move(name));
  if (!erased)
    log::warn("lti", "what a course offers could not be stored",
              {{"why", erased.error().message()}});
}

}  // namespace passerelle::auth::lti13
