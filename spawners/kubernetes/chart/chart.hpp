// Chart: what the gateway knows of a Helm chart: who it is, its values.yaml and the schema of its
// values. And the overrides with which a site replaces parts of a schema, by role.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spawners/kubernetes/chart/json.hpp"

namespace passerelle::spawners::chart {

struct Chart {
  std::string name;
  std::string version;
  Json about;                  ///< Chart.yaml, an object
  Json values;                 ///< values.yaml, an object
  std::optional<Json> schema;  ///< values.schema.json as it is written, an object
};

/// From a folder or a .tgz. Blocking; the errors of read_chart_files, parse_json and parse_yaml.
Result<Chart> load_chart(const std::string& path);

/// What `overwriteSchemaWith` and `$ref` may name. Read once: a name that a chart makes up is
/// looked up in a table and never becomes a path.
class Overrides {
 public:
  /// Below `folder`: default/NAME for everybody, roles/ROLE/NAME for a role. NAME may hold slashes.
  static Result<Overrides> load(const std::string& folder);

  /// The file of the first role that has one, else everybody's; null if there is none.
  const Json* find(const std::string& name, const std::vector<std::string>& roles) const;
  /// Everybody's and every role's.
  std::vector<const Json*> all() const;

 private:
  std::map<std::string, Json> everybody_;
  std::map<std::string, std::map<std::string, Json>> by_role_;
};

/// The schema with `$ref` and `overwriteSchemaWith` put in, for somebody with these roles. Like
/// Onyxia: a property whose override does not exist stays as the chart wrote it, and so does all
/// inside it. A reference that is not known, or leads to itself, stays. Errc::exhausted when the
/// result would be out of bounds.
Result<Json> resolve_schema(const Json& schema,
                            const Overrides& overrides,
                            const std::vector<std::string>& roles);

}  // namespace passerelle::spawners::chart
