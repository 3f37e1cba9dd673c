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
/// One click opens a tab of ours, where the browser keeps cookies.
proxy::HubResponse open_tab_page(Parts& parts, const Call& call, const auth::OpenTab& tab);
/// A teacher picks what an activity opens.
proxy::HubResponse content_page(Parts& parts, const Call& call, const auth::ChooseContent& wanted);
/// The browser carries something on to another site, which `call` is then dressed for.
proxy::HubResponse post_on_page(Parts& parts, Call& call, const auth::PostOn& post);
/// Whether people come here from courses.
bool takes_launches(const Parts& parts);

}  // namespace passerelle::hub::pages
