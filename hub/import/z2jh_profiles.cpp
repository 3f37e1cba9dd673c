#include "hub/import/z2jh_profiles.hpp"

#include <algorithm>

namespace passerelle::hub::z2jh {
namespace {

using config::Entry;
using config::Value;

class Profiles {
 public:
  Profiles(Ordered& settings, std::vector<std::string>& advice)
      : settings_(settings),
        advice_(advice),
        base_(settings["profiles"][0]),
        cluster_(settings["spawners"]["cluster"]) {}

  void add(const Place& list) {
    settings_["profiles"] = Ordered::array();
    for (const Value& item : list.value.items) {
      const Value* preferred = item.find("default");
      const std::size_t first =
          preferred != nullptr && is_true(*preferred) ? 0 : settings_["profiles"].size();
      Ordered one = entry({list.path, item, item.mark.line});
      settings_["profiles"].insert(
          settings_["profiles"].begin() + static_cast<std::ptrdiff_t>(first), std::move(one));
    }
    const auto uses_cluster = [](const Ordered& one) { return one["spawner"] == "cluster"; };
    if (settings_["profiles"].empty()) settings_["profiles"].push_back(base_);
    if (std::none_of(settings_["profiles"].begin(), settings_["profiles"].end(), uses_cluster))
      settings_["spawners"].erase("cluster");
  }

 private:
  Ordered entry(const Place& place) {
    profile_ = base_;
    spawner_ = cluster_;
    const Value* title = place.value.find("display_name");
    const Value* slug = place.value.find("slug");
    profile_["name"] = unique(name_of(text_of(slug != nullptr    ? *slug
                                              : title != nullptr ? *title
                                                                 : Value())));
    for (const Entry& entry : place.value.entries) {
      const Place at{place.path + "." + entry.key, entry.value, entry.mark.line};
      if (entry.key == "display_name")
        profile_["title"] = text_of(entry.value);
      else if (entry.key == "description")
        profile_["description"] = text_of(entry.value);
      else if (entry.key == "kubespawner_override")
        overrides(at);
      else if (entry.key == "profile_options")
        options(at);
      else if (entry.key == "allowed_groups")
        profile_["allow"]["groups"] = to_json(entry.value);
      else if (entry.key != "default" && entry.key != "slug")
        advise(at, "has no counterpart here");
    }
    if (spawner_ != cluster_) {
      const std::string own = "cluster-" + profile_["name"].get<std::string>();
      settings_["spawners"][own] = spawner_;
      profile_["spawner"] = own;
    }
    return profile_;
  }

  std::string unique(std::string name) const {
    const auto taken = [this](const std::string& wanted) {
      return std::any_of(settings_["profiles"].begin(), settings_["profiles"].end(),
                         [&wanted](const Ordered& one) { return one["name"] == wanted; });
    };
    const std::string root = name;
    for (int number = 2; taken(name); ++number) name = root + "-" + std::to_string(number);
    return name;
  }

  void overrides(const Place& place) {
    for (const Entry& entry : place.value.entries)
      override_one({place.path + "." + entry.key, entry.value, entry.mark.line}, entry.key);
  }

  void override_one(const Place& place, const std::string& key) {
    const nlohmann::json value = to_json(place.value);
    if (value.is_null() || key == "http_timeout" || key == "events_enabled") return;
    if (key == "image")
      profile_["container"]["image"] = value;
    else if (key == "cpu_limit")
      number(place, profile_, "cpu");
    else if (key == "cpu_guarantee")
      number(place, spawner_, "cpu_guarantee");
    else if (key == "mem_limit")
      size(place, profile_, "memory");
    else if (key == "mem_guarantee")
      size(place, spawner_, "memory_guarantee");
    else if (key == "default_url")
      profile_["default_url"] = without_slash(text_of(place.value));
    else if (key == "start_timeout")
      profile_["start_timeout"] = text_of(place.value) + "s";
    else if (key == "cmd")
      profile_["command"] = value.is_string() ? nlohmann::json::array({value}) : value;
    else if (key == "environment")
      add_environment(place, profile_["environment"], advice_);
    else if (key == "image_pull_policy")
      spawner_["pull"] = value;
    else if (key == "storage_capacity")
      spawner_["storage"] = value;
    else if (key == "storage_class")
      spawner_["storage_class"] = value;
    else if (key == "service_account")
      spawner_["service_account"] = value;
    else
      advise(place, instead_of(place_of(key)));
  }

