// Kit: how a job gets what it needs where no helper can lay it out, because a Remote submits. The
// job begins as a script that everybody may read. It writes a random number where only its owner
// can read it, and shows it to the gateway; the gateway reads it in its place, as the owner, and
// hands out the kit to whoever shows the same. Pure.
#pragma once

#include "base/result.hpp"
#include "spawners/batch/job.hpp"

namespace passerelle::spawners::batch {

/// The script that the job begins as. `url`: where it asks. `authority`: PEM; empty: the node knows
/// it.
std::string fetch_script(const std::string& url, const std::string& authority);

/// The files of a submission (submit/order.hpp), as a script that writes them where it stands and
/// goes on as the start script. Full of secrets.
Result<std::string> kit_of(const nlohmann::json& order);

/// 64 hex digits, as the script writes them.
bool is_proof(std::string_view text) noexcept;

}  // namespace passerelle::spawners::batch
