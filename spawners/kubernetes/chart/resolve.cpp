// resolve_schema: `$ref` and `overwriteSchemaWith`. Both may name schemas that name further ones,
// so what is under way is known, and what is made is counted.
#include <algorithm>

#include "spawners/kubernetes/chart/chart.hpp"

namespace passerelle::spawners::chart {
namespace {

class Resolving {
 public:
  Resolving(const Json& root, const Overrides& overrides, const std::vector<std::string>& roles)
      : root_(root), overrides_(overrides), roles_(roles) {}

  Result<Json> resolve(const Json& node) {
    if (++values_ > bounds_.values || open_ >= bounds_.depth) return too_large();
    ++open_;
    auto resolved = node.is_object()  ? object(node)
                    : node.is_array() ? list(node)
                                      : Result<Json>(node);
    --open_;
    return resolved;
  }

 private:
  static Error too_large() {
    return {Errc::exhausted, "values.schema.json: too large or too deep once put together"};
  }

  Result<Json> as_written(const Json& node) {
    values_ += count_values(node);
    if (values_ > bounds_.values) return too_large();
    return node;
  }

  Result<Json> list(const Json& node) {
    Json made = Json::array();
    for (const Json& item : node) {
      auto resolved = resolve(item);
      if (!resolved) return resolved;
      made.push_back(std::move(*resolved));
    }
    return made;
  }

  Result<Json> object(const Json& node) {
    Json made = Json::object();
    Json referred;
    for (const auto& [key, value] : node.items()) {
      if (key == "$ref" && value.is_string()) {
        auto target = follow(value.get<std::string>());
        if (!target) return target;
        if (target->is_object())
          referred = std::move(*target);
        else
          made[key] = value;
        continue;
      }
      auto resolved = child(value);
      if (!resolved) return resolved;
      made[key] = std::move(*resolved);
    }
    // What is referred to wins over what stands beside the reference.
    for (auto& [key, value] : referred.items()) made[key] = std::move(value);
    return made;
  }

  Result<Json> child(const Json& value) {
    const Json* own = member(value, "x-onyxia");
    const Json* name = own == nullptr ? nullptr : member(*own, "overwriteSchemaWith");
    if (name == nullptr || !name->is_string()) return resolve(value);
    const Json* instead = overrides_.find(name->get<std::string>(), roles_);
    if (instead == nullptr) return as_written(value);
    return within(name->get<std::string>(), *instead, value);
  }

  /// Null when it leads nowhere, or in a circle.
  Result<Json> follow(const std::string& reference) {
    const Json* target = nullptr;
    if (!reference.starts_with('#'))
      target = overrides_.find(reference, roles_);
    else if (reference.starts_with("#/"))
      target = at(reference.substr(1));
    if (target == nullptr) return Json();
    return within(reference, *target, Json());
  }

  const Json* at(const std::string& pointer) const {
    try {
      const Json::json_pointer where(pointer);
      return root_.contains(where) ? &root_.at(where) : nullptr;
    } catch (const Json::exception&) {
      return nullptr;  // not a pointer
    }
  }

  Result<Json> within(const std::string& name, const Json& target, const Json& otherwise) {
    if (std::find(under_way_.begin(), under_way_.end(), name) != under_way_.end())
      return as_written(otherwise);
    under_way_.push_back(name);
    auto resolved = resolve(target);
    under_way_.pop_back();
    return resolved;
  }

  const Json& root_;
  const Overrides& overrides_;
  const std::vector<std::string>& roles_;
  const Bounds bounds_;
  std::vector<std::string> under_way_;
  std::size_t values_ = 0;
  std::size_t open_ = 0;
};

}  // namespace

Result<Json> resolve_schema(const Json& schema,
                            const Overrides& overrides,
                            const std::vector<std::string>& roles) {
  return Resolving(schema, overrides, roles).resolve(schema);
}

}  // namespace passerelle::spawners::chart
