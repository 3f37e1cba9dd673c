#include "auth/json.hpp"

#include <set>
#include <string>
#include <vector>

namespace passerelle::auth {
namespace {

using Json = nlohmann::json;

constexpr int kDeepest = 32;

// Watches a parse go by; its own faults must be kept, as a parse cannot be stopped half-way.
struct Watch {
  std::vector<std::set<std::string>> names;
  bool twice = false;
  bool deep = false;

  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    if (depth > kDeepest) deep = true;
    if (event == Json::parse_event_t::object_start) {
      names.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      if (!names.empty()) names.pop_back();
    } else if (event == Json::parse_event_t::key && !names.empty()) {
      twice = !names.back().insert(parsed.get<std::string>()).second || twice;
    }
    return true;
  }
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::size_t most) {
  if (text.size() > most) return Error(Errc::invalid, "JSON: too long");
  Watch watch;
  Json parsed = Json::parse(text, std::ref(watch), false);
  if (parsed.is_discarded()) return Error(Errc::invalid, "JSON: cannot be read");
  if (watch.twice) return Error(Errc::invalid, "JSON: a member stands twice");
  if (watch.deep) return Error(Errc::invalid, "JSON: too deep");
  return parsed;
}

std::string text_member(const Json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

}  // namespace passerelle::auth