  /// Where z2jh's values say what this trait says.
  static std::string place_of(const std::string& trait) {
    for (const auto& [name, path] : {std::pair{"node_selector", "singleuser.nodeSelector"},
                                     {"tolerations", "singleuser.extraTolerations"},
                                     {"lifecycle_hooks", "singleuser.lifecycleHooks"},
                                     {"init_containers", "singleuser.initContainers"},
                                     {"extra_containers", "singleuser.extraContainers"},
                                     {"extra_pod_config", "singleuser.extraPodConfig"},
                                     {"extra_resource_limits", "singleuser.extraResource"},
                                     {"extra_resource_guarantees", "singleuser.extraResource"},
                                     {"extra_labels", "singleuser.extraLabels"},
                                     {"extra_annotations", "singleuser.extraAnnotations"}})
      if (trait == name) return path;
    return trait.starts_with("node_affinity") ? "singleuser.extraNodeAffinity" : trait;
  }

  static std::string without_slash(std::string path) {
    while (path.starts_with('/')) path.erase(0, 1);
    return path;
  }

  void number(const Place& place, Ordered& into, const char* key) {
    const auto value = to_json(place.value);
    if (value.is_number() && value.get<double>() > 0)
      into[key] = value;
    else
      advise(place, "is no number of cores");
  }

  void size(const Place& place, Ordered& into, const char* key) {
    const std::string size = size_of(place.value);
    if (size.empty())
      advise(place, "is no size");
    else
      into[key] = size;
  }

  /// A choice of images is a choice of our form; choices of anything else are not.
  void options(const Place& place) {
    for (const Entry& entry : place.value.entries) {
      const Place at{place.path + "." + entry.key, entry.value, entry.mark.line};
      if (!images(at))
        advise(at, "a form chooses the image only; write one profile for each of its choices");
    }
  }

  bool images(const Place& place) {
    const Value* choices = place.value.find("choices");
    if (choices == nullptr || profile_.contains("form")) return false;
    Ordered found = Ordered::array();
    std::string preferred;
    for (const Entry& choice : choices->entries) {
      const Value* overridden = choice.value.find("kubespawner_override");
      if (overridden == nullptr || overridden->entries.size() != 1) return false;
      const Value* image = overridden->find("image");
      if (image == nullptr) return false;
      found.push_back(text_of(*image));
      const Value* is_default = choice.value.find("default");
      if (preferred.empty() || (is_default != nullptr && is_true(*is_default)))
        preferred = text_of(*image);
    }
    if (found.empty()) return false;
    Ordered& field = profile_["form"]["image"];
    field = {{"type", "enum"}};
    if (const Value* title = place.value.find("display_name")) field["title"] = text_of(*title);
    field["enum"] = found;
    field["default"] = preferred;
    profile_["container"]["image"] = "{image}";
    for (const Ordered& image : found) spawner_["images"].push_back(image);
    for (const Entry& entry : place.value.entries) {
      const Value* enabled = entry.value.find("enabled");
      if (entry.key == "unlisted_choice" && enabled != nullptr && is_true(*enabled))
        advise({place.path + ".unlisted_choice", entry.value, entry.mark.line},
               "to let people write an image, make `form.image` a text with a `pattern`, and let "
               "`images` of the spawner allow what may come out");
    }
    return true;
  }

  void advise(const Place& place, std::string_view words) {
    advice_.push_back(advice_for(place, words));
  }

  Ordered& settings_;
  std::vector<std::string>& advice_;
  const Ordered base_;
  const Ordered cluster_;
  Ordered profile_;
  Ordered spawner_;
};

}  // namespace

void add_environment(const Place& place, Ordered& environment, std::vector<std::string>& advice) {
  for (const Entry& entry : place.value.entries) {
    const Place at{place.path + "." + entry.key, entry.value, entry.mark.line};
    const Value* inner = entry.value.find("value");
    const Value& value = inner == nullptr ? entry.value : *inner;
    if (value.kind != Value::Kind::scalar) {
      advice.push_back(advice_for(at,
                                  "is taken from elsewhere in the cluster (valueFrom): write its "
                                  "value, or `{claim.NAME}`"));
      continue;
    }
    environment[entry.key] = text_of(value);
  }
}

void add_profiles(const Place& list, Ordered& settings, std::vector<std::string>& advice) {
  Profiles(settings, advice).add(list);
}

}  // namespace passerelle::hub::z2jh
