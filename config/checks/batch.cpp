#include "config/checks/batch.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "config/keys/batch.hpp"

namespace passerelle::config {

bool is_batch(const Spawner& spawner) {
  const auto types = text::split(kBatchTypes, ' ');
  return std::ranges::find(types, spawner.type) != types.end();
}

void check_batch(const Settings& settings,
                 const Spawner& spawner,
                 const std::string& path,
                 const Marks& marks,
                 Problems& problems) {
  const BatchSpawner batch = spawner.batch ? *spawner.batch : BatchSpawner();
  const auto error = [&](const std::string& key, const std::string& why) {
    problems.error(marks.of(path + key), path + key + ": " + why);
  };
  if (batch.act_as == "ssh" && batch.login_node.empty())
    error(".login_node", "is missing; write `login_node: gateway@login.example.fr`");
  if (batch.login_node.starts_with('-') || batch.login_node.find(' ') != std::string::npos)
    error(".login_node", "is no host; write `gateway@login.example.fr`");
  if (batch.first_port > batch.last_port)
    error(".last_port", "is less than `first_port`; write a larger one");
  if (batch.lost_after < batch.silent_after)
    error(".lost_after", "is shorter than `silent_after`; write a longer time");
  if (batch.callback_url.empty() && settings.public_url.empty())
    error(".callback_url",
          "jobs could not report; write the address by which nodes reach the gateway");
  const std::string& callback =
      batch.callback_url.empty() ? settings.public_url : batch.callback_url;
  if (batch.act_as == "api" && !batch.api_url.starts_with("https://"))
    error(".api_url", "is no https:// address; write `https://oar.example.fr/oarapi`");
  if (batch.act_as == "api" && batch.api_cert.empty())
    error(".api_cert", "is missing; without a certificate the API could not tell us from anybody");
  if (batch.act_as == "api" && !callback.starts_with("https://"))
    error(".callback_url", "must begin with https://: jobs get their keys from there");
  if (!batch.helper.empty() && batch.helper.front() != '/')
    error(".helper", "must be a whole path; write `/usr/libexec/passerelle-submit`");
}

}  // namespace passerelle::config
