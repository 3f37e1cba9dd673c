#include "config/checks.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

#include "base/text.hpp"
#include "config/checks/batch.hpp"
#include "config/checks/container.hpp"
#include "config/checks/form.hpp"
#include "config/checks/ldap.hpp"
#include "config/checks/local.hpp"
#include "config/checks/oidc.hpp"
#include "config/checks/rbac.hpp"
#include "config/domain.hpp"
#include "config/lti_consumers.hpp"
#include "config/lti_platforms.hpp"
#include "config/rbac.hpp"
#include "config/values.hpp"

namespace passerelle::config {
namespace {

class Checks {
 public:
  Checks(const Settings& settings,
         const Marks& marks,
         const Environment& environment,
         Problems& problems)
      : settings_(settings),
        marks_(marks),
        environment_(environment),
        problems_(problems),
        errors_before_(problems.errors()) {
    for (const Authenticator& authenticator : settings.authenticators) {
      groups_.insert(groups_.end(), authenticator.groups.begin(), authenticator.groups.end());
    }
    if (settings.rbac)
      for (const Group& group : settings.rbac->groups) groups_.push_back(group.name);
  }

  void run() {
    addresses();
    subdomains();
    hosts();
    access();
    nobody();
    authenticators();
    auto_login();
    sessions();
    spawners();
    profiles();
    cull_rules();
    check_rbac(settings_, marks_, problems_);
  }

 private:
  template <class List>
  static std::vector<std::string_view> names_of(const List& list) {
    std::vector<std::string_view> names;
    for (const auto& item : list) names.push_back(item.name);
    return names;
  }
  static bool contains(const std::vector<std::string_view>& list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  }
  static std::string item(const std::string& list, std::size_t index) {
    return list + '[' + std::to_string(index) + ']';
  }

  void error(const std::string& path, const std::string& why) {
    problems_.error(marks_.of(path), path + ": " + why);
  }
  void warning(const std::string& path, const std::string& why) {
    problems_.warning(marks_.of(path), path + ": " + why);
  }

  void addresses() {
    const Https& https = settings_.https;
    if (settings_.public_url.empty()) {
      const bool http_open = settings_.plain_http && !is_loopback(settings_.listen);
      const bool https_open = https.on() && !is_loopback(https.at);
      if ((http_open || https_open) && !marks_.has("public_url")) {
        problems_.error(
            marks_.of(https_open ? "listen.https" : "listen.http"),
            "`public_url` is missing, and other machines can connect; write the address people "
            "type, for example `public_url: https://jupyter.example.fr`");
      }
      return;
    }
    const auto url = parse_public_url(settings_.public_url);
    if (!url) return;
    const bool here = url->host == "localhost" || url->host.ends_with(".localhost") ||
                      url->host.starts_with("127.") || url->host == "::1";
    if (url->scheme == "http" && !here) {
      warning("public_url",
              "passwords and sessions cross the network unencrypted; put a reverse proxy with a "
              "certificate in front and write `https://`");
    }
    if (url->scheme == "http" && https.on() && settings_.redirect)
      error("public_url",
            "begins with `http://`, but whoever comes that way is sent to `listen.https`; write "
            "`https://`, or `redirect: false` below `listen`");
    if (url->scheme == "https" && settings_.trusted_proxies.empty() && !https.on()) {
      warning(
          "public_url",
          "without `listen.https` a reverse proxy must hold the certificate, but `trusted_proxies` "
          "is empty: every client "
          "would seem to come from its address; write for example `trusted_proxies: [127.0.0.1]`");
    }
    for (std::size_t i = 0; i < settings_.trusted_proxies.size(); ++i) {
      if (settings_.trusted_proxies[i].ends_with("/0")) {
        warning(item("trusted_proxies", i),
                "everybody could claim to be any address; write the reverse proxy's own address");
      }
    }
  }

  void subdomains() { wildcard("subdomain_host", settings_.subdomain_host); }

  /// A name below which servers stand.
  void wildcard(const std::string& key, const std::string& below) {
    if (below.empty()) return;
    const auto alone = parse_public_url("https://" + below);
    const bool lower = below.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos;
    const bool name = below.find_first_not_of("0123456789.") != std::string::npos;
    if (!alone || alone->host != below || !lower || !name)
      return error(
          key,
          "is no host name in lower case; write it alone, without `https://`, port and `*`, "
          "for example `notebooks.example.fr`");
    const auto url = parse_public_url(settings_.public_url);
    if (settings_.public_url.empty() || !url)
      return error(
          key, "needs `public_url`, whose scheme and port the names below it share; write it too");
    if (url->host.ends_with("." + below))
      error(key,
            "the host of `public_url` is below it, where a person's notebooks could be; write that "
            "host itself (" +
                shown(url->host) + "), or another domain");
  }

