#include "web/messages.hpp"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "web/assets.hpp"

namespace passerelle::web {
namespace {

constexpr std::size_t kMostRanges =
    32;  // Of an Accept-Language header; browsers send fewer than ten.

std::size_t index_of(std::string_view language) noexcept {
  const auto* const found = std::find(kLanguages.begin(), kLanguages.end(), language);
  return found == kLanguages.end() ? 0 : static_cast<std::size_t>(found - kLanguages.begin());
}

bool is_ours(std::string_view language) noexcept {
  return std::find(kLanguages.begin(), kLanguages.end(), language) != kLanguages.end();
}

// "0.8" as 800, without floating point and without exceptions; what is malformed weighs nothing.
int weight(std::string_view q) noexcept {
  if (q.empty() || (q[0] != '0' && q[0] != '1') || q.size() > 5 || (q.size() > 1 && q[1] != '.'))
    return 0;
  int value = (q[0] - '0') * 1000;
  int scale = 100;
  for (std::size_t i = 2; i < q.size(); ++i, scale /= 10) {
    if (q[i] < '0' || q[i] > '9') return 0;
    value += (q[i] - '0') * scale;
  }
  return std::min(value, 1000);
}

struct Range {
  std::string_view language;  // One of ours, or empty.
  int weight = 0;
};

Range read_range(std::string_view item) noexcept {
  const std::size_t semicolon = item.find(';');
  const std::string_view tag = text::trim(item.substr(0, semicolon));
  Range range{{}, 1000};
  if (semicolon != std::string_view::npos) {
    const std::string_view parameter = text::trim(item.substr(semicolon + 1));
    const bool is_q = parameter.size() > 2 && (parameter[0] | 0x20) == 'q' && parameter[1] == '=';
    range.weight = is_q ? weight(parameter.substr(2)) : 0;
  }
  const std::string_view primary = tag.substr(0, tag.find('-'));
  for (const std::string_view ours : kLanguages)
    if (text::iequals(primary, ours)) range.language = ours;
  return range;
}

Error broken(std::string_view language, std::string_view key, std::string_view what) {
  return {Errc::internal, "messages." + std::string(language) + ".json: " + std::string(key) +
                              ": " + std::string(what)};
}

std::vector<std::string> sorted_placeholders(std::string_view text) {
  std::vector<std::string> names = placeholders(text);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string_view negotiate(std::string_view accept_language, std::string_view cookie) noexcept {
  if (is_ours(cookie)) return kLanguages[index_of(cookie)];
  Range best;
  for (std::size_t seen = 0; !accept_language.empty() && seen < kMostRanges; ++seen) {
    const std::size_t comma = accept_language.find(',');
    const Range range = read_range(accept_language.substr(0, comma));
    if (!range.language.empty() && range.weight > best.weight) best = range;
    accept_language = comma == std::string_view::npos ? "" : accept_language.substr(comma + 1);
  }
  return best.language.empty() ? kLanguages[0] : best.language;
}

std::vector<std::string> placeholders(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t open = text.find('{'); open != std::string_view::npos;
       open = text.find('{', open + 1)) {
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos) break;
    names.emplace_back(text.substr(open + 1, close - open - 1));
  }
  return names;
}

Result<Messages> Messages::load() {
  Messages messages;
  for (const std::string_view language : kLanguages) {
    const std::string path = "messages." + std::string(language) + ".json";
    const Asset* const file = find_asset(path);
    if (!file) return Error(Errc::internal, path + ": not in this program");
    const nlohmann::json root = nlohmann::json::parse(file->content, nullptr, false);
    if (!root.is_object()) return Error(Errc::internal, path + ": not a JSON object");
    for (const auto& [key, value] : root.items()) {
      if (!value.is_string()) return broken(language, key, "not a text");
      messages.texts_[index_of(language)][key] = value.get<std::string>();
    }
  }
  const Texts& first = messages.texts_[0];
  for (const std::string_view language : kLanguages) {
    const Texts& texts = messages.texts_[index_of(language)];
    for (const auto& [key, text] : first) {
      const auto found = texts.find(key);
      if (found == texts.end()) return broken(language, key, "missing");
      if (sorted_placeholders(found->second) != sorted_placeholders(text))
        return broken(language, key,
                      "its placeholders differ from those of " + std::string(kLanguages[0]));
    }
    for (const auto& [key, text] : texts)
      if (!first.contains(key)) return broken(kLanguages[0], key, "missing");
  }
  return messages;
}

const std::string* Messages::find(std::string_view language, std::string_view key) const noexcept {
  const Texts& texts = texts_[index_of(language)];
  const auto found = texts.find(key);
  return found == texts.end() ? nullptr : &found->second;
}

std::string Messages::text(std::string_view language,
                           std::string_view key,
                           const Values& values) const {
  const std::string* const found = find(language, key);
  if (!found) return std::string(key);
  std::string out;
  std::string_view rest = *found;
  for (std::size_t open = rest.find('{'); open != std::string_view::npos; open = rest.find('{')) {
    const std::size_t close = rest.find('}', open);
    if (close == std::string_view::npos) break;
    out.append(rest.substr(0, open));
    const auto value = values.find(rest.substr(open + 1, close - open - 1));
    if (value != values.end()) out.append(value->second);
    rest.remove_prefix(close + 1);
  }
  return out.append(rest);
}

std::vector<std::string_view> Messages::keys() const {
  std::vector<std::string_view> all;
  for (const auto& [key, text] : texts_[0]) all.push_back(key);
  return all;
}

}  // namespace passerelle::web
