#include "spawners/container.hpp"

#include <algorithm>

#include <fnmatch.h>

#include "base/secrets.hpp"
#include "spawners/jupyter.hpp"

namespace passerelle::spawners {
namespace {

constexpr std::size_t kLongest = 48;
constexpr std::size_t kHashDigits = 8;
constexpr std::size_t kMarked = 3 + kHashDigits;  // "---" and the hash

bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_plain(char c) {
  return is_letter(c) || (c >= '0' && c <= '9');
}

bool is_safe(const std::string& name) {
  return !name.empty() && name.size() <= kLongest && is_letter(name.front()) &&
         name.back() != '-' && name.find("--") == std::string::npos &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_plain(c) || c == '-'; });
}

std::string without_hyphens_around(std::string name) {
  const std::size_t first = std::min(name.find_first_not_of('-'), name.size());
  name.erase(0, first);
  while (name.ends_with('-')) name.pop_back();
  return name;
}

/// What can be read of a name: at most `most` characters, begins with a letter.
std::string readable(const std::string& name, std::size_t most) {
  std::string made;
  for (char c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (is_plain(c))
      made += c;
    else if (!made.ends_with('-'))
      made += '-';
  }
  made = without_hyphens_around(std::move(made));
  if (made.empty() || !is_letter(made.front())) made = "x-" + made;
  return without_hyphens_around(made.substr(0, most));
}

std::string hash_of(const std::string& name) {
  return "---" + secrets::sha256_hex(name).substr(0, kHashDigits);
}

/// Whether `image` is written as engines know images; nothing else comes near a URL.
bool is_image(std::string_view image) {
  constexpr std::size_t kLongestImage = 255;
  const auto plain = [](char c) { return is_plain(c) || (c >= 'A' && c <= 'Z'); };
  if (image.empty() || image.size() > kLongestImage || !plain(image.front())) return false;
  if (image.find("..") != std::string_view::npos || image.find("//") != std::string_view::npos)
    return false;
  return std::all_of(image.begin(), image.end(), [&plain](char c) {
    return plain(c) || std::string_view("._-/:@").find(c) != std::string_view::npos;
  });
}

}  // namespace

Result<std::string> allowed_image(const std::string& written,
                                  const std::map<std::string, std::string>& values,
                                  const std::vector<std::string>& patterns) {
  const auto refused = [](const std::string& why) {
    return Error(Errc::invalid, Cause::values_invalid, why);
  };
  auto image = fill_in(written, values);
  if (!image) return image;
  if (!is_image(*image)) return refused("\"" + *image + "\" is no name of an image");
  if (*image == written) return image;
  for (const std::string& pattern : patterns)
    if (::fnmatch(pattern.c_str(), image->c_str(), FNM_PATHNAME) == 0) return image;
  return refused("the image " + *image + " is not among those that may be chosen");
}

Result<ContainerPlan> plan_container(const ServerSpec& spec, Surrounding place) {
  place.address = "0.0.0.0";
  ContainerPlan plan;
  auto command = fill_in(spec.profile.command, placeholders(spec, place));
  if (!command) return std::move(command.error());
  plan.command = std::move(*command);
  // Whether the image's user is root, only the image knows; Jupyter would refuse to start.
  const auto options = jupyter_options(plan.command, spec.base_path, place, true);
  plan.command.insert(plan.command.end(), options.begin(), options.end());
  auto environment = environment_for(spec, place);
  if (!environment) return std::move(environment.error());
  plan.environment = std::move(*environment);
  for (const char* name :
       {"PATH", "LANG", "LC_ALL", "TZ", "HOME", "USER", "LOGNAME", "SHELL", "XDG_RUNTIME_DIR"})
    if (!spec.profile.environment.contains(name)) plan.environment.erase(name);
  return plan;
}

std::string safe_name(const std::string& name) {
  return is_safe(name) ? name : readable(name, kLongest - kMarked) + hash_of(name);
}

std::string safe_name(const std::string& user, const std::string& server) {
  if (server.empty()) return safe_name(user);
  const std::string both = user + "--" + server;
  if (is_safe(user) && is_safe(server) && both.size() <= kLongest) return both;
  constexpr std::size_t kEach = (kLongest - kMarked - 2) / 2;
  return readable(user, kEach) + "--" + readable(server, kEach) + hash_of(user + '\xff' + server);
}

}  // namespace passerelle::spawners