  /// Names of people's origins and names of servers must be told apart.
  void domain(const Profile& profile, const std::string& path) {
    const std::string own = domain_of(profile);
    wildcard(path + ".domain", own);
    if (own.empty()) return;
    const std::string& people = settings_.subdomain_host;
    const bool within = ("." + own).ends_with("." + people) || ("." + people).ends_with("." + own);
    if (!people.empty() && within)
      error(path + ".domain",
            "is `subdomain_host`, or one of them is below the other, where people's names are; "
            "write another domain");
    if (profile.access == "jupyterhub")
      error(path + ".domain",
            "does not go with `access: jupyterhub`, whose program knows its place below `/user/`; "
            "leave one of them out");
  }

  void hosts() {
    const std::vector<std::string>& hosts = settings_.proxy.hosts;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      if (hosts[i].find_first_of("/: ") != std::string::npos)
        error(item("proxy.hosts", i),
              "is no host name; write the name alone, without `https://` and without port");
    }
  }

  void access() {
    people("access.allow", settings_.access.allow);
    people("access.admins", settings_.access.admins);
    people("access.block", settings_.access.block);
    admins();
  }

  void people(const std::string& path, const People& people) {
    const auto authenticators = names_of(settings_.authenticators);
    for (std::size_t i = 0; i < people.users.size(); ++i) {
      const std::string_view user = people.users[i];
      const std::size_t colon = user.find(':');
      if (colon == std::string_view::npos || authenticators.empty() ||
          contains(authenticators, user.substr(0, colon)))
        continue;
      const std::string_view name = user.substr(0, colon);
      error(
          item(path + ".users", i),
          "no authenticator is called " + shown(name) +
              did_you_mean(name, authenticators, "before `:` stands a name from `authenticators`"));
    }
    for (std::size_t i = 0; i < people.groups.size(); ++i)
      known_group(item(path + ".groups", i), people.groups[i]);
  }

  /// Only in a file that is right so far: a misread authenticator would make every group unknown.
  void known_group(const std::string& path, const std::string& group) {
    if (errors_before_ > 0 || providers_give_groups()) return;
    const std::vector<std::string_view> known(groups_.begin(), groups_.end());
    if (contains(known, group)) return;
    warning(path,
            "no authenticator gives the group " + shown(group) +
                did_you_mean(group, known, "write it into the `groups` of one, or remove it here"));
  }

  /// Groups that come from a provider are known to nobody but it.
  bool providers_give_groups() const {
    return std::any_of(settings_.authenticators.begin(), settings_.authenticators.end(),
                       [](const Authenticator& one) { return one.type != "dummy"; });
  }

  void nobody() {
    const People& allow = settings_.access.allow;
    if (errors_before_ > 0 || allow.everyone || !allow.users.empty() || providers_give_groups())
      return;
    const std::vector<std::string_view> given(groups_.begin(), groups_.end());
    for (const std::string& group : allow.groups)
      if (contains(given, group)) return;
    warning("access.allow",
            "nobody can sign in: no authenticator gives one of these groups, and no user is named; "
            "write a group of `authenticators`, or `allow: all`");
  }

  void auto_login() {
    if (settings_.auto_login && settings_.authenticators.size() > 1)
      warning("auto_login", "has no effect with " +
                                std::to_string(settings_.authenticators.size()) +
                                " authenticators: people must choose; remove it");
  }

  /// With a shared password, whoever types an administrator's name first would be the
  /// administrator.
  void admins() {
    for (const Authenticator& authenticator : settings_.authenticators) {
      if (authenticator.type != "dummy") continue;
      const People& admins = settings_.access.admins;
      const std::string advice = " anyone who knows the password of " + shown(authenticator.name) +
                                 " could become administrator; name people of another "
                                 "authenticator, or sign in under that name before others do";
      for (std::size_t i = 0; i < admins.users.size(); ++i) {
        const std::string& user = admins.users[i];
        if (user.find(':') == std::string::npos || user.starts_with(authenticator.name + ":")) {
          warning(item("access.admins.users", i),
                  shown(user) + " is a name that can be typed freely:" + advice);
        }
      }
      for (std::size_t i = 0; i < admins.groups.size(); ++i) {
        const auto& given = authenticator.groups;
        if (std::find(given.begin(), given.end(), admins.groups[i]) != given.end()) {
          warning(item("access.admins.groups", i),
                  shown(admins.groups[i]) + " is given to everybody:" + advice);
        }
      }
    }
  }

