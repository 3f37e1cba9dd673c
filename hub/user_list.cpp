#include "hub/user_list.hpp"

namespace passerelle::hub {
namespace {

using store::Phase;
using Query = store::UserStore::PageQuery;

// state=active (starting, running or stopping), ready, inactive.
Result<void> read_state(const Parts& parts, std::string_view state, Query& query) {
  if (state.empty()) return {};
  std::vector<store::UserId> ids;
  for (const auto& [key, server] : parts.launcher.all())
    if (state == "ready" ? server->record.phase == Phase::running : server->active())
      ids.push_back(key.user);
  if (state == "inactive")
    query.without = std::move(ids);
  else if (state == "active" || state == "ready")
    query.only = std::move(ids);
  else
    return Error(Errc::invalid,
                 "Unrecognized state filter: must be one of 'inactive, active, ready'");
  return {};
}

Result<void> read_order(std::string_view order, Query& query) {
  query.descending = order.starts_with('-');
  if (query.descending) order.remove_prefix(1);
  if (order == "name") query.sort = Query::Sort::name;
  if (order == "last_activity") query.sort = Query::Sort::last_activity;
  if (order.empty() || order == "id" || order == "name" || order == "last_activity") return {};
  return Error(Errc::invalid, "Unrecognized sort: must be one of 'id, name, last_activity'");
}

}  // namespace

Result<Query> user_query(const Parts& parts, const text::Form& asked) {
  Query query;
  query.part_of_name = text::field(asked, "name_filter");
  if (auto good = read_state(parts, text::field(asked, "state"), query); !good)
    return std::move(good).error();
  if (auto good = read_order(text::field(asked, "sort"), query); !good)
    return std::move(good).error();
  return query;
}

Task<Result<store::UserStore::Page>> list_users_for(Parts& parts,
                                                    auth::Principal who,
                                                    Query query) {
  const bool all = auth::allowed(who, "list:users", auth::Target{});
  const std::size_t offset = query.offset;
  const std::size_t limit = query.limit;
  if (!all) query.offset = query.limit = 0;
  auto page = co_await parts.store.users().page(std::move(query));
  if (!page || all) co_return page;
  std::erase_if(page->users, [&](const store::User& user) {
    return !auth::allowed(who, "list:users",
                          auth::Target::of_user(user.username, user.groups, false));
  });
  auto& users = page->users;
  page->total = users.size();
  const std::size_t first = std::min(offset, users.size());
  const std::size_t last = limit == 0 ? users.size() : std::min(first + limit, users.size());
  users = std::vector<store::User>(users.begin() + static_cast<std::ptrdiff_t>(first),
                                   users.begin() + static_cast<std::ptrdiff_t>(last));
  co_return page;
}

}  // namespace passerelle::hub
