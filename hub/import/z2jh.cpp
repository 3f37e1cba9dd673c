#include "hub/import/z2jh.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "hub/import/z2jh_profiles.hpp"
#include "hub/import/z2jh_values.hpp"

namespace passerelle::hub {
namespace {

using config::Entry;
using config::Value;
using z2jh::advice_for;
using z2jh::Ordered;
using z2jh::Place;
using z2jh::text_of;
using z2jh::to_json;

constexpr const char* kSample = "quay.io/jupyterhub/k8s-singleuser-sample:4.0.0";

class Z2jh {
 public:
  Translation run(const Value& root) {
    walk(root, "");
    into_ = translate(traits_, {});
    into_.settings["public_url"] =
        (host_.empty() ? "https://notebooks.example.org" : host_) + base_path_;
    if (host_.empty()) into_.advice.emplace_back("public_url: write the address that people use");
    into_.settings["listen"]["http"] = "0.0.0.0:8000";
    into_.settings["hub_url"] = "http://passerelle:8000";
    into_.advice.emplace_back(
        "hub_url: where pods reach the gateway; passerelle:8000 is the Service of docker/chart "
        "when its release is called passerelle");
    pods();
    if (debug_) into_.settings["log"]["level"] = "debug";
    if (cull_) cull();
    for (std::string& line : advice_) into_.advice.push_back(std::move(line));
    return std::move(into_);
  }

 private:
  using Rule = void (Z2jh::*)(const Place&);

  static const std::vector<std::pair<std::string_view, Rule>>& rules() {
    using T = Z2jh;
    static const std::vector<std::pair<std::string_view, Rule>> all = {
        {"hub.allowNamedServers", &T::named_servers},
        {"hub.namedServerLimitPerUser", &T::named_limit},
        {"hub.concurrentSpawnLimit", &T::spawn_limit},
        {"hub.activeServerLimit", &T::server_limit},
        {"hub.baseUrl", &T::base_url},
        {"hub.loadRoles", &T::roles},
        {"hub.services", &T::services},
        {"hub.cookieSecret", &T::needless},
        {"hub.image", &T::needless},
        {"hub.revisionHistoryLimit", &T::needless},
        {"proxy.secretToken", &T::needless},
        {"proxy.chp", &T::needless},
        {"proxy.traefik", &T::needless},
        {"proxy.https.enabled", &T::needless},
        {"proxy.https.hosts", &T::hosts},
        {"ingress.hosts", &T::hosts},
        {"ingress.enabled", &T::needless},
        {"debug.enabled", &T::debug},
        {"global", &T::needless},
        {"fullnameOverride", &T::needless},
        {"nameOverride", &T::needless},
        {"imagePullSecrets", &T::pull_secrets},
        {"cull.enabled", &T::cull_on},
        {"cull.timeout", &T::cull_idle},
        {"cull.maxAge", &T::cull_age},
        {"cull.users", &T::cull_users},
        {"cull.every", &T::needless},
        {"cull.concurrency", &T::needless},
        {"cull.removeNamedServers", &T::needless},
        {"cull.adminUsers", &T::needless},
        {"singleuser.image.name", &T::image_name},
        {"singleuser.image.tag", &T::image_tag},
        {"singleuser.image.pullPolicy", &T::pull_policy},
        {"singleuser.image.pullSecrets", &T::pull_secrets},
        {"singleuser.cmd", &T::command},
        {"singleuser.defaultUrl", &T::default_url},
        {"singleuser.startTimeout", &T::start_timeout},
        {"singleuser.events", &T::needless},
        {"singleuser.extraEnv", &T::environment},
        {"singleuser.uid", &T::uid},
        {"singleuser.fsGid", &T::gid},
        {"singleuser.serviceAccountName", &T::service_account},
        {"singleuser.cpu.limit", &T::cpu},
        {"singleuser.cpu.guarantee", &T::cpu_guarantee},
        {"singleuser.memory.limit", &T::memory},
        {"singleuser.memory.guarantee", &T::memory_guarantee},
        {"singleuser.podNameTemplate", &T::pod_name},
        {"singleuser.profileList", &T::profiles},
        {"singleuser.storage.type", &T::storage_type},
        {"singleuser.storage.capacity", &T::capacity},
        {"singleuser.storage.homeMountPath", &T::home},
        {"singleuser.storage.dynamic.storageClass", &T::storage_class},
        {"singleuser.storage.dynamic.pvcNameTemplate", &T::claim_name},
        {"singleuser.storage.dynamic.volumeNameTemplate", &T::needless},
        {"singleuser.storage.dynamic.storageAccessModes", &T::access_modes},
        {"singleuser.storage.static", &T::shared_claim},
        {"singleuser.storage.extraVolumes", &T::volumes},
        {"singleuser.storage.extraVolumeMounts", &T::mounts},
    };
    return all;
  }