  void lti11(const Authenticator& authenticator) {
    if (authenticator.type != "lti11" || authenticator.lti11.consumers.empty()) return;
    const auto consumers = read_lti_consumers(authenticator.lti11.consumers);
    if (!consumers)
      error("authenticators." + authenticator.name + ".consumers", consumers.error().message());
    struct stat about{};
    const bool open =
        ::stat(authenticator.lti11.consumers.c_str(), &about) == 0 && (about.st_mode & 0137U) != 0;
    if (open)
      warning("authenticators." + authenticator.name + ".consumers",
              "holds secrets, and other users of this machine can read or change it; run `chmod "
              "640` on it");
  }

  void lti13(const Authenticator& authenticator) {
    if (authenticator.type != "lti13" || authenticator.lti13.platforms.empty()) return;
    const auto platforms = read_lti_platforms(authenticator.lti13.platforms);
    if (!platforms)
      error("authenticators." + authenticator.name + ".platforms", platforms.error().message());
    if (!settings_.public_url.starts_with("https://"))
      warning(
          "authenticators." + authenticator.name,
          "LTI 1.3 needs an https `public_url`: browsers send the cookie that a launch rests on "
          "with nothing else");
  }

  void authenticators() {
    for (const Authenticator& authenticator : settings_.authenticators) {
      const std::string path = "authenticators." + authenticator.name;
      if (authenticator.type == "ldap") check_ldap(authenticator, path, marks_, problems_);
      if (authenticator.type == "oidc")
        check_oidc(settings_, authenticator, path, marks_, problems_);
      lti11(authenticator);
      lti13(authenticator);
      const auto& until = authenticator.dummy.until;
      if (until && *until <= environment_.now) {
        warning("authenticators." + authenticator.name + ".until",
                "is over: nobody can sign in here any more; write a later day");
      }
      if (authenticator.type == "cas") cas(authenticator);
      if (authenticator.type == "header") header(authenticator);
      if (authenticator.type == "pam") pam(authenticator);
    }
  }

  void needs_public_url(const Authenticator& authenticator) {
    if (!settings_.public_url.empty()) return;
    error("authenticators." + authenticator.name + ".type",
          shown(authenticator.type) +
              " sends people elsewhere and back, but `public_url` is missing; write the address "
              "people type, for example `public_url: https://jupyter.example.fr`");
  }

  void cas(const Authenticator& authenticator) {
    needs_public_url(authenticator);
    if (authenticator.cas.renew && authenticator.cas.gateway) {
      error("authenticators." + authenticator.name + ".gateway",
            "never asks for the password, and `renew` always does; remove one of them");
    }
  }

  /// Names that mean something else to us would be lost to everybody else.
  static bool may_be_trusted_header(std::string_view name) {
    constexpr std::string_view kLetters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    constexpr std::string_view kOurs[] = {
        "authorization", "connection", "cookie", "date",    "expect",  "forwarded",  "host",
        "origin",        "referer",    "te",     "trailer", "upgrade", "user-agent", "via"};
    const std::string lower = text::ascii_lower(name);
    const auto begins = [&lower](std::string_view with) { return lower.starts_with(with); };
    return name.find_first_not_of(kLetters) == std::string_view::npos &&
           std::find(std::begin(kOurs), std::end(kOurs), lower) == std::end(kOurs) &&
           !begins("x-forwarded-p") && !begins("x-forwarded-h") && lower != "x-forwarded-for" &&
           !begins("accept") && !begins("content-") && !begins("sec-") && !begins("if-") &&
           !begins("proxy-") && !begins("transfer-");
  }

  void header(const Authenticator& authenticator) {
    const std::string path = "authenticators." + authenticator.name;
    const HeaderAuthenticator& settings = authenticator.header;
    for (const auto& [key, name] : {std::pair{"user_header", &settings.user_header},
                                    std::pair{"name_header", &settings.name_header},
                                    std::pair{"mail_header", &settings.mail_header},
                                    std::pair{"groups_header", &settings.groups_header},
                                    std::pair{"secret_header", &settings.secret_header}}) {
      if (name->empty() || may_be_trusted_header(*name)) continue;
      error(path + '.' + key, shown(*name) +
                                  " is no header field of your own; write for example "
                                  "`X-Remote-User`, and let the web server set it");
    }
    for (const std::string& network : settings.from) {
      if (network.ends_with("/0"))
        error(path + ".from",
              "everybody could sign in as anybody; write the web server's own address");
    }
    const bool beside_servers =
        std::any_of(settings_.spawners.begin(), settings_.spawners.end(),
                    [](const Spawner& spawner) { return spawner.type == "local"; });
    const bool this_machine =
        std::any_of(settings.from.begin(), settings.from.end(), [](const std::string& network) {
          return network.starts_with("127.") || network.starts_with("::1");
        });
    if (beside_servers && this_machine && settings.secret.empty()) {
      error(path + ".from",
            "servers of this machine come from there too and could sign in as anybody; write a "
            "`secret` that only the web server knows");
    }
  }

