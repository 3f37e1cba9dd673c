#include "config/lti_platforms.hpp"

#include <set>

#include "base/files.hpp"
#include "config/side_file.hpp"
#include "config/values.hpp"

namespace passerelle::config {
namespace {

const std::vector<std::string_view> kKeys = {
    "issuer",         "client_id",   "auth_url",      "token_url", "jwks_url",
    "token_audience", "deployments", "service_hosts", "groups",    "instructor_groups",
    "username",       "prefix",      "frame_origins"};

void one_key(SideFile& file, const Entry& entry, LtiPlatform& platform) {
  const std::pair<std::string_view, std::string*> urls[] = {{"auth_url", &platform.auth_url},
                                                            {"token_url", &platform.token_url},
                                                            {"jwks_url", &platform.jwks_url}};
  for (const auto& [name, slot] : urls) {
    if (entry.key != name) continue;
    *slot = file.url(entry);
    return;
  }
  if (entry.key == "issuer")
    platform.issuer = file.word(entry);
  else if (entry.key == "client_id")
    platform.client_id = file.word(entry);
  else if (entry.key == "token_audience")
    platform.token_audience = file.word(entry);
  else if (entry.key == "deployments")
    platform.deployments = file.words(entry);
  else if (entry.key == "service_hosts")
    platform.service_hosts = file.words(entry);
  else if (!file.grant(entry, platform))
    file.unknown(entry, kKeys);
}

LtiPlatform read_platform(SideFile& file, const Entry& entry) {
  LtiPlatform platform;
  for (const Entry& key : entry.value.entries) one_key(file, key, platform);
  const std::pair<std::string_view, bool> needed[] = {
      {"issuer", platform.issuer.empty()},
      {"client_id", platform.client_id.empty()},
      {"auth_url", platform.auth_url.empty()},
      {"jwks_url", platform.jwks_url.empty()},
      {"deployments", platform.deployments.empty()}};
  for (const auto& [name, missing] : needed)
    if (missing)
      file.wrong(entry.mark, shown(entry.key) + ": needs `" + std::string(name) + "`" +
                                 (name == "deployments" ? " (`[\"*\"]` accepts all)" : ""));
  if (platform.frame_origins.empty() && !platform.auth_url.empty())
    platform.frame_origins = {origin_of(platform.auth_url)};
  return platform;
}

}  // namespace

Result<LtiPlatforms> parse_lti_platforms(std::string_view text, const std::string& file) {
  LtiPlatforms platforms;
  std::set<std::pair<std::string, std::string>> registrations;
  const auto each = [&](SideFile& reader, const Entry& entry) {
    LtiPlatform platform = read_platform(reader, entry);
    if (!registrations.emplace(platform.issuer, platform.client_id).second)
      reader.wrong(entry.mark, shown(entry.key) + ": another one has its issuer and client_id");
    platforms.emplace(entry.key, std::move(platform));
  };
  if (auto read = read_side_file(text, file, each); !read) return std::move(read).error();
  return platforms;
}

Result<LtiPlatforms> read_lti_platforms(const std::string& path) {
  auto text = files::read(path, kLargestFile);
  if (!text) return std::move(text).error().within(path);
  return parse_lti_platforms(*text, path);
}

}  // namespace passerelle::config
