#include "spawners/kubernetes/projects.hpp"

#include <algorithm>

#include <fnmatch.h>

#include "base/files.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "spawners/container.hpp"
#include "spawners/environment.hpp"
#include "spawners/kubernetes/chart/json.hpp"
#include "spawners/kubernetes/object.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

using std::chrono::steady_clock;

constexpr const char* kOwnerAnnotation = "passerelle/project-of";
constexpr const char* kKeepAnnotation = "passerelle/keep";  ///< Operators have changed it by hand.
constexpr auto kPatience = std::chrono::seconds(20);
constexpr std::size_t kMostFile = 256U << 10U;

/// Where objects of a kind are; nothing: a kind that has no place in a project's file.
std::string collection_of(const std::string& namespace_, const std::string& kind) {
  const std::string core = "/api/v1/namespaces/" + namespace_ + "/";
  if (kind == "ResourceQuota") return core + "resourcequotas";
  if (kind == "LimitRange") return core + "limitranges";
  if (kind == "NetworkPolicy")
    return "/apis/networking.k8s.io/v1/namespaces/" + namespace_ + "/networkpolicies";
  if (kind == "RoleBinding")
    return "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace_ + "/rolebindings";
  return {};
}

/// Whose it is, as its namespace says.
std::string mark_of(const Project& project) {
  return (project.group.empty() ? "user " : "group ") + project.owner;
}

/// Texts of the whole tree.
Result<void> fill_texts(Json& node, const std::map<std::string, std::string>& known) {
  if (node.is_string()) {
    auto filled = fill_in(node.get<std::string>(), known);
    if (!filled) return std::move(filled.error());
    node = std::move(*filled);
  }
  if (!node.is_structured()) return {};
  for (Json& one : node)
    if (auto done = fill_texts(one, known); !done) return done;
  return {};
}

/// YAML documents stand between lines of "---".
std::vector<std::string> documents_in(std::string_view yaml) {
  std::vector<std::string> all(1);
  for (const std::string_view line : text::split(yaml, '\n')) {
    if (text::trim(line) == "---")
      all.emplace_back();
    else
      all.back().append(line).append("\n");
  }
  return all;
}

Result<std::vector<Json>> read_objects(const std::string& file, const Project& project) {
  auto yaml = files::read(file, kMostFile);
  if (!yaml) return std::move(yaml.error());
  auto objects = project_objects(*yaml, project);
  if (!objects) return std::move(objects.error()).within(file);
  return objects;
}

/// More than the one namespace that stands in the configuration.
bool several(const config::KubernetesSpawner& settings) {
  return !settings.group_namespace.empty() || settings.namespace_.find('{') != std::string::npos;
}

}  // namespace

Result<std::vector<Json>> project_objects(std::string_view yaml, const Project& project) {
  const std::map<std::string, std::string> known = {{"namespace", project.namespace_},
                                                    {"owner", project.owner}};
  std::vector<Json> objects;
  for (const std::string& one : documents_in(yaml)) {
    const auto read = chart::parse_yaml(one, "a document");
    if (!read) return read.error();
    if (read->is_null()) continue;
    Json object = Json::parse(read->dump());
    const std::string kind = text_in(object, "kind");
    if (kind != "Namespace" && collection_of("x", kind).empty())
      return Error(Errc::invalid, "\"" + kind +
                                      "\" has no place in a project's file: Namespace, "
                                      "ResourceQuota, LimitRange, NetworkPolicy or RoleBinding");
    if (auto filled = fill_texts(object, known); !filled) return std::move(filled.error());
    if (kind != "Namespace" && text_in(part(object, "metadata"), "name").empty())
      return Error(Errc::invalid, "a " + kind + " without a name");
    objects.push_back(std::move(object));
  }
  return objects;
}

Projects::Projects(const config::KubernetesSpawner& settings,
                   std::string gateway,
                   WorkerPool& workers,
                   ClusterPtr cluster)
    : pattern_(settings.namespace_),
      group_pattern_(settings.group_namespace),
      groups_(settings.project_groups),
      file_(settings.project_file),
      gateway_(std::move(gateway)),
      several_(several(settings)),
      workers_(workers),
      cluster_(std::move(cluster)) {}

std::string pods_path(const config::KubernetesSpawner& settings) {
  return several(settings) ? "/api/v1/pods" : "/api/v1/namespaces/" + settings.namespace_ + "/pods";
}

std::string Projects::name_for(const std::string& pattern, const std::string& what) const {
  const auto name = fill_in(pattern, {{"username", safe_name(what)}, {"group", safe_name(what)}});
  return name ? *name : pattern;
}

std::vector<Project> Projects::all_of(const ServerSpec& spec) const {
  std::vector<Project> all = {{"", name_for(pattern_, spec.username), spec.username}};
  const auto mine = spec.claims.find("groups");
  if (group_pattern_.empty() || mine == spec.claims.end()) return all;
  for (const std::string& group : mine->second) {
    const bool meant = groups_.empty() || std::ranges::any_of(groups_, [&](const auto& pattern) {
                         return ::fnmatch(pattern.c_str(), group.c_str(), 0) == 0;
                       });
    if (meant) all.push_back({group, name_for(group_pattern_, group), group});
  }
  return all;
}

