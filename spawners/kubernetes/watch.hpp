// Watch: all objects of one kind, as they are now, from one list and one watch that goes on for
// ever. It never lists again because time has passed or a connection has ended: only when the
// server has forgotten where we were (410), and then what has gone meanwhile is found by
// comparison. While the server cannot be reached, nothing is said to be gone.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "spawners/kubernetes/api.hpp"

namespace passerelle::spawners::kubernetes {

class Watch {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void seen(const std::string& uid, const Json& object) = 0;  ///< New, or changed
    virtual void gone(const std::string& uid) = 0;
    virtual void synced() = 0;  ///< Everything there is has been told, at least once
  };
  struct Figures {
    std::uint64_t lists = 0;
    std::uint64_t watches = 0;
    std::uint64_t events = 0;
    std::uint64_t errors = 0;
  };

  /// `path`: "/api/v1/pods" or "/api/v1/namespaces/x/pods". `selector`: labels, or empty. Both
  /// `api` and `listener` outlive run().
  Watch(Api& api, std::string path, std::string selector, Listener& listener);

  /// Until it is cancelled.
  Task<void> run();
  const Figures& figures() const noexcept { return figures_; }

 private:
  Task<Result<void>> list();
  Task<Result<void>> follow();
  Result<void> take_line(std::string_view line);
  void take(const Json& object, std::map<std::string, std::string>& known);
  std::string address(const std::string& more) const;

  Api& api_;
  std::string path_;
  std::string selector_;
  Listener& listener_;
  std::string version_;  ///< resourceVersion to go on from; empty: list anew
  bool listed_ = false;  ///< Once. A cache may be behind, and what it lacks would count as gone.
  std::map<std::string, std::string> known_;  ///< uid -> resourceVersion
  Figures figures_;
};

}  // namespace passerelle::spawners::kubernetes