  void walk(const Value& value, const std::string& above) {
    for (const Entry& entry : value.entries) {
      const Place place{above + entry.key, entry.value, entry.mark.line};
      if (entry.value.kind == Value::Kind::null && place.path != "singleuser.cmd") continue;
      if (place.path == "hub.config") {
        traits(entry.value);
        continue;
      }
      const auto rule = std::find_if(rules().begin(), rules().end(),
                                     [&place](const auto& one) { return one.first == place.path; });
      const std::string below = place.path + ".";
      const bool leads = std::any_of(rules().begin(), rules().end(), [&below](const auto& one) {
        return one.first.starts_with(below);
      });
      if (rule != rules().end())
        (this->*rule->second)(place);
      else if (entry.value.kind == Value::Kind::map && (leads || place.path == "hub"))
        walk(entry.value, below);
      else
        advise(place, z2jh::instead_of(place.path));
    }
  }

  void advise(const Place& place, std::string_view words) {
    advice_.push_back(advice_for(place, words));
  }
  void needless(const Place&) {}

  // ------------------------------------------------------------------------------- the hub's

  void trait(const Place& place, std::string name) {
    traits_.set.push_back({std::move(name), to_json(place.value), place.line});
  }
  void traits(const Value& config) {
    for (const Entry& of_class : config.entries)
      for (const Entry& entry : of_class.value.entries) {
        const Place place{"hub.config." + of_class.key + "." + entry.key, entry.value,
                          entry.mark.line};
        if (of_class.key == "DummyAuthenticator" && entry.key == "password")
          advise(place, "write it into ./password.txt, mode 0600");
        else
          trait(place, of_class.key + "." + entry.key);
      }
  }
  void named_servers(const Place& p) { trait(p, "JupyterHub.allow_named_servers"); }
  void named_limit(const Place& p) { trait(p, "JupyterHub.named_server_limit_per_user"); }
  void spawn_limit(const Place& p) { trait(p, "JupyterHub.concurrent_spawn_limit"); }
  void server_limit(const Place& p) { trait(p, "JupyterHub.active_server_limit"); }
  void base_url(const Place& place) {
    base_path_ = text_of(place.value);
    if (!base_path_.starts_with('/')) base_path_.insert(0, "/");
    while (base_path_.ends_with('/')) base_path_.pop_back();
  }
  void roles(const Place& p) { list_of(p, "JupyterHub.load_roles"); }
  void services(const Place& p) { list_of(p, "JupyterHub.services"); }
  /// z2jh writes maps by name where JupyterHub has lists.
  void list_of(const Place& place, const char* name) {
    nlohmann::json list = nlohmann::json::array();
    for (const Entry& entry : place.value.entries) {
      nlohmann::json one = to_json(entry.value);
      if (!one.is_object()) continue;
      if (!one.contains("name")) one["name"] = entry.key;
      // z2jh makes a token for each.
      if (one.contains("apiToken") || one.contains("api_token")) one["api_token"] = "";
      list.push_back(std::move(one));
    }
    traits_.set.push_back({name, std::move(list), place.line});
  }

  void hosts(const Place& place) {
    if (!place.value.items.empty() && host_.empty())
      host_ = "https://" + text_of(place.value.items.front());
  }
  void debug(const Place& place) { debug_ = z2jh::is_true(place.value); }

  // ---------------------------------------------------------------------------------- culling

