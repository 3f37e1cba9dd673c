// What a batch system and we say to each other: what a job asks for, what has become of it, and the
// commands that carry both. Plain data; the helper passerelle-submit is built of it too.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace passerelle::spawners::batch {

using TimePoint = std::chrono::sys_time<std::chrono::seconds>;

/// A program and its arguments; never a shell's line.
using Argv = std::vector<std::string>;

/// What came of one command.
struct Answer {
  bool timed_out = false;  ///< It did not end in time, or could not even be run.
  int status = 0;
  std::string out;  ///< At most 16 MiB; more is `timed_out`.
  std::string err;
  Argv command;  ///< What was run
};

/// What a job asks for. All are words of the site, checked by is_word(); empty: the site's default.
struct Wish {
  std::string name;  ///< The job's: [A-Za-z0-9._-]
  std::string resources;
  std::string nodes;
  std::string cores;
  std::string memory;
  std::string gpus;
  std::string walltime;  ///< H:MM:SS
  std::string queue;
  std::string project;
  std::string qos;
  std::string properties;
  std::string reservation;
  std::vector<std::string> types;
  std::uint32_t checkpoint = 0;  ///< Seconds before the end at which the job gets SIGUSR2; 0: never
};

nlohmann::json to_json(const Wish& wish);
std::optional<Wish> wish_from_json(const nlohmann::json& value);

/// Every member may stand in a command line: no control character, no option in disguise, not too
/// long.
bool is_acceptable(const Wish& wish);
/// What a person's own value may be inside of one: letters, digits and `_.:@+,-/`, no dash first.
bool is_word(std::string_view text) noexcept;

/// "1:30:00", "90:00", "24:00:00" in seconds.
std::optional<std::chrono::seconds> walltime_of(std::string_view text);

struct Job {
  enum class State { queued, held, starting, running, paused, stopping, ended };
  enum class End { none, normal, stopped, walltime, preempted, node_lost, out_of_memory, failed };

  std::string id;
  std::string name;
  std::string owner;
  State state = State::queued;
  std::string host;    ///< The first of its nodes, as the scheduler names it; empty: none yet
  std::string reason;  ///< Why it waits, or how it ended, in the site's words
  std::optional<TimePoint> predicted;  ///< It starts at the latest then
  std::optional<TimePoint> started;
  std::optional<TimePoint> ends;  ///< With its walltime
  // ended:
  End end = End::none;
  std::optional<int> exit_code;  ///< 0..255, or 128 + signal
  std::string by;  ///< stopped: whose request it was; empty: the scheduler does not say
};

/// Cores of a queue or partition; without a name, of all there is.
struct Census {
  std::string name;
  std::uint64_t free = 0;
  std::uint64_t all = 0;
};

/// What the system says of a job that is not submitted.
struct Estimate {
  std::optional<TimePoint> starts;
  std::string refused;  ///< Why it would not take the job, in its own words
};

/// What became of a submission.
struct Submitted {
  enum class Kind {
    accepted,
    refused,   ///< The site does not want it: `text` says why, for the person
    doubtful,  ///< There may be such a job or not: look for its name
  };
  Kind kind = Kind::doubtful;
  std::string job;
  std::string text;
  bool reached =
      true;  ///< doubtful: false if nobody was there to take it; asking again would be as slow
};

}  // namespace passerelle::spawners::batch
