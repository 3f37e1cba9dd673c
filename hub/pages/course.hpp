// What sign-in and launches from a course share.
#pragma once

#include "hub/answers.hpp"
#include "hub/parts.hpp"

namespace passerelle::hub::pages {

/// A message for somebody who comes from a course; `code` empty: none.
proxy::HubResponse course_page(
    Parts& parts, const Call& call, int status, Json message, const std::string& code);
/// After a launch that signed somebody in: starts their server where it asks for one, and finds out
/// whether the browser keeps our cookie.
Task<Answer> land(Parts& parts, Call& call, auth::Welcome in);
/// The page of an answer that the browser must take a step for: open a tab, carry something to the
/// platform, keep something there. Nothing: it is none of these. `call` is dressed for it.
std::optional<proxy::HubResponse> course_step(Parts& parts,
                                              Call& call,
                                              const auth::LoginAnswer& answer);
/// Whether people come here from courses.
bool takes_launches(const Parts& parts);

}  // namespace passerelle::hub::pages
