// Workplace: the folder where one release is worked on, and its lock. We hold the lock together
// with the helm that we start, so a helm that outlives its gateway is known: two of them are never
// at one release, and what a dead one left behind is told from what a live one is about to finish.
// (On a local file system: the lock belongs to the open file that both have.)
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/result.hpp"

namespace passerelle::spawners::kubernetes {

class Workplace {
 public:
  /// Made if it is not there. Nothing: somebody is in it. Blocking, for microseconds.
  static Result<std::optional<Workplace>> enter(const std::string& folder);
  /// Nothing: there is no such place.
  static std::optional<bool> taken(const std::string& folder);

  /// The files in it go, the lock stays.
  ~Workplace();
  Workplace(Workplace&& other) noexcept
      : folder_(std::move(other.folder_)), lock_(std::exchange(other.lock_, -1)) {}
  Workplace& operator=(Workplace&&) = delete;

  std::string file(const char* name) const { return folder_ + "/" + name; }
  int lock() const noexcept { return lock_; }

 private:
  Workplace(std::string folder, int lock) : folder_(std::move(folder)), lock_(lock) {}

  std::string folder_;
  int lock_;
};

}  // namespace passerelle::spawners::kubernetes
