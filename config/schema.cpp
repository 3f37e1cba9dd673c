#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "config/describe.hpp"

namespace passerelle::config {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kIdentifier = "^[a-z0-9][a-z0-9._-]{0,62}$";
constexpr std::string_view kDuration = "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$";
constexpr std::string_view kSize = "^[0-9]+(\\.[0-9]+)?[KMGTkmgt][Ii]?[Bb]?$";
constexpr std::string_view kMoment =
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt "
    "][0-9]{2}:[0-9]{2}(:[0-9]{2})?([Zz]|[+-][0-9]{2}:?[0-9]{2}))?$";

class Schema {
 public:
  Json section(const Section& table, void* owner) {
    const auto types = types_of(table);
    if (types.empty()) return section_of_type(table, owner, {});
    Json choices = Json::array();
    for (const std::string_view type : types)
      choices.push_back(section_of_type(table, owner, type));
    return Json{{"oneOf", std::move(choices)}};
  }

 private:
  Json section_of_type(const Section& table, void* owner, std::string_view type) {
    Json properties = Json::object();
    Json required = Json::array();
    Json either = Json::array();
    for (const Key& key : table.keys) {
      if (!key.is_of(type)) continue;
      properties[std::string(key.name)] = described(key, owner, type);
      if (key.kind == Kind::secret) {
        const std::string file = std::string(key.name) + "_file";
        properties[file] =
            Json{{"description", "A file that holds it."}, {"type", "string"}, {"minLength", 1}};
        either.push_back(Json{{"not", {{"required", {key.name, file}}}}});
      } else if (key.required) {
        required.push_back(key.name);
      }
    }
    Json out{
        {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
    if (!required.empty()) out["required"] = std::move(required);
    if (!either.empty()) out["allOf"] = std::move(either);
    return out;
  }

  Json described(const Key& key, void* owner, std::string_view type) {
    Json out{{"description", key.words.en}};
    if (key.name == "type" && !type.empty()) {
      out["const"] = type;
      return out;
    }
    out.update(shape(key, owner));
    if (const Json standard = default_of(key, owner); !standard.is_null())
      out["default"] = standard;
    return out;
  }

  Json shape(const Key& key, void* owner) {
    switch (key.kind) {
      case Kind::section:
        return section(*key.section, std::get<void*>(key.slot(owner)));
      case Kind::people:
        return Json{{"oneOf", {Json{{"const", "all"}}, somebody(key, owner)}}};
      case Kind::named_sections:
      case Kind::section_list:
        return children(key, std::get<void*>(key.slot(owner)));
      case Kind::translated:
        return translated();
      case Kind::environment:
        return Json{{"type", "object"},
                    {"additionalProperties", {{"type", {"string", "number", "boolean"}}}},
                    {"propertyNames", {{"pattern", "^[A-Za-z_][A-Za-z0-9_]*$"}}}};
      case Kind::texts:
        return Json{{"oneOf", {Json{{"type", "string"}, {"minLength", 1}}, list(key)}}};
      case Kind::values:
        return Json{{"type", "array"}, {"items", as_written()}, {"minItems", key.least}};
      case Kind::text_list:
      case Kind::command:
      case Kind::networks:
        return list(key);
      default:
        return scalar(key);
    }
  }

  Json somebody(const Key& key, void* owner) {
    Json out = section(*key.section, std::get<People*>(key.slot(owner)));
    out["minProperties"] = 1;
    return out;
  }

  Json children(const Key& key, void* owner) {
    // The schema of an element is that of a new one, defaults included.
    Json element = section(*key.section, key.children.append(owner));
    Json out;
    if (key.kind == Kind::section_list) {
      out = Json{{"type", "array"},
                 {"items", std::move(element)},
                 {"minItems", key.least},
                 {"maxItems", key.most}};
    } else {
      out = Json{{"type", "object"},
                 {"additionalProperties", std::move(element)},
                 {"minProperties", key.least},
                 {"maxProperties", key.most},
                 {"propertyNames", {{"pattern", kIdentifier}}}};
    }
    return out;
  }

  static Json translated() {
    Json languages = Json::object();
    for (const std::string_view language : kLanguages)
      languages[std::string(language)] = Json{{"type", "string"}, {"minLength", 1}};
    Json by_language{{"type", "object"},
                     {"properties", std::move(languages)},
                     {"additionalProperties", false},
                     {"minProperties", 1}};
    return Json{{"oneOf", {Json{{"type", "string"}, {"minLength", 1}}, std::move(by_language)}}};
  }

  static Json as_written() { return Json{{"type", {"string", "number", "boolean"}}}; }

  static Json list(const Key& key) {
    Json item{{"type", "string"}};
    if (key.kind != Kind::command) item["minLength"] = 1;
    if (key.kind == Kind::text_list) item["not"] = Json{{"const", "*"}};
    return Json{{"type", "array"}, {"items", std::move(item)}, {"minItems", key.least}};
  }

  static Json patterned(std::string_view pattern) {
    return Json{{"type", "string"}, {"minLength", 1}, {"pattern", pattern}};
  }

  static Json scalar(const Key& key) {
    const bool bounded = key.most != std::numeric_limits<std::uint64_t>::max();
    switch (key.kind) {
      case Kind::choice:
        return Json{{"enum", text::split(key.choices, ' ')}};
      case Kind::value:
        return as_written();
      case Kind::boolean:
        return Json{{"type", "boolean"}};
      case Kind::count:
        return Json{{"type", "integer"}, {"minimum", key.least}, {"maximum", key.most}};
      case Kind::number:
        return Json{{"type", "number"}, {"minimum", 0.01}, {"maximum", key.most}};
      case Kind::duration:
        return patterned(kDuration);
      case Kind::size:
        return patterned(kSize);
      case Kind::moment:
        return patterned(kMoment);
      case Kind::identifier:
        return Json{{"type", "string"}, {"pattern", kIdentifier}};
      case Kind::colour:
        return Json{{"type", "string"}, {"pattern", "^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$"}};
      case Kind::public_url:
      case Kind::provider_url:
        return Json{{"type", "string"}, {"pattern", "^[Hh][Tt][Tt][Pp][Ss]?://[^?#@]+$"}};
      case Kind::listen:
        return Json{{"type", "string"}, {"pattern", "^([0-9.]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$"}};
      case Kind::link:
        return patterned("^([Hh][Tt][Tt][Pp][Ss]?://|[Mm][Aa][Ii][Ll][Tt][Oo]:|/([^/\\\\]|$))");
      case Kind::image:
        return patterned("\\.([Ss][Vv][Gg]|[Pp][Nn][Gg])$");
      case Kind::secret:
        return Json{{"type", "string"}, {"minLength", key.least}};
      default:
        break;
    }
    Json out{{"type", "string"}, {"minLength", 1}};
    if (key.kind == Kind::text && bounded) out["maxLength"] = key.most;
    return out;
  }

  static Json default_of(const Key& key, void* owner) {
    if (key.required || key.section != nullptr) return nullptr;
    const Slot slot = key.slot(owner);
    const std::string text = written(key, slot);
    if (text.empty()) return nullptr;
    if (std::holds_alternative<bool*>(slot) || std::holds_alternative<std::uint32_t*>(slot))
      return Json::parse(text);
    return text.front() == '"' ? Json::parse(text) : Json(text);
  }
};

}  // namespace

std::string schema_json() {
  Settings settings;
  Json out{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
           {"title", "passerelle: configuration"}};
  out.update(Schema().section(root_section(), &settings));
  return out.dump(2) + '\n';
}

}  // namespace passerelle::config
