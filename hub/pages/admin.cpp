// Everybody, for those who look after them: found, sorted and turned page by page here, so that ten
// thousand people are no more than one page. What is done to those who are chosen is
// admin_acts.cpp.
#include "hub/pages/admin.hpp"

#include "hub/api/models.hpp"
#include "hub/routes.hpp"
#include "hub/subject.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kOk = 200;
constexpr int kBad = 400;
constexpr int kForbidden = 403;
constexpr std::string_view kStates[] = {"", "ready", "active", "inactive"};
constexpr std::string_view kSorts[] = {"name", "-last_activity", "last_activity", "-id", "id"};
constexpr std::size_t kSizes[] = {50, 100, 200};

std::size_t number_in(const text::Form& form, std::string_view name, std::size_t most) {
  const std::string_view digits = text::field(form, name);
  std::size_t value = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9' || value > most) return 0;
    value = value * 10 + static_cast<std::size_t>(digit - '0');
  }
  return std::min(value, most);
}

template <typename Words>
Json choices(const Words& words, std::string_view chosen, const std::string& message) {
  Json rows = Json::array();
  for (const std::string_view word : words)
    rows.push_back({{"value", word},
                    {"words", web::say(message + (word.empty() ? "all" : std::string(word)))},
                    {"selected", word == chosen}});
  return rows;
}

Json size_rows(std::size_t chosen) {
  Json rows = Json::array();
  for (const std::size_t size : kSizes)
    rows.push_back({{"value", std::to_string(size)}, {"selected", size == chosen}});
  return rows;
}

Json server_row(const Parts& parts, const Call& call, const Server& server) {
  const std::string state(to_string(server.record.phase));
  const auto target = auth::Target::of_server(server.username, server.record.name, server.groups);
  Json row = {{"title", title_of(parts.settings, server.record.profile)},
              {"state", state},
              {"state_words", web::state_words(state)}};
  if (!server.record.name.empty()) row["name"] = server.record.name;
  const bool opens = server.record.phase == store::Phase::running &&
                     auth::allowed(*call.principal, "access:servers", target);
  if (opens) row["open_url"] = parts.settings.base_url + "hub/admin/open/" + path_tail(server);
  const bool stops = (server.record.phase == store::Phase::running ||
                      server.record.phase == store::Phase::pending) &&
                     auth::allowed(*call.principal, "delete:servers", target);
  if (stops) row["stop_url"] = parts.settings.base_url + "hub/admin/stop/" + path_tail(server);
  return row;
}

Json person_row(const Parts& parts, const Call& call, const store::User& user) {
  Json row = {{"username", user.username},
              {"admin", api::is_admin(parts, user)},
              {"blocked", user.blocked.has_value()},
              {"self", user.id == call.session->account().id},
              {"servers", Json::array()}};
  if (!user.display_name.empty() && user.display_name != user.username)
    row["display"] = user.display_name;
  Instant seen = user.last_seen;
  for (const ServerPtr& server : parts.launcher.of_user(user.id)) {
    seen = std::max(seen, last_activity(*server));
    if (server->active()) row["servers"].push_back(server_row(parts, call, *server));
  }
  row["seen"] = web::moment(seen);
  return row;
}

Json profile_rows(const Parts& parts) {
  Json rows = Json::array();
  if (parts.settings.profiles.size() < 2) return rows;
  for (const config::Profile& profile : parts.settings.profiles)
    rows.push_back({{"name", profile.name}, {"title", web::words(profile.title, profile.name)}});
  return rows;
}

}  // namespace

AdminList AdminList::read(const text::Form& form) {
  constexpr std::size_t kFarthest = 10'000'000;
  AdminList list;
  list.part_of_name = text::field(form, "name_filter").substr(0, 64);
  list.state = text::field(form, "state");
  if (const auto sort = text::field(form, "sort"); !sort.empty()) list.sort = sort;
  list.offset = number_in(form, "offset", kFarthest);
  if (const std::size_t limit = number_in(form, "limit", kLargest); limit > 0) list.limit = limit;
  return list;
}

std::string AdminList::query(std::size_t from) const {
  std::string query = "sort=" + text::percent_encode(sort) + "&limit=" + std::to_string(limit) +
                      "&offset=" + std::to_string(from);
  if (!state.empty()) query += "&state=" + text::percent_encode(state);
  if (!part_of_name.empty()) query += "&name_filter=" + text::percent_encode(part_of_name);
  return query;
}

bool looks_after_people(const Call& call) {
  return call.session && auth::has(*call.principal, "admin-ui");
}

Task<Answer> show_admin(Parts& parts, Call& call, AdminList list, AdminSaid said) {
  const std::string here = parts.settings.base_url + "hub/admin";
  auto query = user_query(
      parts, {{"name_filter", list.part_of_name}, {"state", list.state}, {"sort", list.sort}});
  if (!query) co_return problem(parts, call, kBad, query.error().message());
  query->offset = list.offset;
  query->limit = list.limit;
  auth::Principal who = *call.principal;
  auto found = co_await list_users_for(parts, std::move(who), std::move(*query));
  if (!found) co_return problem(parts, call, status_of(found.error()));
  const std::size_t shown = found->users.size();
  Json view = {{"here", here},
               {"act_url", here + "/act"},
               {"list", list.query(list.offset)},
               {"filter", list.part_of_name},
               {"states", choices(kStates, list.state, "admin.state.")},
               {"sorts", choices(kSorts, list.sort, "admin.sort.")},
               {"sizes", size_rows(list.limit)},
               {"first", shown == 0 ? 0 : list.offset + 1},
               {"last", shown == 0 ? 0 : list.offset + shown},
               {"total", found->total},
               {"people", Json::array()},
               {"profiles", profile_rows(parts)},
               {"problems", said.problems}};
  if (list.offset > 0) {
    const std::size_t before = list.offset > list.limit ? list.offset - list.limit : 0;
    view["previous_url"] = here + "?" + list.query(before);
  }
  if (list.offset + shown < found->total)
    view["next_url"] = here + "?" + list.query(list.offset + shown);
  if (auth::allowed(*call.principal, "admin:users", auth::Target{}))
    view["add_url"] = here + "/add";
  if (!said.typed.empty()) view["typed"] = said.typed;
  for (const store::User& user : found->users)
    view["people"].push_back(person_row(parts, call, user));
  const std::string path = here + "?" + list.query(list.offset);
  co_return page_at(parts, call, path, kOk, "admin", view);
}

Task<Answer> admin(Parts& parts, Call& call) {
  if (!looks_after_people(call)) co_return problem(parts, call, kForbidden);
  AdminSaid nothing;
  Answer answer = co_await show_admin(parts, call, AdminList::read(call.query), std::move(nothing));
  co_return answer;
}

}  // namespace passerelle::hub::pages
