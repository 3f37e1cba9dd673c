#include "spawners/batch/job.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace passerelle::spawners::batch {
namespace {

using nlohmann::json;

using Member = std::string Wish::*;
constexpr std::array<std::pair<const char*, Member>, 12> kMembers = {{
    {"name", &Wish::name},
    {"resources", &Wish::resources},
    {"nodes", &Wish::nodes},
    {"cores", &Wish::cores},
    {"memory", &Wish::memory},
    {"gpus", &Wish::gpus},
    {"walltime", &Wish::walltime},
    {"queue", &Wish::queue},
    {"project", &Wish::project},
    {"qos", &Wish::qos},
    {"properties", &Wish::properties},
    {"reservation", &Wish::reservation},
}};
constexpr std::size_t kLongest = 1000;
constexpr std::size_t kMostTypes = 10;

bool is_line(const std::string& text) {
  return text.size() <= kLongest && !text.starts_with('-') &&
         std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 100 && text.front() != '-' &&
         text.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") ==
             std::string_view::npos;
}

}  // namespace

json to_json(const Wish& wish) {
  json out = {{"types", wish.types}, {"checkpoint", wish.checkpoint}};
  for (const auto& [name, member] : kMembers) out[name] = wish.*member;
  return out;
}

std::optional<Wish> wish_from_json(const json& value) {
  if (!value.is_object()) return std::nullopt;
  Wish wish;
  for (const auto& [name, member] : kMembers) {
    const auto found = value.find(name);
    if (found == value.end() || !found->is_string()) return std::nullopt;
    wish.*member = found->get<std::string>();
  }
  const auto types = value.find("types");
  const auto checkpoint = value.find("checkpoint");
  if (types == value.end() || !types->is_array() || checkpoint == value.end() ||
      !checkpoint->is_number_unsigned())
    return std::nullopt;
  for (const json& type : *types) {
    if (!type.is_string()) return std::nullopt;
    wish.types.push_back(type.get<std::string>());
  }
  wish.checkpoint = checkpoint->get<std::uint32_t>();
  return wish;
}

bool is_acceptable(const Wish& wish) {
  const bool lines = std::all_of(kMembers.begin(), kMembers.end(),
                                 [&](const auto& one) { return is_line(wish.*one.second); });
  return lines && is_name(wish.name) && walltime_of(wish.walltime) &&
         wish.types.size() <= kMostTypes &&
         std::all_of(wish.types.begin(), wish.types.end(), is_line);
}

bool is_word(std::string_view text) noexcept {
  constexpr std::string_view kPlain = "_.:@+,-/";
  return !text.starts_with('-') && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kPlain.find(c) != std::string_view::npos;
  });
}

std::optional<std::chrono::seconds> walltime_of(std::string_view text) {
  std::int64_t total = 0;
  int parts = 0;
  while (true) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + colon, number);
    const bool digits = error == std::errc() && end == text.data() + colon && colon <= 5;
    if (!digits || ++parts > 3) return std::nullopt;
    total = total * 60 + number;
    if (colon == text.size()) break;
    text.remove_prefix(colon + 1);
  }
  constexpr std::int64_t kHour = 60;
  if (parts == 1) total *= kHour * kHour;  // hours alone, as OAR reads it
  if (parts == 2) total *= kHour;          // hours and minutes
  if (total == 0) return std::nullopt;
  return std::chrono::seconds(total);
}

}  // namespace passerelle::spawners::batch
