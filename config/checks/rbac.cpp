#include "config/checks/rbac.hpp"

#include <algorithm>
#include <set>

#include "config/rbac.hpp"
#include "config/values.hpp"

namespace passerelle::config {
namespace {

class RbacChecks {
 public:
  RbacChecks(const Settings& settings, const Marks& marks, Problems& problems)
      : rbac_(*settings.rbac), marks_(marks), problems_(problems) {}

  void run() {
    for (std::size_t i = 0; i < rbac_.custom_scopes.size(); ++i)
      if (!rbac_.custom_scopes[i].starts_with("custom:"))
        error("custom_scopes[" + std::to_string(i) + "]",
              "begins with `custom:`; write for example `custom:grades:read`");
    for (const Role& one : rbac_.roles) role(one);
    std::set<std::string_view> tokens;
    for (const Service& one : rbac_.services) {
      service(one);
      if (!one.api_token.empty() && !tokens.insert(one.api_token.value).second)
        error("services." + one.name + ".api_token",
              "is that of another service, too; make one for each");
    }
  }

 private:
  void error(const std::string& path, const std::string& why) {
    problems_.error(marks_.of(path), path + ": " + why);
  }

  void role(const Role& role) {
    const std::string path = "roles." + role.name;
    if (role.name == "admin") {
      error(path, "administrators are named by `access: {admins: ...}`; choose another name");
      return;
    }
    std::vector<std::string_view> known;
    for (const Service& one : rbac_.services) known.emplace_back(one.name);
    for (std::size_t i = 0; i < role.services.size(); ++i)
      if (std::find(known.begin(), known.end(), role.services[i]) == known.end())
        error(path + ".services[" + std::to_string(i) + "]",
              "no service is called " + shown(role.services[i]) +
                  did_you_mean(role.services[i], known, "write a name from `services`"));
  }

  void service(const Service& service) {
    constexpr std::size_t kLongest = 64;
    const std::string path = "services." + service.name;
    if (service.api_token.empty() && !service.managed())
      error(path + ".api_token",
            "is missing; write `api_token_file`, or `command` for one that we start");
    if (!service.managed() &&
        !(service.environment.empty() && service.cwd.empty() && service.user.empty()))
      error(path, "`environment`, `cwd` and `user` are for a service with `command`");
    if (service.api_token.value.size() > kLongest)
      error(path + ".api_token", "is longer than 64 characters; make one of 32 random bytes");
    if (!service.url.empty() && !service.url.starts_with("http://"))
      error(path + ".url", "is no plain HTTP address; write for example `http://127.0.0.1:9000`");
  }

  const Rbac& rbac_;
  const Marks& marks_;
  Problems& problems_;
};

}  // namespace

void check_rbac(const Settings& settings, const Marks& marks, Problems& problems) {
  if (settings.rbac) RbacChecks(settings, marks, problems).run();
}

void check_access(const Profile& profile,
                  const std::string& path,
                  const Marks& marks,
                  Problems& problems) {
  if (profile.access != "jupyterhub" || profile.transport == Transport::tcp) return;
  problems.error(marks.of(path + ".transport"),
                 path + ".transport: `access: jupyterhub` is reached by TCP; remove the key");
}

}  // namespace passerelle::config
