#include "auth/ldap/check.hpp"

#include "auth/ldap/lookup.hpp"

namespace passerelle::auth::ldap {
namespace {

using Settings = config::LdapAuthenticator;

class Check {
 public:
  Check(const Target& target, const Settings& settings, Deadline deadline)
      : target_(target), settings_(settings), deadline_(deadline) {}

  std::vector<Finding> run() {
    auto connection = Connection::open(target_, limit());
    if (!connection) {
      wrong("connection", connection.error().message());
      return std::move(findings_);
    }
    good(target_.tls ? "connection with TLS" : "connection without TLS");
    what_anonymous_sees(*connection);
    if (bind(*connection)) look(*connection);
    return std::move(findings_);
  }

 private:
  Deadline limit() const {
    return std::min(deadline_, std::chrono::steady_clock::now() + settings_.connect_timeout);
  }
  void add(Finding::Level level, const std::string& what, std::string advice) {
    findings_.push_back({level, target_.text + ": " + what, std::move(advice)});
  }
  void good(const std::string& what) { add(Finding::Level::good, what, ""); }
  void warning(const std::string& what, std::string advice) {
    add(Finding::Level::warning, what, std::move(advice));
  }
  void wrong(const std::string& what, std::string advice) {
    add(Finding::Level::wrong, what, std::move(advice));
  }

  bool bind(Connection& connection) {
    if (settings_.bind_dn.empty()) {
      if (!can_look_up(settings_))
        warning("no bind_dn",
                "whether somebody is still there cannot be asked before a launch; give an account "
                "that may read people");
      return true;
    }
    auto bound = bind_service(connection, settings_, deadline_);
    if (bound) {
      good("bind as " + settings_.bind_dn);
    } else {
      wrong("bind as " + settings_.bind_dn, bound.error().message() + "; check bind_password");
    }
    return bound.has_value();
  }

  void look(Connection& connection) {
    if (!settings_.user_base.empty() && can_look_up(settings_)) look_for_people(connection);
    if (!settings_.group_base.empty() && !settings_.bind_dn.empty())
      look_below(connection, "group_base", settings_.group_base);
  }

  void look_for_people(Connection& connection) {
    Search search;
    search.base = settings_.user_base;
    search.filter = "(" + settings_.username_attribute + "=*)";
    search.attributes = {settings_.username_attribute};
    if (!settings_.subject_attribute.empty())
      search.attributes.push_back(settings_.subject_attribute);
    search.most = 1;
    auto found = connection.search(search, deadline_);
    const std::string what = "people below user_base " + settings_.user_base;
    if (!found)
      return wrong(what, found.error().message() + "; check user_base and what bind_dn may read");
    if (found->entries.empty())
      return wrong(what, "nobody there has a " + settings_.username_attribute +
                             " that we can see; check user_base, username_attribute and what " +
                             (settings_.bind_dn.empty() ? "anonymous" : settings_.bind_dn) +
                             " may read");
    const bool subject = settings_.subject_attribute.empty() ||
                         !found->entries.front().all(settings_.subject_attribute).empty();
    if (!subject)
      return wrong(what, "they have no " + settings_.subject_attribute +
                             " that we can see; check subject_attribute");
    good(what);
  }

  void look_below(Connection& connection, const std::string& key, const std::string& base) {
    Search search;
    search.base = base;
    search.scope = Search::Scope::base;
    search.filter = "(objectClass=*)";
    search.most = 1;
    auto found = connection.search(search, deadline_);
    if (found && !found->entries.empty()) return good(key + " " + base);
    wrong(key + " " + base, (found ? "nothing is there" : found.error().message()) +
                                "; check it, and what bind_dn may read");
  }

  // The connection is nobody's yet.
  void what_anonymous_sees(Connection& connection) {
    if (settings_.user_base.empty()) return;
    Search search;
    search.base = settings_.user_base;
    search.filter = "(" + settings_.username_attribute + "=*)";
    search.most = 1;
    auto found = connection.search(search, deadline_);
    const bool seen = found && !found->entries.empty();
    if (seen && !settings_.bind_dn.empty())
      warning(
          "anonymous sees people",
          "anybody who reaches the directory can list them; this is a setting of the directory");
    if (!seen) good("anonymous sees nobody");
  }

  const Target& target_;
  const Settings& settings_;
  const Deadline deadline_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> check_server(const Target& target,
                                  const Settings& settings,
                                  Deadline deadline) {
  return Check(target, settings, deadline).run();
}

}  // namespace passerelle::auth::ldap