  void cull_on(const Place& place) { cull_ = z2jh::is_true(place.value); }
  void cull_idle(const Place& place) { idle_ = text_of(place.value); }
  void cull_age(const Place& place) { age_ = text_of(place.value); }
  void cull_users(const Place& place) {
    if (z2jh::is_true(place.value)) advise(place, "people are not deleted for being away");
  }
  void cull() {
    Ordered match = {{"idle", idle_ + "s"}};
    if (!age_.empty() && age_ != "0") match["age"] = age_ + "s";
    into_.settings["cull"] = {{{"match", std::move(match)}}};
  }

  // ------------------------------------------------------------------------------------- pods

  void image_name(const Place& place) { image_ = text_of(place.value); }
  void image_tag(const Place& place) { tag_ = text_of(place.value); }
  void pull_policy(const Place& place) { spawner_["pull"] = text_of(place.value); }
  void pull_secrets(const Place& place) {
    for (const Value& item : place.value.items) {
      const Value* name = item.find("name");
      const std::string secret = name == nullptr ? text_of(item) : text_of(*name);
      if (!spawner_.contains("pull_secret"))
        spawner_["pull_secret"] = secret;
      else if (spawner_["pull_secret"] != secret)
        advise(place, "one Secret only; join them into one");
    }
  }
  void command(const Place& place) {
    if (place.value.kind == Value::Kind::null)
      return advise(place, "the image's own command is not used; write it as `command`");
    trait(place, "KubeSpawner.cmd");
  }
  void default_url(const Place& place) { trait(place, "KubeSpawner.default_url"); }
  void start_timeout(const Place& place) { profile_["start_timeout"] = text_of(place.value) + "s"; }
  void environment(const Place& place) {
    z2jh::add_environment(place, profile_["environment"], advice_);
  }
  void uid(const Place& place) { uid_ = text_of(place.value); }
  void gid(const Place& place) { gid_ = text_of(place.value); }
  void service_account(const Place& place) { spawner_["service_account"] = text_of(place.value); }
  void number(const Place& place, const char* key) {
    const auto value = to_json(place.value);
    if (value.is_number() && value.get<double>() > 0)
      spawner_[key] = value;
    else
      advise(place, "is no number of cores");
  }
  void cpu(const Place& place) { number(place, "cpu"); }
  void cpu_guarantee(const Place& place) { number(place, "cpu_guarantee"); }
  void size(const Place& place, const char* key) {
    const std::string size = z2jh::size_of(place.value);
    if (size.empty()) return advise(place, "is no size");
    spawner_[key] = size;
  }
  void memory(const Place& place) { size(place, "memory"); }
  void memory_guarantee(const Place& place) {
    guaranteed_ = true;
    size(place, "memory_guarantee");
  }
  void pod_name(const Place& place) {
    if (text_of(place.value) != "jupyter-{user_server}")
      advise(place, "pods are called jupyter-{user_server}");
  }
  void profiles(const Place& place) { list_.emplace(place); }

  // ---------------------------------------------------------------------------------- storage

