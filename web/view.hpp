// Views: what a page is told, as JSON, before anybody knows in which language it will be read.
// Words, moments and durations are wrapped here and become text when the page is rendered. What a
// page needs stands at the head of its template (web/templates/<page>.mustache).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/cause.hpp"
#include "base/clock.hpp"
#include "web/messages.hpp"

namespace passerelle::web {

using Json = nlohmann::json;

/// A message by key; a value may be plain text or another wrapped thing of this file.
Json say(std::string_view key, const std::map<std::string, Json>& values = {});
/// Words of the configuration (a profile's title): the reader's language, else English, else any,
/// else `otherwise`.
Json words(const std::map<std::string, std::string>& by_language, std::string_view otherwise);
/// A point in time; templates get {iso, text, utc}: "5 min ago", and JavaScript keeps it true.
Json moment(Instant at);
/// A length of time; templates get text: "1 min 05 s".
Json elapsed(milliseconds length);

/// {code, title, sentence, person, admin}: the part `why` of the page failure.
Json why(Cause cause);
/// {status, title, sentence, advice} of the page error; a status without a text of its own reads as
/// its class does (4xx: 400, 5xx: 500).
Json status_words(int status);

/// The label of a sign-in field, the name of a launch's step, a server's state, and why a server is
/// stopped, each by the word that the code has for it ("pin", "listen", "running", "cull").
Json field_label(std::string_view field);
Json step_words(std::string_view step);
Json state_words(std::string_view state);
Json ended_words(std::string_view ended_by);

/// Makes text of every wrapped thing in `view`. Called by Renderer::page.
Json resolve(const Json& view, const Messages& messages, std::string_view language, Instant now);

/// "5 min ago", "in 2 h", "il y a 3 j".
std::string relative(Instant at, Instant now, const Messages& messages, std::string_view language);
/// "350 ms", "12 s", "1 min 05 s", "2 h 05 min".
std::string length_text(milliseconds length);

}  // namespace passerelle::web
