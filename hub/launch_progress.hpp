// LaunchProgress: what one launch has told so far: its steps with their times, its place in the
// queue, the server's own output, and how it ended. Late readers get it from the start; live
// readers are called for each new event. Hub loop only. Bounded: the oldest log lines go first.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/cause.hpp"
#include "spawners/spawner.hpp"

namespace passerelle::hub {

class LaunchProgress {
 public:
  struct Step {
    std::string name;  ///< "queued", "prepare", "cluster", "spawn", "listen", "answer"
    std::chrono::steady_clock::time_point begun;
    std::chrono::steady_clock::duration took{};
    bool done = false;
  };

  /// `id` counts from 1 within the launch: the SSE event id.
  struct Event {
    std::size_t id = 0;
    std::string json;
  };

  explicit LaunchProgress(std::string launch_id) : launch_id_(std::move(launch_id)) {}

  void step(std::string_view name);
  void queued(std::size_t position, std::size_t of);
  void log(std::string_view lines);
  /// It waits in somebody else's queue: told whenever that has changed.
  void waiting(const spawners::Waiting& how);
  /// `log`: for who comes when all is over.
  void ready(const std::string& url, const std::string& log = {});
  void failed(Cause cause, const std::string& detail, const std::string& error_id);

  const std::string& launch_id() const noexcept { return launch_id_; }
  int percent() const noexcept;
  bool ended() const noexcept { return ended_; }
  bool has_failed() const noexcept { return has_failed_; }
  const std::vector<Step>& steps() const noexcept { return steps_; }
  std::size_t queue_position() const noexcept { return queue_position_; }
  std::size_t queue_length() const noexcept { return queue_length_; }
  /// Of the step under way; null: it waits for nobody.
  const spawners::Waiting* elsewhere() const noexcept {
    return elsewhere_ ? &*elsewhere_ : nullptr;
  }
  std::size_t last_id() const noexcept { return last_id_; }  ///< Of the last event so far
  std::string log_tail(std::size_t lines) const;

  /// Events after `last_id`, then each new one; `reader` returns false to be forgotten. Called with
  /// nothing left to come: `closed`. Returns a key for leave().
  using Reader = std::function<bool(const Event&)>;
  std::size_t follow(std::size_t last_id, Reader reader, std::function<void()> closed);
  void leave(std::size_t key);

 private:
  void add(nlohmann::json event);
  void close_step();

  struct Follower {
    Reader reader;
    std::function<void()> closed;
  };

  std::string launch_id_;
  std::vector<Step> steps_;
  std::deque<Event> events_;
  std::size_t last_id_ = 0;
  std::deque<std::string> log_;
  std::size_t queue_position_ = 0;
  std::size_t queue_length_ = 0;
  std::optional<spawners::Waiting> elsewhere_;
  bool ended_ = false;
  bool has_failed_ = false;
  std::map<std::size_t, Follower> followers_;
  std::size_t next_key_ = 1;
};

}  // namespace passerelle::hub
