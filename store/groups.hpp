// Groups that people are put into here, beside those that their sign-in says. A group is listed
// while it was made here or somebody is in it.
#pragma once

#include <string>
#include <vector>

#include "base/task.hpp"
#include "store/records.hpp"

namespace passerelle::store {

struct Group {
  std::string name;
  std::string properties = "{}";   ///< A JSON object of its operators; unread here.
  std::vector<std::string> users;  ///< By name; whoever put them there.
};

class GroupStore {
 public:
  virtual ~GroupStore() = default;
  virtual Task<Result<std::vector<Group>>> all() = 0;      ///< By name.
  virtual Task<Result<Group>> find(std::string name) = 0;  ///< Errc::not_found
  /// Errc::conflict when it is there.
  virtual Task<Result<void>> create(std::string name) = 0;
  /// With what was added to it; whom a sign-in puts there stays in it. Errc::not_found
  virtual Task<Result<void>> erase(std::string name) = 0;
  /// Makes the group if only sign-ins know it. Already in it is success.
  virtual Task<Result<void>> add(std::string name, std::vector<UserId> users) = 0;
  virtual Task<Result<void>> remove(std::string name, std::vector<UserId> users) = 0;
  virtual Task<Result<void>> set_properties(std::string name, std::string properties) = 0;
};

}  // namespace passerelle::store
