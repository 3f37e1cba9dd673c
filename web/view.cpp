#include "web/view.hpp"

#include <array>
#include <cstdio>

namespace passerelle::web {
namespace {

// Only this file writes these keys: people's data reaches a view as strings, never as objects.
constexpr const char* kSay = "$say";
constexpr const char* kWords = "$words";
constexpr const char* kMoment = "$moment";
constexpr const char* kElapsed = "$elapsed";

constexpr std::array kStatuses = {400, 401, 403, 404, 405, 408, 413, 414,
                                  421, 422, 429, 431, 500, 502, 503, 504};

struct Reader {
  const Messages& messages;
  std::string_view language;
  Instant now;
};

std::string as_text(const Json& resolved) {
  if (resolved.is_string()) return resolved.get<std::string>();
  if (resolved.is_object() && resolved.contains("text")) return as_text(resolved["text"]);
  return resolved.is_null() ? "" : resolved.dump();
}

Json resolve_with(const Json& view, const Reader& reader);

Json resolve_say(const Json& view, const Reader& reader) {
  Messages::Values values;
  if (view.contains("values"))
    for (const auto& [name, value] : view["values"].items())
      values[name] = as_text(resolve_with(value, reader));
  return reader.messages.text(reader.language, view[kSay].get<std::string>(), values);
}

Json resolve_words(const Json& view, const Reader& reader) {
  const Json& by_language = view[kWords];
  for (const std::string_view language : {reader.language, kLanguages[0]})
    if (const auto found = by_language.find(language); found != by_language.end()) return *found;
  return by_language.empty() ? view["otherwise"] : *by_language.begin();
}

Json resolve_moment(const Json& view, const Reader& reader) {
  const Instant at = from_micros(view[kMoment].get<std::int64_t>());
  const std::string iso = to_iso8601(at);
  return {{"iso", iso},
          {"utc", iso.substr(0, 10) + " " + iso.substr(11, 5) + " UTC"},
          {"text", relative(at, reader.now, reader.messages, reader.language)}};
}

Json resolve_elapsed(const Json& view) {
  const auto length = view[kElapsed].get<std::int64_t>();
  return {{"ms", length}, {"text", length_text(milliseconds(length))}};
}

Json resolve_with(const Json& view, const Reader& reader) {
  if (view.is_array()) {
    Json out = Json::array();
    for (const Json& item : view) out.push_back(resolve_with(item, reader));
    return out;
  }
  if (!view.is_object()) return view;
  if (view.contains(kSay)) return resolve_say(view, reader);
  if (view.contains(kWords)) return resolve_words(view, reader);
  if (view.contains(kMoment)) return resolve_moment(view, reader);
  if (view.contains(kElapsed)) return resolve_elapsed(view);
  Json out = Json::object();
  for (const auto& [key, value] : view.items()) out[key] = resolve_with(value, reader);
  return out;
}

}  // namespace

Json say(std::string_view key, const std::map<std::string, Json>& values) {
  return {{kSay, key}, {"values", values}};
}

Json words(const std::map<std::string, std::string>& by_language, std::string_view otherwise) {
  return {{kWords, by_language}, {"otherwise", otherwise}};
}

Json moment(Instant at) {
  return {{kMoment, to_micros(at)}};
}

Json elapsed(milliseconds length) {
  return {{kElapsed, length.count()}};
}

Json why(Cause cause) {
  const std::string key = "cause." + std::string(to_string(cause)) + ".";
  return {{"code", to_string(cause)},
          {"title", say(key + "title")},
          {"sentence", say(key + "sentence")},
          {"person", say(key + "person")},
          {"admin", say(key + "admin")}};
}

Json status_words(int status) {
  int known = status < 500 ? 400 : 500;
  for (const int candidate : kStatuses)
    if (candidate == status) known = status;
  const std::string key = "error." + std::to_string(known) + ".";
  return {{"status", status},
          {"title", say(key + "title")},
          {"sentence", say(key + "sentence")},
          {"advice", say(key + "advice")}};
}

Json field_label(std::string_view field) {
  return say("sign-in.field." + std::string(field));
}
Json step_words(std::string_view step) {
  return say("step." + std::string(step));
}
Json state_words(std::string_view state) {
  return say("state." + std::string(state));
}
Json ended_words(std::string_view ended_by) {
  return say("ended." + std::string(ended_by));
}

Json resolve(const Json& view, const Messages& messages, std::string_view language, Instant now) {
  return resolve_with(view, Reader{messages, language, now});
}

std::string relative(Instant at, Instant now, const Messages& messages, std::string_view language) {
  const bool past = at <= now;
  const auto away = std::chrono::duration_cast<seconds>(past ? now - at : at - now).count();
  std::string_view unit = "days";
  std::int64_t count = away / 86400;
  if (away < 45) return messages.text(language, past ? "time.now" : "time.soon");
  if (away < 5400) {
    unit = "minutes";
    count = (away + 30) / 60;
  } else if (away < 36 * 3600) {
    unit = "hours";
    count = (away + 1800) / 3600;
  }
  const std::string key = std::string(past ? "time.ago." : "time.in.") + std::string(unit);
  return messages.text(language, key, {{"count", std::to_string(count)}});
}

std::string length_text(milliseconds length) {
  const auto ms = std::max<std::int64_t>(length.count(), 0);
  std::array<char, 48> out{};
  if (ms < 1000)
    std::snprintf(out.data(), out.size(), "%d ms", static_cast<int>(ms));
  else if (ms < 60'000)
    std::snprintf(out.data(), out.size(), "%d s", static_cast<int>(ms / 1000));
  else if (ms < 3'600'000)
    std::snprintf(out.data(), out.size(), "%d min %02d s", static_cast<int>(ms / 60'000),
                  static_cast<int>(ms / 1000 % 60));
  else
    std::snprintf(out.data(), out.size(), "%lld h %02d min", static_cast<long long>(ms / 3'600'000),
                  static_cast<int>(ms / 60'000 % 60));
  return out.data();
}

}  // namespace passerelle::web
