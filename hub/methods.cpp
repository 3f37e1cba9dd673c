#include "hub/methods.hpp"

namespace passerelle::hub {
namespace {

const config::Authenticator* settings_of(const config::Settings& settings, std::string_view name) {
  for (const config::Authenticator& one : settings.authenticators)
    if (one.name == name) return &one;
  return nullptr;
}

std::string file_of(const config::Authenticator& entry) {
  return "method-" + entry.name;
}

}  // namespace

auth::Authenticator* find_method(const Parts& parts, std::string_view name) {
  for (const auto& one : parts.authenticators)
    if (one->name() == name) return one.get();
  return nullptr;
}

Json method_label(const config::Settings& settings, std::string_view name) {
  const config::Authenticator* entry = settings_of(settings, name);
  if (entry == nullptr) return Json(name);
  if (entry->label.empty()) return web::say("sign-in.method." + entry->type);
  return web::words(entry->label, entry->name);
}

std::string method_picture(const config::Settings& settings, std::string_view name) {
  const config::Authenticator* entry = settings_of(settings, name);
  return entry == nullptr || entry->icon.empty() ? std::string() : file_of(*entry);
}

std::map<std::string, std::string> method_pictures(const config::Settings& settings) {
  std::map<std::string, std::string> pictures;
  for (const config::Authenticator& entry : settings.authenticators)
    if (!entry.icon.empty()) pictures.emplace(file_of(entry), entry.icon);
  return pictures;
}

std::string frame_sources(const std::vector<std::string>& origins, bool ours) {
  constexpr std::size_t kMost = 4096;
  if (origins.empty()) return {};
  std::string list = ours ? "'self'" : "";
  for (const std::string& origin : origins)
    if (list.size() + 1 + origin.size() <= kMost)
      list.append(list.empty() ? "" : " ").append(origin);
  return list;
}

}  // namespace passerelle::hub