  void storage_type(const Place& place) { storage_ = text_of(place.value); }
  void capacity(const Place& place) { capacity_ = text_of(place.value); }
  void home(const Place& place) { home_ = text_of(place.value); }
  void storage_class(const Place& place) { spawner_["storage_class"] = text_of(place.value); }
  void claim_name(const Place& place) {
    std::string name = text_of(place.value);
    for (const auto& [theirs, ours] :
         {std::pair<std::string, std::string>{"{username}{servername}", "{user_server}"},
          {"{escaped_user_server}", "{user_server}"},
          {"{username}", "{user}"}})
      if (const std::size_t at = name.find(theirs); at != std::string::npos)
        name.replace(at, theirs.size(), ours);
    spawner_["volume"] = name;
    if (name != text_of(place.value))
      advise(place, "became `volume: " + name +
                        "`; names that need escaping are written otherwise than by kubespawner "
                        "before 7: compare with `kubectl get pvc`");
  }
  void access_modes(const Place& place) {
    if (to_json(place.value) != nlohmann::json::array({"ReadWriteOnce"}))
      advise(place, "claims are ReadWriteOnce; make others by hand beforehand");
  }
  void shared_claim(const Place& place) {
    shared_ = true;
    advise(place,
           "one claim for everybody with a folder each is not mounted: mount its file system on "
           "the nodes and write `binds`, or give each person a claim (`storage`)");
  }
  void volumes(const Place& place) {
    for (const Value& item : place.value.items) {
      const Value* folder = item.find("hostPath");
      const Value* path = folder == nullptr ? nullptr : folder->find("path");
      const Value* name = item.find("name");
      if (path != nullptr && name != nullptr)
        folders_[text_of(*name)] = text_of(*path);
      else
        advise({place.path, item, item.mark.line},
               "only folders of the nodes can be mounted (`binds`)");
    }
  }
  void mounts(const Place& place) { mounts_.emplace(place); }
  void bind() {
    if (!mounts_) return;
    for (const Value& item : mounts_->value.items) {
      const Value* name = item.find("name");
      const Value* path = item.find("mountPath");
      const auto folder = folders_.find(name == nullptr ? "" : text_of(*name));
      if (folder == folders_.end() || path == nullptr || item.find("subPath") != nullptr) {
        advise({mounts_->path, item, item.mark.line}, "what it mounts is no folder of the nodes");
        continue;
      }
      const Value* read_only = item.find("readOnly");
      const bool locked = read_only != nullptr && z2jh::is_true(*read_only);
      spawner_["binds"].push_back(folder->second + ":" + text_of(*path) + (locked ? ":ro" : ""));
    }
  }

  void pods() {
    bind();
    Ordered cluster = {{"type", "kubernetes"}};
    if (!guaranteed_) cluster["memory_guarantee"] = "1GiB";  // z2jh's default
    if (storage_ == "dynamic" && !shared_) cluster["storage"] = capacity_;
    cluster.update(spawner_);
    Ordered profile = into_.settings["profiles"][0];
    profile["spawner"] = "cluster";
    profile["start_timeout"] = "300s";
    profile.update(profile_);
    if (profile.contains("environment") && profile["environment"].empty())
      profile.erase("environment");
    if (image_.empty())
      into_.advice.emplace_back("image: none is named; z2jh's sample stands there");
    Ordered& container = profile["container"];
    container["image"] = image_.empty() ? kSample : image_ + (tag_.empty() ? "" : ":" + tag_);
    container["home"] = home_;
    if (!uid_.empty()) container["user"] = uid_ + (gid_.empty() ? "" : ":" + gid_);
    into_.settings["spawners"] = {{"cluster", std::move(cluster)}};
    into_.settings["profiles"] = Ordered::array({std::move(profile)});
    if (list_) z2jh::add_profiles(*list_, into_.settings, advice_);
  }

  Traits traits_;
  Translation into_;
  std::vector<std::string> advice_;
  Ordered spawner_ = Ordered::object();
  Ordered profile_ = Ordered::object();
  std::map<std::string, std::string> folders_;
  std::optional<Place> list_;
  std::optional<Place> mounts_;
  std::string host_;
  std::string base_path_;
  std::string image_;
  std::string tag_;
  std::string uid_ = "1000";
  std::string gid_ = "100";
  std::string storage_ = "dynamic";
  std::string capacity_ = "10Gi";
  std::string home_ = "/home/jovyan";
  std::string idle_ = "3600";
  std::string age_;
  bool shared_ = false;
  bool guaranteed_ = false;
  bool debug_ = false;
  bool cull_ = true;
};

}  // namespace

Result<Translation> translate_z2jh(std::string_view values) {
  config::Problems problems;
  const auto root = config::parse_document(values, problems);
  std::string wrong;
  for (const config::Problem& problem : problems.take())
    if (problem.severity == config::Severity::error)
      wrong += config::to_string(problem, "values") + "\n";
  if (!root || !wrong.empty()) return Error(Errc::invalid, wrong);
  if (root->kind != Value::Kind::map)
    return Error(Errc::invalid, "values: these are no values: no map at the top");
  return Z2jh().run(*root);
}

}  // namespace passerelle::hub
