// What the page of everybody (admin.cpp) and what is done from it (admin_acts.cpp) share.
#pragma once

#include "hub/answers.hpp"
#include "hub/user_list.hpp"

namespace passerelle::hub::pages {

/// Which part of everybody is looked at.
struct AdminList {
  static constexpr std::size_t kLargest = 200;

  std::string part_of_name;
  std::string state;          ///< Of user_query(); empty: everybody.
  std::string sort = "name";  ///< Of user_query().
  std::size_t offset = 0;
  std::size_t limit = 50;

  static AdminList read(const text::Form& form);
  std::string query(std::size_t from) const;  ///< For a link to the part that begins there.
};

/// What was not done, one sentence each, and what was typed where it was refused.
struct AdminSaid {
  Json problems = Json::array();
  std::string typed;
};

/// A browser session with the scope admin-ui.
bool looks_after_people(const Call& call);

Task<Answer> show_admin(Parts& parts, Call& call, AdminList list, AdminSaid said);

}  // namespace passerelle::hub::pages
