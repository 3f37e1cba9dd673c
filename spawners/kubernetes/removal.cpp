// A launch's objects go: only those that carry its label, for a later launch of the same server has
// the same names.
#include "spawners/kubernetes/kubernetes.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

using std::chrono::steady_clock;

constexpr auto kLongest = std::chrono::seconds(60);  // beyond the grace: a node may be slow

std::string text_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Not there, or somebody else's by now, is success.
Task<Result<void>> remove_one(ClusterPtr cluster,
                              Launch launch,
                              std::string address,
                              std::chrono::seconds grace) {
  const auto until = steady_clock::now() + grace + kLongest;
  for (bool asked = false;; asked = true) {
    auto object = co_await cluster->api.get(address);
    if (!object && object.error().code() == Errc::not_found) co_return Result<void>();
    if (!object) co_return std::move(object.error());
    const Json about = object->value("metadata", Json::object());
    const Json labels = about.value("labels", Json::object());
    if (text_in(labels, kLaunchLabel) != launch.id) co_return Result<void>();
    if (steady_clock::now() > until)
      co_return Error(Errc::timeout, Cause::spawner_down, address + " does not go away");
    if (!asked) {
      const auto gone = co_await cluster->api.remove(address, grace, text_in(about, "uid"));
      if (!gone) co_return gone;
    } else {
      co_await cluster->pods.news(launch.id, std::chrono::seconds(1));
    }
  }
}

}  // namespace

std::string path_of(const Launch& launch, const char* kind, const std::string& name) {
  const std::string all = "/api/v1/namespaces/" + launch.namespace_ + "/" + kind;
  return name.empty() ? all : all + "/" + name;
}

Task<Result<void>> remove_objects(ClusterPtr cluster, Launch launch, std::chrono::seconds grace) {
  for (const char* kind : {"pods", "secrets"}) {
    std::string address = path_of(launch, kind, launch.pod);
    auto removed = co_await remove_one(cluster, launch, std::move(address), grace);
    if (!removed) co_return removed;
  }
  co_return Result<void>();
}

}  // namespace passerelle::spawners::kubernetes
