// Request: what a launch asks of the cluster, from the profile, the person and what they chose.
// Pure.
#pragma once

#include "config/spawners/batch.hpp"
#include "spawners/batch/job.hpp"
#include "spawners/spawner.hpp"

namespace passerelle::spawners::batch {

/// The person's account on the cluster. Cause::values_invalid when they have none, or one that no
/// account can have.
Result<std::string> account_of(const std::string& pattern, const ServerSpec& spec);

/// Cause::values_invalid names the field whose value cannot stand in a request: only letters,
/// digits and `_.:@+,-/`, and no dash first.
Result<Wish> wish_of(const config::BatchSpawner& settings,
                     const config::BatchProfile& profile,
                     const ServerSpec& spec,
                     const std::string& name);

/// The server's arguments and environment, with marks for what only the job knows
/// (submit/order.hpp). `hidden`: it listens on a Unix socket in the job's directory, without TLS.
Result<std::vector<std::string>> command_of(const ServerSpec& spec,
                                            const std::string& user,
                                            bool hidden);
Result<std::map<std::string, std::string>> environment_of(const ServerSpec& spec,
                                                          const std::string& user,
                                                          bool hidden);

}  // namespace passerelle::spawners::batch
