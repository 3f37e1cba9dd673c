// How full a namespace is, and whether a release still fits.
#include "spawners/kubernetes/quota.hpp"

#include <gtest/gtest.h>

namespace passerelle::spawners::kubernetes {
namespace {

Json quota(const char* name, Json hard, Json used) {
  return {{"metadata", {{"name", name}}},
          {"spec", Json::object()},
          {"status", {{"hard", std::move(hard)}, {"used", std::move(used)}}}};
}

TEST(Quantity, IsANumberOfKubernetes) {
  EXPECT_DOUBLE_EQ(*quantity("250m"), 0.25);
  EXPECT_DOUBLE_EQ(*quantity("1.5Gi"), 1.5 * 1024 * 1024 * 1024);
  EXPECT_DOUBLE_EQ(*quantity("2e3"), 2000);
  EXPECT_DOUBLE_EQ(*quantity("129M"), 129e6);
  EXPECT_DOUBLE_EQ(*quantity("0"), 0);
  for (const char* none : {"", "m", "1.5 Gi", "1Gib", "NaN", "inf", "1e999", "--1"})
    EXPECT_FALSE(quantity(none)) << none;
}

TEST(Quantity, IsToldAsKubernetesDoes) {
  EXPECT_EQ(quantity_text("requests.cpu", 0.25), "250m");
  EXPECT_EQ(quantity_text("limits.cpu", 4), "4");
  EXPECT_EQ(quantity_text("requests.memory", 64.0 * 1024 * 1024), "64Mi");
  EXPECT_EQ(quantity_text("requests.nvidia.com/gpu", 2), "2");
}

TEST(Gauges, OfSeveralQuotasTheTightestCounts) {
  const Json list = {
      {"items",
       {quota("big", {{"requests.memory", "4Gi"}, {"pods", "10"}}, {{"requests.memory", "1Gi"}}),
        quota("small", {{"requests.memory", "1Gi"}}, {{"requests.memory", "768Mi"}}), Json(7),
        quota("odd", {{"requests.memory", "much"}, {"pods", 3}}, Json("x"))}}};
  const auto gauges = gauges_of(list);
  ASSERT_EQ(gauges.size(), 2U);
  EXPECT_EQ(gauges[1].resource, "requests.memory");
  EXPECT_EQ(gauges[1].quota, "small");
  EXPECT_DOUBLE_EQ(gauges[1].share, 0.75);
  EXPECT_EQ(gauges[0].used, "0");
  EXPECT_TRUE(gauges_of(Json::parse("null")).empty());
}

TEST(Gauges, ThoseOfSomePodsOnlyAreNotForThisOne) {
  Json some = quota("best-effort", {{"pods", "0"}}, {{"pods", "0"}});
  some["spec"]["scopes"] = {"BestEffort"};
  EXPECT_TRUE(gauges_of({{"items", {some}}}).empty());
}

TEST(DemandOf, IsWhatTheChartsResourcesSay) {
  const Demand demand =
      demand_of({{"resources",
                  {{"requests", {{"memory", "64Mi"}}},
                   {"limits", {{"cpu", "500m"}, {"memory", "128Mi"}, {"nvidia.com/gpu", 1}}}}}});
  EXPECT_DOUBLE_EQ(demand.at("requests.memory"), 64.0 * 1024 * 1024);
  EXPECT_DOUBLE_EQ(demand.at("memory"), 64.0 * 1024 * 1024);
  EXPECT_DOUBLE_EQ(demand.at("limits.memory"), 128.0 * 1024 * 1024);
  EXPECT_DOUBLE_EQ(demand.at("requests.cpu"), 0.5);  // not requested: the limit is
  EXPECT_DOUBLE_EQ(demand.at("requests.nvidia.com/gpu"), 1);
  EXPECT_EQ(demand_of({{"resources", "none"}}), (Demand{{"pods", 1}}));
}

TEST(TooFull, ComparesWithWhatIsLeft) {
  const auto gauges = gauges_of(
      {{"items", {quota("full", {{"requests.cpu", "300m"}}, {{"requests.cpu", "100m"}})}}});
  EXPECT_EQ(too_full(gauges, {{"requests.cpu", 0.2}}), nullptr);
  EXPECT_EQ(too_full(gauges, {{"requests.memory", 1e12}}), nullptr);
  const Demand demand{{"requests.cpu", 0.201}};
  const Gauge* full = too_full(gauges, demand);
  ASSERT_NE(full, nullptr);
  const Error error = quota_error(*full, demand);
  EXPECT_EQ(error.cause(), Cause::quota_user);
  EXPECT_EQ(error.message(),
            "exceeded quota: full, requested: requests.cpu=201m, used: requests.cpu=100m, "
            "limited: requests.cpu=300m");
}

}  // namespace
}  // namespace passerelle::spawners::kubernetes
