// The program of a kubeconfig: what it may write, when it is asked, and that it cannot hurt.
#include "spawners/kubernetes/exec_plugin.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

namespace passerelle::spawners::kubernetes {
namespace {

const std::string kVersion = "client.authentication.k8s.io/v1";

std::string credential(const std::string& status) {
  return R"({"apiVersion": ")" + kVersion + R"(", "kind": "ExecCredential", "status": )" + status +
         "}";
}

TEST(ExecCredentialOf, ATokenOrACertificate) {
  const auto token = exec_credential(credential(R"({"token": "abc"})"), kVersion);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->token, "abc");
  EXPECT_EQ(token->until, std::chrono::system_clock::time_point::max());
  const auto pair =
      exec_credential(credential(R"({"clientCertificateData": "C", "clientKeyData": "K",
                     "expirationTimestamp": "2030-01-01T00:00:00Z"})"),
                      kVersion);
  ASSERT_TRUE(pair);
  EXPECT_EQ(pair->key_pem, "K");
  EXPECT_EQ(std::chrono::system_clock::to_time_t(pair->until), 1893456000);
}

TEST(ExecCredentialOf, NothingElse) {
  for (const char* status :
       {"{}", "null", R"({"token": ""})", R"({"token": 7})", R"({"clientCertificateData": "C"})",
        R"({"token": "a", "expirationTimestamp": "soon"})"})
    EXPECT_FALSE(exec_credential(credential(status), kVersion)) << status;
  EXPECT_FALSE(exec_credential("", kVersion));
  EXPECT_FALSE(exec_credential(credential(R"({"token": "a"})"), kVersion + "beta1"));
}

class ExecPluginTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "plugin.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::shared_ptr<ExecPlugin> plugin(const std::string& script) {
    const std::string file = root_ + "/plugin";
    std::ofstream(file) << "#!/bin/sh\necho x >>" << root_ << "/runs\n" << script;
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return std::make_shared<ExecPlugin>(ExecSettings{kVersion, {file, "say"}, {{"WORD", "abc"}}});
  }
  std::uintmax_t runs() const { return std::filesystem::file_size(root_ + "/runs") / 2; }
  /// `times` ask at the same moment.
  static std::vector<Result<void>> ask(const std::shared_ptr<ExecPlugin>& plugin, int times = 1) {
    asio::io_context loop;
    std::vector<Result<void>> told;
    auto one = [](std::shared_ptr<ExecPlugin> asked, std::vector<Result<void>>& all) -> Task<void> {
      auto ready = co_await asked->ready();
      all.push_back(std::move(ready));
    };
    for (int number = 0; number < times; ++number)
      asio::co_spawn(loop, one(plugin, told), asio::detached);
    loop.run();
    return told;
  }

  std::string root_;
};

TEST_F(ExecPluginTest, IsAskedOnceForAllWhoWait) {
  const auto asked = plugin("printf '" + credential(R"({"token": "%s-%s"})") + "' $1 $WORD\n");
  const auto told = ask(asked, 5);
  ASSERT_EQ(told.size(), 5U);
  for (const auto& one : told) EXPECT_TRUE(one);
  ask(asked);
  EXPECT_EQ(runs(), 1U);
  HttpRequest request;
  HttpStreamOptions options;
  asked->put_on(request, options);
  ASSERT_EQ(request.headers.size(), 1U);
  EXPECT_EQ(request.headers[0].second, "Bearer say-abc");
  asked->drop();  // a 401
  ask(asked);
  EXPECT_EQ(runs(), 2U);
}

TEST_F(ExecPluginTest, IsAskedAgainBeforeItExpires) {
  const auto asked = plugin(
      "printf '" + credential(R"({"token": "a", "expirationTimestamp": "2020-01-01T00:00:00Z"})") +
      "'\n");
  ask(asked);
  ask(asked);
  EXPECT_EQ(runs(), 2U);
}

TEST_F(ExecPluginTest, ItsLastWordsAreTold) {
  const auto told = ask(plugin("echo no such login >&2; exit 4\n"));
  ASSERT_EQ(told.size(), 1U);
  ASSERT_FALSE(told[0]);
  EXPECT_NE(told[0].error().message().find("it ended with 4: no such login"), std::string::npos)
      << told[0].error().message();
  EXPECT_EQ(told[0].error().code(), Errc::unavailable);
}

TEST_F(ExecPluginTest, MayNotWriteForEver) {
  const auto told = ask(plugin("head -c 10000000 /dev/zero | tr '\\000' a\n"));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_FALSE(told[0]);
}

TEST_F(ExecPluginTest, AProgramThatIsNotThere) {
  const auto none = std::make_shared<ExecPlugin>(ExecSettings{kVersion, {root_ + "/none"}, {}});
  const auto told = ask(none);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_FALSE(told[0]);
}

}  // namespace
}  // namespace passerelle::spawners::kubernetes
