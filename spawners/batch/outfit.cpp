// What a job is handed that was submitted with nothing secret in hand (kit.hpp).
#include <filesystem>

#include "base/files.hpp"
#include "base/secrets.hpp"
#include "base/text.hpp"
#include "spawners/batch/batch.hpp"
#include "spawners/batch/kit.hpp"

namespace passerelle::spawners::batch {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kReadAgain{1};

}  // namespace

/// The order as a Remote may see it; what is secret in it waits here, as the client's key does.
Result<json> BatchSpawner::without_secrets(const Launch& launch, json order) const {
  order["system"] = cluster_->adapter().name();
  order["user"] = launch.user;
  const auto kit = kit_of(order);
  if (!kit) return kit.error();
  if (auto kept = files::write_durable(keys_of(launch.id) + "/kit", *kit, 0600); !kept)
    return std::move(kept).error();
  std::string authority;
  if (const auto found = order["files"].find("hub-ca.crt"); found != order["files"].end())
    authority = found->get<std::string>();
  const std::string url = hub_for_jobs() + "/api/launches/" + launch.id + "/kit";
  return json{{"verb", "submit"},
              {"launch", launch.id},
              {"wish", order["wish"]},
              {"fetch", fetch_script(url, authority)}};
}

bool BatchSpawner::expects(const std::string& launch_id) const {
  return batch_.act_as == "api" && expected_->contains(launch_id);
}

// Whoever asks may be anybody: what they make us do is one reading of a small file a second, and
// nothing before the scheduler says that the job runs.
Task<Result<std::string>> BatchSpawner::outfit(std::string launch_id, std::string proof) {
  const Error again(Errc::unavailable, "not known yet; ask again");
  const auto found = expected_->find(launch_id);
  if (!expects(launch_id) || !is_proof(proof)) co_return Error(Errc::forbidden, "this is no proof");
  const std::shared_ptr<Expected> expected = found->second;
  if (expected->proof.empty()) {
    const auto& job = expected->watch->job;
    if (!job || (job->state != Job::State::running && job->state != Job::State::starting)) {
      cluster_->look_soon();
      co_return again;
    }
    if (steady_clock::now() - expected->asked < kReadAgain) co_return again;
    expected->asked = steady_clock::now();
    json order = {{"verb", "proof"}, {"launch", launch_id}};
    const auto answer = co_await cluster_->act(std::move(order), expected->watch->owner);
    const std::string_view told = answer ? text::trim(answer->out) : std::string_view();
    if (!is_proof(told)) co_return again;
    expected->proof = told;
  }
  if (!secrets::equal(proof, expected->proof))
    co_return Error(Errc::forbidden, "this is not the proof of that launch");
  if (expected->stored || expected->closed) co_return Error(Errc::forbidden, "it is up already");
  co_return files::read(keys_of(launch_id) + "/kit");
}

/// Once the server is up.
void BatchSpawner::forget_kit(const Launch& launch) const {
  std::error_code ignored;
  std::filesystem::remove(keys_of(launch.id) + "/kit", ignored);
}

}  // namespace passerelle::spawners::batch
