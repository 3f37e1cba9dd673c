#include "spawners/kubernetes/chart/write.hpp"

#include "base/text.hpp"

namespace passerelle::spawners::chart {
namespace {

/// Cannot be taken for a number, a boolean, a date or a piece of syntax.
bool plain(const std::string& text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr std::string_view kInside = "0123456789_-./";
  if (text.empty() || text.size() > 200) return false;
  if (kLetters.find(text.front()) == std::string_view::npos) return false;
  for (const char c : text)
    if (kLetters.find(c) == std::string_view::npos && kInside.find(c) == std::string_view::npos)
      return false;
  const std::string word = text::ascii_lower(text);
  for (const std::string_view special :
       {"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
    if (word == special) return false;
  return true;
}

std::string scalar(const Json& value) {
  if (value.is_string() && plain(value.get_ref<const std::string&>())) return value;
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string key_text(const std::string& key) {
  return scalar(Json(key));
}

void write(std::string& out, const Json& value, std::size_t indent) {
  const std::string margin(indent, ' ');
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      out += margin + key_text(key) + ":";
      if (inner.is_structured() && !inner.empty()) {
        out += "\n";
        write(out, inner, indent + 2);
      } else {
        out += " " + scalar(inner) + "\n";
      }
    }
    return;
  }
  for (const Json& inner : value) {
    if (inner.is_structured() && !inner.empty()) {
      std::string block;
      write(block, inner, indent + 2);
      block[indent] = '-';  // the first line begins with the item's mark
      out += block;
    } else {
      out += margin + "- " + scalar(inner) + "\n";
    }
  }
}

}  // namespace

std::string to_yaml(const Json& value) {
  if (!value.is_structured() || value.empty()) return scalar(value) + "\n";
  std::string out;
  write(out, value, 0);
  return out;
}

}  // namespace passerelle::spawners::chart
