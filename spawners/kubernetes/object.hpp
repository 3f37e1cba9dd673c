// Reading of JSON that strangers wrote: what is not there, or of another kind, is empty.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace passerelle::spawners::kubernetes {

inline const nlohmann::json& part(const nlohmann::json& object, const std::string& key) {
  static const nlohmann::json kNothing = nlohmann::json::object();
  if (!object.is_object()) return kNothing;
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}

inline const nlohmann::json& list_in(const nlohmann::json& object, const std::string& key) {
  static const nlohmann::json kNothing = nlohmann::json::array();
  const nlohmann::json& list = part(object, key);
  return list.is_array() ? list : kNothing;
}

inline std::string text_in(const nlohmann::json& object, const std::string& key) {
  const nlohmann::json& value = part(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

}  // namespace passerelle::spawners::kubernetes
