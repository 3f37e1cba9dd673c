// What a batch spawner must remember of a launch: the State that the hub stores. No secrets: of the
// key that a job reports with there is the hash.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "spawners/batch/job.hpp"
#include "spawners/spawner.hpp"

namespace passerelle::spawners::batch {

struct Launch {
  std::string id;    ///< ServerSpec::launch_id
  std::string name;  ///< The job's
  std::string user;  ///< The account it runs as
  std::string key_hash;
  std::int64_t submitting = 0;  ///< When the submission began, seconds since the epoch; 0: not yet
  std::string job;              ///< Empty: not known to be accepted
  std::int64_t walltime = 0;    ///< Seconds
  std::int64_t start_patience = 60;  ///< Seconds from the job's start to its report
  std::int64_t queue_patience = 0;   ///< Seconds; 0: for ever
  std::string host;                  ///< The node's name
  std::string address;               ///< and its address; empty: it has not reported
  std::uint16_t port = 0;
  std::string socket;     ///< Through the wormhole: where we reach it, instead of address and port
  std::int64_t ends = 0;  ///< Seconds since the epoch; 0: not known
  std::string command;    ///< What was run, for people
};

State to_state(const Launch& launch);
std::optional<Launch> launch_from(const State& state);
std::optional<Upstream> upstream_of(const Launch& launch);

}  // namespace passerelle::spawners::batch
