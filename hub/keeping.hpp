// Keeping a server: its owner says that it is not to be stopped as idle before a time. Written
// through to the store. A rule's `age` ends it all the same.
#pragma once

#include "hub/launcher.hpp"

namespace passerelle::hub {

/// The farthest that somebody can keep a server from now; they may do it again.
inline constexpr seconds kLongestKept{24 * 3600};

Task<Result<void>> keep_server(store::Store& store, ServerPtr server, Instant until);

/// At start: for those of the launcher's servers that run, as far as it still matters.
Task<Result<void>> load_kept(store::Store& store, const Launcher& launcher, Instant now);

}  // namespace passerelle::hub
