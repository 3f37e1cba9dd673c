#include "spawners/environment.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/text.hpp"

namespace passerelle::spawners {
namespace {

constexpr std::array<const char*, 4> kInherited = {"PATH", "LANG", "LC_ALL", "TZ"};
constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_";

bool is_reserved(std::string_view name) {
  return name.starts_with("PASSERELLE_") || name == "JUPYTER_TOKEN" ||
         name == "JUPYTER_TOKEN_FILE" || name == "JUPYTER_RUNTIME_DIR";
}

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", value);
  return text.data();
}

Error unknown_name(const std::string& name, const std::map<std::string, std::string>& known) {
  if (name == "token" || name == "secret") {
    return Error(
        Errc::invalid, Cause::values_invalid,
        "{" + name +
            "} cannot be an argument, because every user of the machine can read it: "
            "let the program read PASSERELLE_SECRET or JUPYTER_TOKEN from its environment");
  }
  std::string names;
  for (const auto& [each, value] : known) names += (names.empty() ? "{" : ", {") + each + "}";
  return Error(Errc::invalid, Cause::values_invalid,
               "{" + name + "} is not known here; known are " + names);
}

// "a,b" for a claim with two values; nothing for one the person has not.
std::optional<std::string> claim_of(const ServerSpec& spec, std::string_view name) {
  if (name == "access_token" && !spec.access_token.empty()) return spec.access_token;
  if (name == "username") return spec.username;
  constexpr std::string_view kPrefix = "claim.";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const auto found = spec.claims.find(std::string(name.substr(kPrefix.size())));
  if (found == spec.claims.end() || found->second.empty()) return std::nullopt;
  std::string joined;
  for (const std::string& value : found->second) joined += (joined.empty() ? "" : ",") + value;
  return joined;
}

bool is_claim(std::string_view name) {
  return name == "access_token" || name == "username" ||
         (name.starts_with("claim.") && name.find_first_of(" {\"'\n") == std::string_view::npos);
}

/// The value with what is known of the person filled in; other braces stay. Nothing when the person
/// lacks a claim that it names: an empty credential is worse than none.
std::optional<std::string> with_claims(std::string_view value, const ServerSpec& spec) {
  std::string out;
  while (!value.empty()) {
    const std::size_t open = std::min(value.find('{'), value.size());
    const std::size_t close = value.find('}', open);
    out += value.substr(0, open);
    if (close == std::string_view::npos) return out + std::string(value.substr(open));
    const std::string_view name = value.substr(open + 1, close - open - 1);
    if (is_claim(name)) {
      const std::optional<std::string> known = claim_of(spec, name);
      if (!known || known->find('\0') != std::string::npos) return std::nullopt;
      out += *known;
      value.remove_prefix(close + 1);
    } else {
      out += '{';
      value.remove_prefix(open + 1);
    }
  }
  return out;
}

}  // namespace

Result<Environment> environment_for(const ServerSpec& spec, const Surrounding& place) {
  // An empty token would switch Jupyter's own check off.
  if (spec.secret.empty())
    return Error(Errc::internal, Cause::internal, "a server must have a secret");
  Environment all;
  all["PATH"] = "/usr/local/bin:/usr/bin:/bin";
  for (const char* name : kInherited)
    if (const char* value = std::getenv(name)) all[name] = value;
  all["HOME"] = place.home;
  all["USER"] = place.user;
  all["LOGNAME"] = place.user;
  all["SHELL"] = place.shell.empty() ? "/bin/sh" : place.shell;
  if (!place.runtime.empty()) all["XDG_RUNTIME_DIR"] = place.runtime;
  if (place.memory != 0) all["MEM_LIMIT"] = std::to_string(place.memory);
  if (place.cpu > 0) all["CPU_LIMIT"] = number(place.cpu);
  for (const auto& [name, value] : spec.profile.environment) {
    if (is_reserved(name)) {
      return Error(Errc::invalid, Cause::values_invalid,
                   "the profile may not set " + name + ": the gateway sets it for every server");
    }
    if (auto filled = with_claims(value, spec)) all[name] = std::move(*filled);
  }
  if (!place.runtime.empty()) all["JUPYTER_RUNTIME_DIR"] = place.runtime;
  all["JUPYTER_TOKEN"] = spec.secret;
  all["PASSERELLE_SECRET"] = spec.secret;
  all["PASSERELLE_LAUNCH"] = spec.launch_id;
  all["PASSERELLE_BASE_URL"] = spec.base_path;
  for (const auto& [name, value] : spec.hub_environment) all[name] = value;
  if (!spec.hub_environment.empty())
    all["JUPYTERHUB_SERVICE_URL"] =
        "http://" + place.address + ":" + std::to_string(place.port) + spec.base_path;
  if (!place.socket.empty()) all["PASSERELLE_SOCKET"] = place.socket;
  if (place.socket.empty()) all["PASSERELLE_PORT"] = std::to_string(place.port);
  return all;
}

std::map<std::string, std::string> placeholders(const ServerSpec& spec, const Surrounding& place) {
  std::map<std::string, std::string> known = spec.values;
  known["username"] = spec.username;
  known["server_name"] = spec.server_name;
  known["base_url"] = spec.base_path;
  known["workspace"] = place.workspace;
  known["memory"] = std::to_string(place.memory);
  known.erase("socket");
  known.erase("port");
  if (!place.socket.empty()) known["socket"] = place.socket;
  if (place.socket.empty()) known["port"] = std::to_string(place.port);
  return known;
}

Result<std::string> fill_in(const std::string& text,
                            const std::map<std::string, std::string>& known) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t open = std::min(text.find('{', at), text.size());
    out.append(text, at, open - at);
    const std::size_t end = text.find_first_not_of(kNameCharacters, open + 1);
    const bool is_name =
        open < text.size() && end != std::string::npos && text[end] == '}' && end > open + 1;
    at = is_name ? end + 1 : std::min(open + 1, text.size());
    if (!is_name) {
      out.append(text, open, at - open);
      continue;
    }
    const std::string name = text.substr(open + 1, end - open - 1);
    if (open > 0 && text[open - 1] == '{' && at < text.size() && text[at] == '}') {
      out += name + '}';  // {{name}}: the text "{name}"
      ++at;
      continue;
    }
    const auto found = known.find(name);
    if (found == known.end()) return unknown_name(name, known);
    out += found->second;
  }
  return out;
}

Result<std::vector<std::string>> fill_in(const std::vector<std::string>& words,
                                         const std::map<std::string, std::string>& known) {
  std::vector<std::string> out;
  for (const auto& word : words) {
    auto filled = fill_in(word, known);
    if (!filled) return filled.error();
    if (filled->find('\0') != std::string::npos)
      return Error(Errc::invalid, Cause::values_invalid, "an argument may not hold a zero byte");
    out.push_back(std::move(*filled));
  }
  return out;
}

std::string path_component(const std::string& name) {
  std::string encoded = text::percent_encode(name);
  // "." and ".." are directories that exist; an empty name would be the parent.
  if (encoded.starts_with('.')) encoded.replace(0, 1, "%2E");
  return encoded.empty() ? "%" : encoded;
}

}  // namespace passerelle::spawners
