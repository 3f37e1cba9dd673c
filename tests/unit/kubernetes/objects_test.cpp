// The three objects of a server: what a person may write never becomes more than a value in them.
#include <gtest/gtest.h>

#include "spawners/kubernetes/kubernetes.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

ServerSpec spec_for(const std::string& user) {
  ServerSpec spec;
  spec.launch_id = "0123456789abcdef";
  spec.username = user;
  spec.base_path = "/user/x/";
  spec.secret = "a secret";
  spec.profile.command = {"jupyter-lab"};
  auto container = std::make_shared<config::ContainerProfile>();
  container->image = "jupyter/base:1";
  container->user = "1000:100";
  spec.profile.container = container;
  return spec;
}

const Launch kLaunch{"0123456789abcdef", "jupyter-x", "lab", 8888};
const Owner kOwner{"gateway", "cluster"};

TEST(PodFor, ItsSecretIsNotInIt) {
  const config::KubernetesSpawner settings;
  const auto pod = pod_for(settings, spec_for("alice"), kLaunch, kOwner);
  ASSERT_TRUE(pod) << pod.error().message();
  EXPECT_EQ(pod->dump().find("a secret"), std::string::npos);
  const Json& container = (*pod)["spec"]["containers"][0];
  EXPECT_EQ(container["envFrom"][0]["secretRef"]["name"], "jupyter-x");
  EXPECT_EQ(container["securityContext"]["runAsUser"], 1000);
  EXPECT_EQ((*pod)["spec"]["securityContext"]["fsGroup"], 100);
  EXPECT_EQ((*pod)["spec"]["automountServiceAccountToken"], false);
  const auto environment = environment_in_container(settings, spec_for("alice"));
  ASSERT_TRUE(environment);
  EXPECT_EQ(secret_for(kLaunch, kOwner, *environment)["stringData"]["JUPYTER_TOKEN"], "a secret");
}

TEST(PodFor, NamesThatAreNoLabels) {
  config::KubernetesSpawner settings;
  settings.storage = "1Gi";
  for (const std::string& user :
       {std::string("Åsa Öberg"), std::string("a/../b"), std::string("x\",\"privileged\":true"),
        std::string(300, 'u'), std::string("A"), std::string("a--b")}) {
    const auto pod = pod_for(settings, spec_for(user), kLaunch, kOwner);
    ASSERT_TRUE(pod);
    const auto label = (*pod)["metadata"]["labels"]["hub.jupyter.org/username"].get<std::string>();
    EXPECT_LE(label.size(), 63U);
    EXPECT_EQ(label.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos)
        << label;
    EXPECT_EQ((*pod)["metadata"]["annotations"]["hub.jupyter.org/username"], user);
    const auto claim = claim_for(settings, spec_for(user))["metadata"]["name"].get<std::string>();
    EXPECT_EQ("claim-" + label, claim);
  }
  EXPECT_NE(claim_for(settings, spec_for("A")), claim_for(settings, spec_for("a")));
}

TEST(PodFor, AnImageThatMayNotBeChosen) {
  config::KubernetesSpawner settings;
  settings.images = {"jupyter/*:1"};
  ServerSpec spec = spec_for("alice");
  auto container = std::make_shared<config::ContainerProfile>(*spec.profile.container);
  container->image = "jupyter/{image}";
  spec.profile.container = container;
  spec.values = {{"image", "base:1"}};
  EXPECT_TRUE(pod_for(settings, spec, kLaunch, kOwner));
  spec.values = {{"image", "base:2"}};
  EXPECT_EQ(pod_for(settings, spec, kLaunch, kOwner).error().cause(), Cause::values_invalid);
}

TEST(PodFor, LimitsAndFolders) {
  config::KubernetesSpawner settings;
  settings.memory = 1U << 30U;
  settings.cpu = 0.5;
  settings.cpu_guarantee = 0.1;
  settings.binds = {"/srv/data:/data:ro", "/srv/work:/work"};
  ServerSpec spec = spec_for("alice");
  spec.profile.cpu = 2;
  const auto pod = pod_for(settings, spec, kLaunch, kOwner);
  ASSERT_TRUE(pod);
  const Json& container = (*pod)["spec"]["containers"][0];
  EXPECT_EQ(container["resources"]["limits"]["cpu"], "2000m");
  EXPECT_EQ(container["resources"]["limits"]["memory"], std::to_string(1U << 30U));
  EXPECT_EQ(container["resources"]["requests"]["cpu"], "100m");
  EXPECT_EQ(container["volumeMounts"][0]["readOnly"], true);
  EXPECT_EQ(container["volumeMounts"][1]["readOnly"], false);
  EXPECT_EQ((*pod)["spec"]["volumes"][1]["hostPath"]["path"], "/srv/work");
}

}  // namespace
}  // namespace passerelle::spawners::kubernetes