  void pam(const Authenticator& authenticator) {
    const std::string path = "authenticators." + authenticator.name;
    const std::string& service = authenticator.pam.service;
    if (service.find('/') != std::string::npos || service.starts_with('.'))
      error(path + ".service",
            shown(service) + " is no file of `/etc/pam.d`; write its name alone, such as `login`");
    if (!environment_.root) {
      warning(path + ".type",
              "most PAM modules let nobody but root check other people's passwords, and this check "
              "is not run by root; start the gateway as root");
    }
  }

  void sessions() {
    if (settings_.sessions.idle > settings_.sessions.absolute) {
      error(marks_.has("sessions.idle") ? "sessions.idle" : "sessions.absolute",
            "`idle` (" + duration_text(settings_.sessions.idle) + ") is longer than `absolute` (" +
                duration_text(settings_.sessions.absolute) + "); make `absolute` the longer one");
    }
  }

  void spawners() {
    for (const Spawner& spawner : settings_.spawners) {
      const std::string path = "spawners." + spawner.name;
      if (spawner.type == "local") check_local(spawner, path, environment_, marks_, problems_);
      if (is_batch(spawner)) check_batch(settings_, spawner, path, marks_, problems_);
      if (runs_containers(spawner)) check_binds(spawner, path, marks_, problems_);
      check_projects(spawner, path, marks_, problems_);
    }
  }

  void profiles() {
    const auto spawner_names = names_of(settings_.spawners);
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < settings_.profiles.size(); ++i) {
      const Profile& profile = settings_.profiles[i];
      const std::string path = item("profiles", i);
      if (!profile.name.empty() && !seen.insert(profile.name).second) {
        error(path + ".name",
              "another profile is called " + shown(profile.name) + " already; choose another name");
      }
      if (profile.command.empty() && !profile.kubernetes && !marks_.has(path + ".command"))
        problems_.error(marks_.of(path), "`" + path +
                                             ".command` is missing; write for example `command: "
                                             "[jupyter-lab]`");
      for (const Spawner& spawner : settings_.spawners) {
        if (spawner.name != profile.spawner) continue;
        if (profile.kubernetes)
          check_chart(profile, spawner, path, marks_, problems_);
        else if (runs_containers(spawner))
          check_container(profile, path, marks_, problems_);
      }
      if (!profile.spawner.empty() && !spawner_names.empty() &&
          !contains(spawner_names, profile.spawner)) {
        error(path + ".spawner",
              "no spawner is called " + shown(profile.spawner) +
                  did_you_mean(profile.spawner, spawner_names, "write a name from `spawners`"));
      }
      check_access(profile, path, marks_, problems_);
      domain(profile, path);
      people(path + ".allow", profile.allow);
      check_form(profile.form, path + ".form", marks_, problems_);
    }
  }

  void cull_rules() {
    const auto profile_names = names_of(settings_.profiles);
    for (std::size_t i = 0; i < settings_.cull.size(); ++i) {
      const CullRule& rule = settings_.cull[i];
      const std::string path = item("cull", i);
      if (!rule.profile.empty() && !contains(profile_names, rule.profile)) {
        error(path + ".match.profile",
              "no profile is called " + shown(rule.profile) +
                  did_you_mean(rule.profile, profile_names, "write a name from `profiles`"));
      }
      if (!rule.group.empty()) known_group(path + ".match.group", rule.group);
      const bool timed = marks_.has(path + ".match.idle") || marks_.has(path + ".match.age");
      if (marks_.has(path + ".match") && !timed) {
        error(path + ".match", "would stop servers at once; write `idle: 30m` or `age: 12h`");
      }
      for (const auto& [name, time] : {std::pair{"idle", rule.idle}, std::pair{"age", rule.age}}) {
        if (time > seconds(0) && rule.notice >= time) {
          error(path + ".notice", "must be shorter than `" + std::string(name) + "` (" +
                                      duration_text(time) + "); write less");
        }
      }
    }
  }

  const Settings& settings_;
  const Marks& marks_;
  const Environment& environment_;
  Problems& problems_;
  std::size_t errors_before_;
  std::vector<std::string> groups_;  ///< All that some authenticator can give.
};

}  // namespace

void check_together(const Settings& settings,
                    const Marks& marks,
                    const Environment& environment,
                    Problems& problems) {
  Checks(settings, marks, environment, problems).run();
}

}  // namespace passerelle::config
