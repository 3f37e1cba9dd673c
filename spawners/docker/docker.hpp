// DockerSpawner: servers as containers of one Docker engine. A container is the record of its
// launch: its name and labels say whose it is, so a gateway that comes back finds it, and two
// gateways on one engine leave each other's alone.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/spawners/container.hpp"
#include "config/spawners/docker.hpp"
#include "spawners/docker/engine.hpp"
#include "spawners/spawner.hpp"

namespace passerelle::spawners::docker {

/// Which container is meant; what State holds.
struct Launch {
  std::string id;          ///< The launch's
  std::uint32_t port = 0;  ///< Inside the container
  std::string container() const { return "passerelle-" + id; }
};

class DockerSpawner final : public Spawner {
 public:
  DockerSpawner(std::string name, config::DockerSpawner settings, Surroundings around);

  const std::string& name() const noexcept override { return name_; }
  Task<Result<Started>> start(ServerSpec spec, Progress& progress) override;
  Task<Result<Liveness>> poll(State state) override;
  Task<Result<Liveness>> wait_for_end(State state) override;
  Task<Result<void>> stop(State state, StopMode mode) override;
  Task<Result<std::vector<std::pair<std::string, State>>>> found() override;

 private:
  /// A container that the engine was asked to make. The engine makes it whether or not we still
  /// wait, so it can be removed for sure only after the answer.
  struct Creation {
    explicit Creation(const asio::any_io_executor& executor)
        : answered(executor, asio::steady_timer::time_point::max()) {}
    asio::steady_timer answered;  ///< Never expires: cancelled with the answer
    bool asked = false;
    std::optional<Result<void>> result;
  };
  using CreationPtr = std::shared_ptr<Creation>;

  // start.cpp: a container's way up
  Task<Result<Started>> start_or_undo(ServerSpec spec, Progress& progress);
  Task<Result<Started>> try_start(const ServerSpec& spec,
                                  const CreationPtr& creation,
                                  Progress& progress);
  Task<void> create(CreationPtr creation, std::string container, nlohmann::json settings);
  static Task<void> until_answered(CreationPtr creation);
  Task<Result<void>> provide_image(std::string image, Progress& progress);
  Task<Result<Started>> until_it_listens(const ServerSpec& spec, Launch launch, Progress& progress);
  Task<Result<void>> until_answer(Upstream upstream,
                                  std::string path,
                                  std::string container,
                                  Progress& progress);
  Task<void> until_end(std::string container);
  Task<Error> why_ended(std::string container);

  // docker.cpp: from then on
  std::vector<std::string> labels() const;
  std::optional<Upstream> address_of(const Container& container, std::uint32_t port) const;

  std::string name_;
  config::DockerSpawner settings_;
  Engine engine_;
  HttpClient http_;
  std::string gateway_;  ///< Whose containers these are: a hash of data_dir
};

State to_state(const Launch& launch);
Result<Launch> launch_of(const State& state);

/// The profile's image with the form's values in it. What a person can choose must be allowed by
/// `images`. Cause::values_invalid.
Result<std::string> image_for(const config::DockerSpawner& settings,
                              const config::ContainerProfile& container,
                              const ServerSpec& spec);

/// What the engine is told to create. `labels`: "name=value". Cause::values_invalid as
/// plan_container.
Result<nlohmann::json> container_settings(const config::DockerSpawner& settings,
                                          const config::ContainerProfile& container,
                                          const ServerSpec& spec,
                                          const std::string& image,
                                          const std::vector<std::string>& labels);

}  // namespace passerelle::spawners::docker
