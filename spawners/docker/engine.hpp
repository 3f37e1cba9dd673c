// Engine: the calls of Docker's Engine API (1.41, engine 20.10 and later) that servers need, over
// its Unix socket. Knows nothing of launches. An engine that cannot be reached is Errc::unavailable
// (spawner-down), never "there is no such container".
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/http_client.hpp"

namespace passerelle::spawners::docker {

struct Container {
  std::string id;
  std::string status;  ///< created, running, paused, restarting, removing, exited, dead
  bool running = false;
  int exit_code = 0;
  bool out_of_memory = false;
  std::string error;        ///< Why it could not be started
  nlohmann::json networks;  ///< NetworkSettings
};

class Engine {
 public:
  Engine(asio::io_context& loop, std::string socket);

  /// Errc::not_found: there is none of that name.
  Task<Result<Container>> inspect(std::string name);
  /// Errc::not_found: the image is not there; Errc::conflict: the name is taken.
  Task<Result<void>> create(std::string name, nlohmann::json settings);
  /// The Error carries Cause::crashed when the engine says that the program cannot be run.
  Task<Result<void>> start(std::string name);
  /// Asks it to end, kills it after `patience`. Not there, or not running, is success.
  Task<Result<void>> stop(std::string name, std::chrono::seconds patience);
  /// Kills and removes it with its anonymous volumes. Not there is success; returns when it is
  /// gone.
  Task<Result<void>> remove(std::string name);
  /// Completes when it does not run any more, or at the latest after an hour.
  Task<Result<void>> wait(std::string name);
  /// What it printed, both streams; at most the last `lines`, 0: all, up to 256 KiB.
  Task<Result<std::string>> logs(std::string name, unsigned lines);
  /// Names and values of one label of all containers, running or not, that carry all of `labels`
  /// ("name=value").
  Task<Result<std::vector<std::string>>> labelled(std::vector<std::string> labels,
                                                  std::string wanted);
  Task<Result<bool>> has_image(std::string image);
  /// Fetches it from its registry. The Error carries Cause::image_pull and the registry's words.
  Task<Result<void>> pull(std::string image, std::chrono::milliseconds limit);

 private:
  struct Call {
    const char* method = "GET";
    std::string target;
    std::optional<nlohmann::json> body = {};
    std::chrono::milliseconds limit = std::chrono::seconds(30);
    std::size_t most_body = 4U << 20U;
  };
  Task<Result<HttpResponse>> call(Call call);

  HttpClient http_;
  std::string socket_;
};

/// The frames of a container's log (stdcopy) as text; a container with a terminal has none.
std::string log_text(std::string_view frames);

}  // namespace passerelle::spawners::docker
