// A chart's values for somebody, what Helm's Secrets hold, and what its words mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/secrets.hpp"
#include "spawners/kubernetes/kubernetes.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

using testing::HasSubstr;

class ChartValues : public testing::Test {
 protected:
  ChartValues() {
    source_.chart = chart::load_chart(TEST_DATA "/charts/minilab").value();
    whom_.username = "alice";
    whom_.namespace_ = "labs";
    whom_.release = "minilab-alice";
    whom_.base_path = "/user/alice/";
    whom_.secret = "one-time";
    source_.site = chart::parse_yaml(R"({region: {resources: {cpuRequest: 100m, cpuLimit: 500m,
      memoryRequest: 32Mi, memoryLimit: 64Mi, disk: 1Gi}}})",
                                     "site")
                       .value();
  }
  Result<chart::Json> values(const std::map<std::string, std::string>& given) const {
    auto form = form_of(source_, whom_);
    if (!form) return std::move(form.error());
    return helm_values(source_, *form, given);
  }

  ChartSource source_;
  ForWhom whom_;
};

TEST_F(ChartValues, BeginWithTheContext) {
  const auto made = values({});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ((*made)["service"]["basePath"], "/user/alice/");
  EXPECT_EQ((*made)["service"]["password"], "one-time");
  EXPECT_EQ((*made)["resources"]["limits"]["cpu"], "500m");
  EXPECT_EQ((*made)["global"]["suspend"], false);
  EXPECT_TRUE(can_suspend(source_));
}

TEST_F(ChartValues, TakeWhatAPersonMayChange) {
  const auto made = values({{"resources.limits.memory", "96Mi"},
                            {"git.enabled", "false"},
                            {"environment", R"([{"name": "A", "value": "1"}])"}});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ((*made)["resources"]["limits"]["memory"], "96Mi");
  EXPECT_EQ((*made)["git"]["enabled"], false);
  EXPECT_EQ((*made)["environment"][0]["name"], "A");
}

TEST_F(ChartValues, RefuseEverythingElse) {
  for (const auto& [place, value] :
       std::map<std::string, std::string>{{"internal.debug", "true"},
                                          {"service.basePath", "/user/bob/"},
                                          {"command", "[sh]"},
                                          {"__proto__.x", "1"},
                                          {"global.suspend", "false"},
                                          {"resources.limits.cpu", "1"},
                                          {"resources", "{limits: {cpu: 64}}"},
                                          {"", "x"},
                                          {"a..b", "x"},
                                          {"environment", std::string(100'000, '[')},
                                          {"image.pullPolicy", "Sometimes"}}) {
    const auto made = values({{place, value}});
    if (place == "global.suspend" && made) continue;  // what it is already
    ASSERT_FALSE(made) << place;
    EXPECT_EQ(made.error().cause(), Cause::values_invalid) << place;
  }
}

/// Whatever somebody sends, only places of the schema differ from what the form begins with.
TEST_F(ChartValues, ChangeOnlyPlacesOfTheSchema) {
  const auto form = form_of(source_, whom_).value();
  const auto begun = values({}).value();
  const std::vector<std::string> words = {
      "image",     "name",   "service", "password", "basePath",    "resources",
      "limits",    "cpu",    "git",     "enabled",  "token",       "x",
      "__proto__", "global", "suspend", "[0]",      "environment", "value"};
  std::uint64_t seed = 12345;
  const auto next = [&seed](std::size_t most) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>(seed >> 33U) % most;
  };
  int taken = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string place = words[next(words.size())];
    for (std::size_t more = next(3); more > 0; --more) {
      const std::string& word = words[next(words.size())];
      place += (word.front() == '[' ? "" : ".") + word;
    }
    const std::vector<std::string> texts = {"1", "true", "500m", "[]", "{}", "abc", "", "null"};
    const auto made = values({{place, texts[next(texts.size())]}});
    if (!made) continue;
    ++taken;
    const auto path = chart::parse_path(place);
    ASSERT_TRUE(path);
    for (const auto& part : begun.items()) {
      if (part.key() == std::get<std::string>(path->front())) continue;
      EXPECT_EQ((*made)[part.key()], part.value()) << place;
    }
    EXPECT_EQ((*made)["service"]["basePath"], "/user/alice/") << place;
    EXPECT_EQ((*made)["s3"], begun["s3"]) << place;
  }
  EXPECT_GT(taken, 10);
}

TEST(ReleaseName, IsSafeAndNobodyElses) {
  EXPECT_EQ(release_name("minilab", "alice", ""), "minilab-alice");
  std::set<std::string> seen;
  for (const char* user : {"alice", "Alice", "al--ice", "a/../b", "Åsa", "x\ny"})
    for (const char* server : {"", "lab", "l--b"}) {
      const std::string name = release_name("minilab", user, server);
      EXPECT_LE(name.size(), 52U);
      EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos);
      EXPECT_TRUE(seen.insert(name).second) << name;
    }
  EXPECT_LE(release_name(std::string(80, 'c'), std::string(80, 'u'), "s").size(), 52U);
  EXPECT_NE(release_name(std::string(80, 'c'), std::string(80, 'u'), "s"),
            release_name(std::string(80, 'c'), std::string(80, 'u'), "t"));
}

TEST(InstallationOf, OnlyNamesOfOurs) {
  const Installation one{"01", "minilab-alice", "labs", "", "http", std::string(64, 'a'), true};
  const auto again = installation_of(to_state(one));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->release, "minilab-alice");
  EXPECT_EQ(again->digest, std::string(64, 'a'));
  EXPECT_TRUE(again->suspends);
  for (const char* name : {"", "-f", "../x", "a b", "a?b=c"})
    EXPECT_FALSE(installation_of(to_state({"01", name, "labs", "", "", one.digest, false})))
        << name;
  EXPECT_FALSE(installation_of(to_state({"01", "minilab-alice", "labs", "", "", "../x", false})));
  EXPECT_FALSE(installation_of(to_state(Launch{"01", "jupyter-a", "labs", 8888})));
  EXPECT_FALSE(launch_of(to_state(one)));
}

TEST(HelmError, SaysWhatItMeans) {
  EXPECT_EQ(helm_error("Error: ... is forbidden: exceeded quota: full").cause(), Cause::quota_user);
  EXPECT_EQ(helm_error("Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in "
                       "progress")
                .code(),
            Errc::conflict);
  EXPECT_EQ(helm_error("Error: cannot re-use a name that is still in use").code(), Errc::conflict);
  EXPECT_EQ(helm_error("Get \"https://127.0.0.1/version\": net/http: TLS handshake timeout").code(),
            Errc::unavailable);
  EXPECT_EQ(helm_error("Error: values don't meet the specifications of the schema(s)").cause(),
            Cause::values_invalid);
  EXPECT_EQ(helm_error("Kubernetes cluster unreachable: ... connection refused").code(),
            Errc::unavailable);
  EXPECT_LE(helm_error(std::string(100'000, 'x')).message().size(), 500U);
}

TEST(ReleaseOf, RefusesWhatIsNone) {
  for (const char* data : {"", "!!!", "YQ==", "WVE9PQ=="})
    EXPECT_FALSE(release_of(Json{{"data", {{"release", data}}}})) << data;
  EXPECT_FALSE(release_of(Json()));
}

}  // namespace
}  // namespace passerelle::spawners::kubernetes
