// Predecessors: processes that have handed over to us, or to one before us, and still carry
// connections (afterlife.hpp is their side). Tells them at once when a session, token or route
// ends, and takes over when people were last at work. Hub loop only.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/task.hpp"
#include "hub/succession/link.hpp"
#include "hub/succession/rights.hpp"
#include "proxy/route_table.hpp"

namespace passerelle::hub {

class Predecessors {
 public:
  /// As they have told it last.
  struct Status {
    std::int64_t pid = 0;
    std::int64_t connections = 0;
    std::int64_t tunnels = 0;
    std::int64_t until = 0;  ///< Unix seconds
  };

  /// All outlive it.
  Predecessors(const proxy::RouteTable& routes,
               const auth::SessionTable& sessions,
               const auth::TokenTable& tokens);

  /// The oldest first. Above kMost the oldest are told to end.
  void add(std::vector<Link> links);
  /// Runs until the last one has ended.
  Task<void> run();
  /// Ours is the end: they let requests finish for at most `drain`, and end.
  void stop(seconds drain);
  bool none() const noexcept { return all_.empty(); }
  std::vector<Status> status() const;
  std::vector<int> links() const;  ///< Ours; for a successor.
  /// The successor has the links: it alone is their gateway now.
  void leave() noexcept { all_.clear(); }

 private:
  static constexpr std::size_t kMost = 8;

  /// What one of them still carries.
  struct One {
    explicit One(Link its_link) : link(std::move(its_link)) {}
    Link link;
    Status status;
    std::map<std::uint64_t, std::shared_ptr<auth::Life>> rights;  ///< By its own numbers.
    std::map<std::string, std::shared_ptr<const proxy::Route>> routes;
  };

  bool listen(One& one) const;  ///< False: it is gone.
  void heed(One& one, const nlohmann::json& message) const;
  static void tell_ends(One& one);

  const proxy::RouteTable& routes_;
  const auth::SessionTable& sessions_;
  const auth::TokenTable& tokens_;
  std::list<One> all_;
};

}  // namespace passerelle::hub
