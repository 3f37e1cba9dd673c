// What is read out of a pod's object, whatever stands in it, and who is told of it.
#include "spawners/kubernetes/pods.hpp"

#include <gtest/gtest.h>

#include "spawners/kubernetes/kubernetes.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

Json object(const Json& status) {
  return {{"metadata", {{"name", "p"}, {"uid", "u"}, {"labels", {{kLaunchLabel, "0a"}}}}},
          {"status", status}};
}

Json container(const Json& state) {
  return {{"phase", "Running"},
          {"podIP", "10.0.0.7"},
          {"conditions", {{{"type", "Ready"}, {"status", "True"}}}},
          {"containerStatuses",
           {{{"name", "istio"}, {"state", {{"terminated", {{"exitCode", 9}}}}}},
            {{"name", "notebook"}, {"state", state}}}}};
}

TEST(PodOf, OneThatRuns) {
  const Pod pod = pod_of(object(container({{"running", Json::object()}})));
  EXPECT_EQ(pod.launch, "0a");
  EXPECT_EQ(pod.ip, "10.0.0.7");
  EXPECT_TRUE(pod.ready);
  EXPECT_FALSE(pod.ended());  // another container's end is not the server's
}

TEST(PodOf, OneThatEnded) {
  const Pod pod =
      pod_of(object(container({{"terminated", {{"exitCode", 137}, {"reason", "OOMKilled"}}}})));
  EXPECT_EQ(pod.exit_code, 137);
  EXPECT_TRUE(pod.out_of_memory);
  EXPECT_TRUE(pod.ended());
  EXPECT_TRUE(pod_of(object({{"phase", "Failed"}, {"reason", "Evicted"}})).ended());
}

TEST(PodOf, OneThatWaits) {
  const Pod image =
      pod_of(object(container({{"waiting", {{"reason", "ImagePullBackOff"}, {"message", "m"}}}})));
  EXPECT_EQ(image.waiting, "ImagePullBackOff");
  EXPECT_EQ(image.waiting_message, "m");
  const Pod node = pod_of(object({{"phase", "Pending"},
                                  {"conditions",
                                   {{{"type", "PodScheduled"},
                                     {"status", "False"},
                                     {"reason", "Unschedulable"},
                                     {"message", "0/1 nodes"}}}}}));
  EXPECT_TRUE(node.unschedulable);
  EXPECT_EQ(node.message, "0/1 nodes");
}

TEST(PodOf, Nonsense) {
  for (const Json& odd : {Json(), Json(7), Json::array(), Json{{"metadata", 1}, {"status", "x"}},
                          Json{{"metadata", {{"labels", "x"}}},
                               {"status", {{"conditions", {1}}, {"containerStatuses", {1, "x"}}}}}})
    EXPECT_FALSE(pod_of(odd).ready);
}

TEST(Pods, AreKnownByTheirLaunch) {
  Pods pods;
  pods.seen("u", object(container(Json::object())));
  ASSERT_NE(pods.of_launch("0a"), nullptr);
  // The same server's next pod is there before the old one has gone.
  pods.seen("v", object({{"phase", "Pending"}}));
  pods.gone("u");
  ASSERT_NE(pods.of_launch("0a"), nullptr);
  EXPECT_EQ(pods.of_launch("0a")->phase, "Pending");
  pods.gone("v");
  EXPECT_EQ(pods.of_launch("0a"), nullptr);
}

TEST(LaunchOf, OnlyNamesOfOurs) {
  const Launch launch{"0123456789abcdef", "jupyter-alice", "lab", 8888};
  const auto again = launch_of(to_state(launch));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->pod, "jupyter-alice");
  EXPECT_EQ(again->port, 8888);
  for (const char* pod : {"", "../../secrets/x", "a/b", "a?b", "A"})
    EXPECT_FALSE(launch_of(to_state({"01", pod, "lab", 1}))) << pod;
  for (const char* state : {"", "{}", "[]", "{\"launch\":1}", "null"})
    EXPECT_FALSE(launch_of(state)) << state;
}

}  // namespace
}  // namespace passerelle::spawners::kubernetes
