#include "spawners/kubernetes/projects.hpp"

#include <gtest/gtest.h>

namespace passerelle::spawners::kubernetes {
namespace {

const Project kTeam{"team-blue", "project-team-blue", "team-blue"};

TEST(ProjectObjects, AreFilledIn) {
  const auto objects = project_objects(
      "# a comment\nkind: Namespace\nmetadata: {labels: {of: '{owner}'}}\n---\n---\n"
      "kind: RoleBinding\nmetadata: {name: x}\nsubjects: [{namespace: 'in-{namespace}'}]\n",
      kTeam);
  ASSERT_TRUE(objects) << objects.error().message();
  ASSERT_EQ(objects->size(), 2U);
  EXPECT_EQ((*objects)[0]["metadata"]["labels"]["of"], "team-blue");
  EXPECT_EQ((*objects)[1]["subjects"][0]["namespace"], "in-project-team-blue");
}

TEST(ProjectObjects, AreOfFewKinds) {
  for (const char* bad :
       {"kind: Secret\nmetadata: {name: x}\n", "kind: ClusterRoleBinding\nmetadata: {name: x}\n",
        "metadata: {name: x}\n", "kind: ResourceQuota\n", "kind: Namespace\nx: '{unknown}'\n",
        "kind: [\n"})
    EXPECT_FALSE(project_objects(bad, kTeam)) << bad;
}

class ProjectsOf : public testing::Test {
 protected:
  std::vector<std::string> names(std::vector<std::string> groups) {
    ServerSpec spec;
    spec.username = "Élodie";
    spec.claims["groups"] = std::move(groups);
    std::vector<std::string> all;
    Projects projects(settings_, "gateway", workers_, nullptr);
    for (const Project& one : projects.all_of(spec)) all.push_back(one.namespace_);
    return all;
  }

  config::KubernetesSpawner settings_;
  WorkerPool workers_{1};
};

TEST_F(ProjectsOf, AreOneWithoutPatterns) {
  settings_.namespace_ = "labs";
  EXPECT_EQ(names({"a"}), std::vector<std::string>{"labs"});
  EXPECT_EQ(pods_path(settings_), "/api/v1/namespaces/labs/pods");
}

TEST_F(ProjectsOf, AreOnesOwnAndThoseOfGroups) {
  settings_.namespace_ = "user-{username}";
  settings_.group_namespace = "project-{group}";
  settings_.project_groups = {"team-*"};
  const auto all = names({"team-blue", "others", "team-Red"});
  ASSERT_EQ(all.size(), 3U);
  EXPECT_TRUE(all[0].starts_with("user-") && all[0].find("---") != std::string::npos) << all[0];
  EXPECT_EQ(all[1], "project-team-blue");
  EXPECT_NE(all[2], "project-team-red");  // another group may be called so
  EXPECT_EQ(pods_path(settings_), "/api/v1/pods");
}

TEST_F(ProjectsOf, AreNobodyElses) {
  settings_.namespace_ = "labs";
  settings_.group_namespace = "project-{group}";
  Projects projects(settings_, "gateway", workers_, nullptr);
  ServerSpec spec;
  spec.username = "alice";
  spec.claims["groups"] = {"mine"};
  spec.values[kChosenProject] = "mine";
  EXPECT_EQ(projects.of(spec)->namespace_, "project-mine");
  spec.values[kChosenProject] = "yours";
  EXPECT_EQ(projects.of(spec).error().cause(), Cause::values_invalid);
}

}  // namespace
}  // namespace passerelle::spawners::kubernetes
