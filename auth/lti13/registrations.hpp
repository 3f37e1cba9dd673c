// Platforms that registered themselves (IMS LTI Dynamic Registration 1.0), each by an invitation of
// an administrator. They stand beside those of the file, and never in the place of one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/lti_courses.hpp"
#include "base/secrets.hpp"
#include "config/lti_platforms.hpp"

namespace passerelle::auth::lti13 {

using PlatformsPointer = std::shared_ptr<const config::LtiPlatforms>;

/// The hub's loop only.
class Registrations {
 public:
  /// `name`: the authenticator's. `title`: what teachers see.
  Registrations(const Surroundings& around,
                std::string name,
                std::string title,
                std::string ca_file);

  Task<Result<void>> open();
  /// Those of the file and ours; one of the file wins over one of ours of the same name, or with
  /// the same issuer and client_id.
  PlatformsPointer with(const PlatformsPointer& file);

  /// Sealed: who holds it may register one platform at `hosts`.
  std::string invite(const std::vector<std::string>& hosts) const;
  /// `query`: what the platform opened us with. `below`: our address that launches come to
  /// ("https://hub/hub/lti13/"). The new platform's name.
  Task<Result<std::string>> enrol(text::Form query, std::string below);

  std::vector<lti::Registered> list() const;
  Task<Result<void>> erase(std::string platform);

 private:
  struct Invitation {
    std::string id;
    std::vector<std::string> hosts;
    Instant at{};
  };
  struct Entry {
    config::LtiPlatform platform;
    Instant at{};
  };
  std::optional<Invitation> invitation_of(std::string_view sealed) const;
  Task<Result<nlohmann::json>> ask(HttpRequest request, const char* what);
  Task<Result<std::string>> keep(config::LtiPlatform platform);
  std::string free_name(const config::LtiPlatform& platform) const;

  const Surroundings& around_;
  const std::string owner_;
  const std::string title_;
  const std::string ca_file_;
  std::map<std::string, Entry, std::less<>> ours_;
  PlatformsPointer file_;  // what merged_ was made of
  PlatformsPointer merged_;
};

}  // namespace passerelle::auth::lti13
