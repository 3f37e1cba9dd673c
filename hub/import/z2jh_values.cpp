#include "hub/import/z2jh_values.hpp"

#include <charconv>
#include <map>

namespace passerelle::hub::z2jh {
namespace {

using Json = nlohmann::json;
using config::Value;

Json plain_scalar(const std::string& text) {
  if (text == "true" || text == "True") return true;
  if (text == "false" || text == "False") return false;
  if (text.empty() || text == "null" || text == "~") return nullptr;
  const char* end = text.data() + text.size();
  std::int64_t whole = 0;
  if (std::from_chars(text.data(), end, whole).ptr == end) return whole;
  double number = 0;
  if (std::from_chars(text.data(), end, number).ptr == end) return number;
  return text;
}

}  // namespace

Json to_json(const Value& value) {
  switch (value.kind) {
    case Value::Kind::null:
      return nullptr;
    case Value::Kind::scalar:
      return value.plain ? plain_scalar(value.text) : Json(value.text);
    case Value::Kind::list: {
      Json list = Json::array();
      for (const Value& item : value.items) list.push_back(to_json(item));
      return list;
    }
    case Value::Kind::map: {
      Json map = Json::object();
      for (const config::Entry& entry : value.entries) map[entry.key] = to_json(entry.value);
      return map;
    }
  }
  return nullptr;
}

std::string text_of(const Value& value) {
  return value.kind == Value::Kind::scalar ? value.text : std::string();
}

bool is_true(const Value& value) {
  return to_json(value) == true;
}

std::string size_of(const Value& value) {
  constexpr std::string_view kUnits = "KMGT";
  const Json json = to_json(value);
  if (json.is_number_integer()) return std::to_string(json.get<std::int64_t>() >> 20U) + "MiB";
  std::string text = text_of(value);
  if (text.ends_with('i')) text.pop_back();
  const bool size = text.size() > 1 && kUnits.find(text.back()) != std::string_view::npos &&
                    text.find_first_not_of("0123456789.") == text.size() - 1;
  return size ? text + "iB" : std::string();
}

std::string name_of(std::string_view words) {
  constexpr std::size_t kLongest = 40;
  std::string name;
  for (const char c : words) {
    const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool good = (small >= 'a' && small <= 'z') || (small >= '0' && small <= '9');
    if (good)
      name += small;
    else if (!name.empty() && name.back() != '-')
      name += '-';
    if (name.size() == kLongest) break;
  }
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "profile" : name;
}

std::string advice_for(const Place& place, std::string_view words) {
  return "line " + std::to_string(place.line) + ", " + place.path + ": " + std::string(words);
}

std::string_view instead_of(std::string_view path) {
  constexpr std::string_view kPod =
      "pods have nothing of the kind here; if the image or the namespace cannot do it, launch a "
      "Helm chart (docs/kubernetes.md)";
  constexpr std::string_view kPlacement =
      "pods go where the scheduler puts them; use a namespace whose admission sets it, or launch "
      "a Helm chart (docs/kubernetes.md)";
  constexpr std::string_view kOwnPod =
      "is about the hub's own pods; the gateway's are set by the values of docker/chart";
  static const std::map<std::string_view, std::string_view> known = {
      {"custom", "was for Python code of the hub, which is not run here"},
      {"hub", kOwnPod},
      {"hub.db",
       "people come over with `passerelle import-jupyterhub`; the gateway has a database "
       "of its own in data_dir"},
      {"hub.extraConfig", "is Python and is not run: write what it sets in the configuration"},
      {"hub.extraFiles", "is for Python code or templates of the hub; `branding` sets the look"},
      {"hub.templatePaths", "templates are not replaced; `branding` sets the look"},
      {"hub.templateVars", "templates are not replaced; `branding` sets the look"},
      {"hub.redirectToServer", "a person with one server is led to the home page"},
      {"hub.shutdownOnLogout", "`cull` stops servers"},
      {"hub.consecutiveFailureLimit", "the gateway never ends because launches fail"},
      {"hub.config", "has no counterpart here"},
      {"hub.existingSecret", "secrets are files: `secretFiles` of docker/chart"},
      {"ingress", "set `ingress` of docker/chart"},
      {"httpRoute", "route the Service of docker/chart"},
      {"prePuller", "keep a DaemonSet that pulls the images; the gateway has none"},
      {"proxy", "the gateway is its own proxy; the Service is set by docker/chart"},
      {"proxy.https", "certificates are the Ingress's, or `listen.https`"},
      {"scheduling",
       "keep z2jh's user scheduler and placeholders, or use the cluster's own "
       "autoscaling; labels and names of pods are the same"},
      {"singleuser.allowPrivilegeEscalation", "pods gain no privileges"},
      {"singleuser.cloudMetadata",
       "deny 169.254.169.254 to pods with component: "
       "singleuser-server by a NetworkPolicy"},
      {"singleuser.extraAnnotations", kPod},
      {"singleuser.extraContainers", kPod},
      {"singleuser.extraFiles", kPod},
      {"singleuser.extraLabels", kPod},
      {"singleuser.extraNodeAffinity", kPlacement},
      {"singleuser.extraPodAffinity", kPlacement},
      {"singleuser.extraPodAntiAffinity", kPlacement},
      {"singleuser.extraPodConfig", kPod},
      {"singleuser.extraResource", kPod},
      {"singleuser.extraTolerations", kPlacement},
      {"singleuser.initContainers", kPod},
      {"singleuser.lifecycleHooks",
       "what is run at the start belongs to the image or to `command`"},
      {"singleuser.networkPolicy",
       "write a NetworkPolicy for pods with component: "
       "singleuser-server: only the gateway may reach them"},
      {"singleuser.nodeSelector", kPlacement},
      {"singleuser.storage.extraLabels", kPod},
  };
  for (std::string_view rest = path;;) {
    if (const auto found = known.find(rest); found != known.end()) return found->second;
    const std::size_t dot = rest.rfind('.');
    if (dot == std::string_view::npos) return "has no counterpart here";
    rest = rest.substr(0, dot);
  }
}

}  // namespace passerelle::hub::z2jh
