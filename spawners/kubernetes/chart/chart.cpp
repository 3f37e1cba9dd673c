#include "spawners/kubernetes/chart/chart.hpp"

#include <filesystem>

#include "base/files.hpp"
#include "spawners/kubernetes/chart/archive.hpp"

namespace passerelle::spawners::chart {
namespace {

constexpr std::size_t kMostOverrides = 2000;

Result<Json> object_of(Result<Json> parsed, const std::string& what) {
  if (!parsed) return parsed;
  if (parsed->is_null()) return Json::object();
  if (!parsed->is_object()) return Error(Errc::invalid, what + ": is not a map");
  return parsed;
}

std::string text_of(const Json& about, std::string_view key) {
  const Json* value = member(about, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

/// All JSON files below `folder`, by their names from there. A folder that is not there is empty.
Result<std::map<std::string, Json>> read_below(const std::filesystem::path& folder) {
  std::map<std::string, Json> found;
  std::error_code error;
  for (auto at = std::filesystem::recursive_directory_iterator(folder, error);
       !error && at != std::filesystem::recursive_directory_iterator(); at.increment(error)) {
    if (!at->is_regular_file()) continue;
    if (found.size() >= kMostOverrides)
      return Error(Errc::exhausted, folder.string() + ": too many files");
    const std::string name = at->path().lexically_relative(folder).string();
    const auto text = files::read(at->path().string(), Bounds{}.bytes);
    if (!text) return text.error();
    auto schema = object_of(parse_json(*text, at->path().string()), at->path().string());
    if (!schema) return std::move(schema.error());
    found[name] = std::move(*schema);
  }
  return found;
}

}  // namespace

Result<Chart> load_chart(const std::string& path) {
  auto read = read_chart_files(path);
  if (!read) return std::move(read.error());
  Chart chart;
  auto about = object_of(parse_yaml(read->about, path + ": Chart.yaml"), path + ": Chart.yaml");
  if (!about) return std::move(about.error());
  chart.about = std::move(*about);
  chart.name = text_of(chart.about, "name");
  chart.version = text_of(chart.about, "version");
  if (chart.name.empty()) return Error(Errc::invalid, path + ": Chart.yaml has no name");
  auto values = object_of(parse_yaml(read->values, path + ": values.yaml"), path + ": values.yaml");
  if (!values) return std::move(values.error());
  chart.values = std::move(*values);
  if (!read->schema) return chart;
  const std::string what = path + ": values.schema.json";
  auto schema = object_of(parse_json(*read->schema, what), what);
  if (!schema) return std::move(schema.error());
  chart.schema = std::move(*schema);
  return chart;
}

Result<Overrides> Overrides::load(const std::string& folder) {
  const std::filesystem::path top(folder);
  if (!std::filesystem::is_directory(top))
    return Error(Errc::not_found, folder + ": there is no such folder");
  Overrides overrides;
  auto everybody = read_below(top / "default");
  if (!everybody) return std::move(everybody.error());
  overrides.everybody_ = std::move(*everybody);
  std::error_code error;
  for (const auto& role : std::filesystem::directory_iterator(top / "roles", error)) {
    auto own = read_below(role.path());
    if (!own) return std::move(own.error());
    overrides.by_role_[role.path().filename().string()] = std::move(*own);
  }
  return overrides;
}

const Json* Overrides::find(const std::string& name, const std::vector<std::string>& roles) const {
  for (const std::string& role : roles) {
    const auto own = by_role_.find(role);
    if (own == by_role_.end()) continue;
    if (const auto file = own->second.find(name); file != own->second.end()) return &file->second;
  }
  const auto file = everybody_.find(name);
  return file == everybody_.end() ? nullptr : &file->second;
}

std::vector<const Json*> Overrides::all() const {
  std::vector<const Json*> found;
  for (const auto& [name, schema] : everybody_) found.push_back(&schema);
  for (const auto& [role, files] : by_role_)
    for (const auto& [name, schema] : files) found.push_back(&schema);
  return found;
}

}  // namespace passerelle::spawners::chart
