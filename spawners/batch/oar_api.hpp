// OarApi: OAR's REST API (oar-restful-api 2.5) instead of oarsub, oarstat and oardel. We show a
// certificate and say in a header whom we act for; the site's web server believes nobody else.
#pragma once

#include "base/http_client.hpp"
#include "config/spawners/batch.hpp"
#include "spawners/batch/remote.hpp"

namespace passerelle::spawners::batch {

class OarApi final : public Remote {
 public:
  explicit OarApi(const config::BatchSpawner& settings);
  Result<Answer> carry(const nlohmann::json& order,
                       const std::string& user,
                       std::chrono::seconds limit) const override;

 private:
  class Conversation;

  std::string url_;  ///< Without a slash at the end
  std::string ca_file_;
  std::string cert_file_;
};

/// What the API said, in the words of the command that it ran. Pure.
Result<Answer> answer_of_api(const HttpResponse& response);
/// A list of the API as `oarstat -J` and `oarnodes -J` print it: an object by number. `key`: the
/// member with the number. Errc::unavailable: that was no list, or not all of it.
Result<Answer> list_of_api(const HttpResponse& response, const char* key);
/// The API cuts names at the first other character, and then acts for somebody else.
bool is_account_of_api(std::string_view user) noexcept;

}  // namespace passerelle::spawners::batch
