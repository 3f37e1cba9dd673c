// Cause: why a launch failed or a request was refused, as a code that pages, API, audit log and
// metrics share. The sentence a person reads for each code stands in web/messages.*, in every
// language.
#pragma once

#include <optional>
#include <string_view>

namespace passerelle {

enum class Cause {
  quota_user,
  quota_group,
  limit_global,
  queue_full,
  breaker_open,
  maintenance,
  profile_gone,
  profile_forbidden,
  values_invalid,
  image_pull,
  unschedulable,
  storage_pending,
  node_lost,
  out_of_memory,
  crashed,
  start_timeout,
  not_answering,
  auth_handshake,
  batch_refused,
  batch_held,
  batch_walltime,
  batch_killed,
  spawner_down,
  internal,
  cancelled,  ///< Ended on purpose by a person; never an error, but the audit log names it.
};

/// The code as it is written everywhere: "out-of-memory".
std::string_view to_string(Cause cause) noexcept;
std::optional<Cause> cause_from_string(std::string_view text) noexcept;

}  // namespace passerelle
