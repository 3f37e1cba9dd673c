// Stand-in: what a server that asks us who comes is shown instead of the caller's own API token. It
// says whose token it stands for, good at one server only: a notebook that keeps it, or hands it to
// others, has nothing but what it was asked with. Derived, never stored; it ends with the token.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/records.hpp"

namespace passerelle::auth {

/// Immutable; any thread.
class StandIns {
 public:
  struct Meant {
    store::UserId user = 0;
    std::string token;   ///< TokenView::id
    std::string server;  ///< "alice/", "alice/gpu"
  };

  explicit StandIns(std::string key) : key_(std::move(key)) {}

  std::string make(const Meant& meant) const;
  /// Nothing for what we did not make.
  std::optional<Meant> read(std::string_view text) const;

 private:
  std::string sign(std::string_view what) const;

  std::string key_;
};

}  // namespace passerelle::auth
