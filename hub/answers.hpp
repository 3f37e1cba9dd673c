// Answers: the few shapes in which the hub responds. Security headers are added to all of them by
// the front desk.
#pragma once

#include <nlohmann/json.hpp>

#include "base/result.hpp"
#include "hub/call.hpp"
#include "web/render.hpp"

namespace passerelle::hub {

using Json = nlohmann::json;

/// A page in the caller's language, inside the frame that every page has.
proxy::HubResponse page(
    Parts& parts, const Call& call, int status, std::string_view name, const Json& view);
/// The same for the answer to a POST: `path` is where a GET shows something like it (the language
/// links lead there).
proxy::HubResponse page_at(Parts& parts,
                           const Call& call,
                           std::string path,
                           int status,
                           std::string_view name,
                           const Json& view);
/// 303: the browser follows with GET. `location` is a path of ours.
proxy::HubResponse redirect(std::string location);
proxy::HubResponse json(int status, const Json& body);
/// {"status", "message"} as JupyterHub's API says it, with our "cause" and "error_id" where there
/// is one.
proxy::HubResponse api_error(int status, std::string_view message, const Error* error = nullptr);
/// What went wrong, as a page or as problem+json (RFC 9457), whatever the caller wants.
proxy::HubResponse problem(Parts& parts,
                           const Call& call,
                           int status,
                           std::string_view detail = {});
/// The HTTP status of an Error from launcher or store.
int status_of(const Error& error) noexcept;

}  // namespace passerelle::hub