Result<Project> Projects::of(const ServerSpec& spec) const {
  const auto wanted = spec.values.find(kChosenProject);
  const std::string group = wanted == spec.values.end() ? std::string() : wanted->second;
  for (Project& project : all_of(spec))
    if (project.group == group) return std::move(project);
  return Error(Errc::invalid, Cause::values_invalid,
               "there is no project \"" + group.substr(0, 64) + "\" of yours");
}

/// The cluster's rights follow a RoleBinding after a moment.
Task<Result<void>> Projects::put_in(std::string namespace_, Json object) {
  const std::string collection = collection_of(namespace_, text_in(object, "kind"));
  const std::string path = collection + "/" + text_in(part(object, "metadata"), "name");
  const auto until = steady_clock::now() + std::chrono::seconds(3);
  for (;;) {
    auto made = co_await cluster_->api.create(collection, object);
    if (made) co_return Result<void>();
    const bool there = made.error().code() == Errc::conflict;
    if (there) {
      const auto known = co_await cluster_->api.get(path);
      const Json about = known ? part(*known, "metadata") : Json::object();
      if (text_in(part(about, "annotations"), kKeepAnnotation) == "true") co_return Result<void>();
      made = co_await cluster_->api.patch(path, object);
      if (made) co_return Result<void>();
    }
    const bool not_yet = made.error().code() == Errc::forbidden;
    if (!not_yet || steady_clock::now() > until) co_return std::move(made.error());
    co_await sleep_for(std::chrono::milliseconds(100));
  }
}

/// Pods are refused until the namespace has its account.
Task<Result<void>> Projects::until_pods_may_be_made(std::string namespace_) {
  const std::string path = "/api/v1/namespaces/" + namespace_ + "/serviceaccounts/default";
  const auto until = steady_clock::now() + kPatience;
  for (;;) {
    auto found = co_await cluster_->api.get(path);
    if (found) co_return Result<void>();
    const bool wait =
        found.error().code() == Errc::not_found || found.error().code() == Errc::forbidden;
    if (!wait || steady_clock::now() > until) co_return std::move(found.error());
    co_await sleep_for(std::chrono::milliseconds(50));
  }
}

Task<Result<void>> Projects::make(Project project, Json about) {
  about["name"] = project.namespace_;
  about["labels"][kGatewayLabel] = gateway_;
  about["annotations"][kOwnerAnnotation] = mark_of(project);
  const Json object{{"metadata", about}};
  auto made = co_await cluster_->api.create("/api/v1/namespaces", object);
  if (!made && made.error().code() == Errc::conflict)
    made = co_await cluster_->api.patch("/api/v1/namespaces/" + project.namespace_, object);
  if (!made) co_return std::move(made.error());
  log::info("kubernetes", "a project's namespace",
            {{"namespace", project.namespace_}, {"owner", project.owner}});
  co_return Result<void>();
}

Task<Result<void>> Projects::prepare(Project project) {
  const bool fixed = project.group.empty() && pattern_.find('{') == std::string::npos;
  if (fixed) co_return Result<void>();  // the operators'
  const std::string name = project.namespace_;
  const auto there = co_await cluster_->api.get("/api/v1/namespaces/" + name);
  if (!there && there.error().code() != Errc::not_found)
    co_return Error(Errc::unavailable, Cause::spawner_down, there.error().message());
  const Json about_it = there ? part(*there, "metadata") : Json::object();
  if (there && text_in(part(about_it, "labels"), kGatewayLabel) != gateway_)
    co_return Error(Errc::conflict, Cause::spawner_down,
                    "the namespace " + name + " belongs to somebody else");
  if (there && text_in(part(about_it, "annotations"), kOwnerAnnotation) != mark_of(project))
    co_return Error(Errc::conflict, Cause::spawner_down,
                    "the namespace " + name + " is another project's");
  if (there && ready_.contains(name)) co_return Result<void>();
  std::vector<Json> objects;
  if (!file_.empty()) {
    auto reading = [file = file_, project] { return read_objects(file, project); };
    auto read = co_await workers_.run(std::move(reading));
    if (!read) co_return Error(Errc::invalid, Cause::internal, read.error().message());
    objects = std::move(*read);
  }
  Json about = Json::object();
  for (const Json& object : objects)
    if (text_in(object, "kind") == "Namespace") about = part(object, "metadata");
  auto done = co_await make(project, std::move(about));
  for (std::size_t i = 0; done && i < objects.size(); ++i) {
    if (text_in(objects[i], "kind") == "Namespace") continue;
    Json object = objects[i];
    done = co_await put_in(name, std::move(object));
  }
  if (done) done = co_await until_pods_may_be_made(name);
  if (!done)
    co_return Error(Errc::unavailable, Cause::spawner_down,
                    "the project " + name + ": " + done.error().message());
  ready_.insert(name);
  co_return Result<void>();
}

Task<Result<std::vector<std::string>>> Projects::existing() {
  std::vector<std::string> names;
  if (pattern_.find('{') == std::string::npos) names.push_back(pattern_);
  if (!several_) co_return names;
  auto found = co_await cluster_->api.get(
      "/api/v1/namespaces?labelSelector=" + text::percent_encode(kGatewayLabel) + "%3D" + gateway_);
  if (!found) co_return std::move(found.error());
  for (const Json& one : list_in(*found, "items"))
    names.push_back(text_in(part(one, "metadata"), "name"));
  co_return names;
}

}  // namespace passerelle::spawners::kubernetes
