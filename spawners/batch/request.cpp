#include "spawners/batch/request.hpp"

#include <algorithm>

#include "spawners/batch/submit/order.hpp"
#include "spawners/environment.hpp"
#include "spawners/jupyter.hpp"

namespace passerelle::spawners::batch {
namespace {

const std::string kPortMark(1, submit::kPort);
const std::string kDirectoryMark(1, submit::kDirectory);
const std::string kHomeMark(1, submit::kHome);

Error bad_value(const std::string& what) {
  return {Errc::invalid, Cause::values_invalid, what};
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

/// Fills one template of the request.
class Filler {
 public:
  explicit Filler(const ServerSpec& spec) : known_(spec.values) {
    known_["username"] = spec.username;
  }

  std::string operator()(const std::string& text) {
    for (const auto& [name, value] : known_) {
      const bool used = text.find("{" + name + "}") != std::string::npos;
      if (used && !is_word(value) && problem_.empty())
        problem_ =
            name + ": only letters, digits and _.:@+,-/ can be asked of the cluster, no dash first";
    }
    auto filled = fill_in(text, known_);
    if (!filled && problem_.empty()) problem_ = filled.error().message();
    return filled ? std::move(*filled) : std::string();
  }
  const std::string& problem() const { return problem_; }

 private:
  std::map<std::string, std::string> known_;
  std::string problem_;
};

std::string clock_text(std::chrono::seconds time) {
  const auto two = [](std::int64_t number) {
    return (number < 10 ? "0" : "") + std::to_string(number);
  };
  const std::int64_t all = time.count();
  return std::to_string(all / 3600) + ":" + two(all / 60 % 60) + ":" + two(all % 60);
}

Surrounding there(const std::string& user, bool hidden) {
  Surrounding place;
  place.user = user;
  place.home = kHomeMark;
  place.workspace = kHomeMark;
  if (hidden) place.socket = kDirectoryMark + "/sock";
  return place;
}

}  // namespace

Result<std::string> account_of(const std::string& pattern, const ServerSpec& spec) {
  std::string account = replaced(pattern, "{username}", spec.username);
  for (const auto& [name, values] : spec.claims)
    if (!values.empty()) account = replaced(account, "{claim." + name + "}", values.front());
  if (account.find('{') != std::string::npos)
    return bad_value("your sign-in says nothing of your account on the cluster (" + pattern + ")");
  const bool plain = account.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-@") ==
                     std::string::npos;
  if (account.empty() || account.size() > 64 || account.front() == '-' || !plain)
    return bad_value("no account on the cluster can be called \"" + account.substr(0, 64) + "\"");
  return account;
}

Result<Wish> wish_of(const config::BatchSpawner& settings,
                     const config::BatchProfile& profile,
                     const ServerSpec& spec,
                     const std::string& name) {
  Filler fill(spec);
  Wish wish;
  wish.name = name;
  wish.resources = fill(profile.resources);
  wish.nodes = fill(profile.nodes);
  wish.cores = fill(profile.cores);
  wish.memory = fill(profile.memory);
  wish.gpus = fill(profile.gpus);
  wish.walltime = fill(profile.walltime.empty() ? "1:00:00" : profile.walltime);
  wish.queue = fill(profile.queue);
  wish.project = fill(profile.project);
  wish.qos = fill(profile.qos);
  wish.properties = fill(profile.properties);
  wish.reservation = fill(profile.reservation);
  for (const std::string& type : profile.types) wish.types.push_back(fill(type));
  if (!fill.problem().empty()) return bad_value(fill.problem());
  const auto walltime = walltime_of(wish.walltime);
  if (!walltime)
    return bad_value("walltime: write hours:minutes:seconds, not \"" + wish.walltime + "\"");
  wish.walltime = clock_text(*walltime);
  const auto checkpoint = settings.checkpoint.count();
  if (checkpoint * 2 < walltime->count()) wish.checkpoint = static_cast<std::uint32_t>(checkpoint);
  if (!is_acceptable(wish)) return bad_value("the profile asks for what cannot be written down");
  return wish;
}

Result<std::vector<std::string>> command_of(const ServerSpec& spec,
                                            const std::string& user,
                                            bool hidden) {
  const Surrounding place = there(user, hidden);
  auto known = placeholders(spec, place);
  if (!hidden) known["port"] = kPortMark;
  known["certfile"] = kDirectoryMark + "/server.crt";
  known["keyfile"] = kDirectoryMark + "/server.key";
  known["client_ca"] = kDirectoryMark + "/client-ca.crt";
  auto command = fill_in(spec.profile.command, known);
  if (!command) return command;
  for (std::string option : jupyter_options(*command, spec.base_path, place, false)) {
    const std::size_t ip = option.find(".ip=");
    if (ip != std::string::npos) {
      const std::string application = option.substr(0, ip);
      command->push_back(application + ".certfile=" + known["certfile"]);
      command->push_back(application + ".keyfile=" + known["keyfile"]);
      command->push_back(application + ".client_ca=" + known["client_ca"]);
      option = application + ".ip=0.0.0.0";
    }
    command->push_back(replaced(option, ".port=0", ".port=" + kPortMark));
  }
  return command;
}

Result<std::map<std::string, std::string>> environment_of(const ServerSpec& spec,
                                                          const std::string& user,
                                                          bool hidden) {
  auto all = environment_for(spec, there(user, hidden));
  if (!all) return all;
  // What the node and its login shell know better than we do.
  for (const char* name : {"PATH", "LANG", "LC_ALL", "TZ", "HOME", "USER", "LOGNAME", "SHELL"})
    if (!spec.profile.environment.contains(name)) all->erase(name);
  if (hidden) return all;
  (*all)["PASSERELLE_PORT"] = kPortMark;
  (*all)["PASSERELLE_CERTFILE"] = kDirectoryMark + "/server.crt";
  (*all)["PASSERELLE_KEYFILE"] = kDirectoryMark + "/server.key";
  (*all)["PASSERELLE_CLIENT_CA"] = kDirectoryMark + "/client-ca.crt";
  return all;
}

}  // namespace passerelle::spawners::batch
