// Kubeconfig files as people have them, and the token of a pod that is renewed.
#include "spawners/kubernetes/access.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passerelle::spawners::kubernetes {
namespace {

using testing::HasSubstr;

class AccessTest : public testing::Test {
 protected:
  AccessTest() {
    std::string pattern = "/tmp/passerelle-access-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~AccessTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }
  Result<Access> read(const std::string& cluster,
                      const std::string& user,
                      const std::string& context = {}) const {
    return read_kubeconfig(
        write("config",
              "apiVersion: v1\nkind: Config\ncurrent-context: a\n"
              "clusters: [{name: c, cluster: " +
                  cluster +
                  "}]\n"
                  "users: [{name: u, user: " +
                  user +
                  "}]\n"
                  "contexts: [{name: a, context: {cluster: c, user: u, "
                  "namespace: lab}}, {name: b, context: {cluster: c, user: u}}]\n"),
        context);
  }
  std::string why(const std::string& cluster, const std::string& user) const {
    const auto access = read(cluster, user);
    return access ? "" : access.error().message();
  }

  std::string folder_;
};

TEST_F(AccessTest, ACertificateInTheFileOrBesideIt) {
  write("ca.crt", "CA");
  const auto access = read("{server: 'https://10.0.0.1:6443/', certificate-authority: ca.crt}",
                           "{client-certificate-data: Y2VydA==, client-key-data: a2V5IQ==}");
  ASSERT_TRUE(access) << access.error().message();
  EXPECT_EQ(access->server, "https://10.0.0.1:6443");
  EXPECT_EQ(access->namespace_, "lab");
  EXPECT_EQ(access->ca_pem, "CA");
  EXPECT_EQ(access->cert_pem, "cert");
  EXPECT_EQ(access->key_pem, "key!");
  EXPECT_TRUE(access->verify);
}

TEST_F(AccessTest, AnotherContext) {
  const auto access = read("{server: 'https://a'}", "{token: t}", "b");
  ASSERT_TRUE(access) << access.error().message();
  EXPECT_EQ(access->namespace_, "default");
  EXPECT_EQ(access->token, "t");
  EXPECT_FALSE(read("{server: 'https://a'}", "{token: t}", "z"));
}

TEST_F(AccessTest, WhatItDoesNotKnowIsRefusedByName) {
  EXPECT_THAT(why("{server: 'https://a'}", "{exec: {command: aws}}"), HasSubstr("apiVersion"));
  const std::string v1 = "apiVersion: client.authentication.k8s.io/v1";
  EXPECT_THAT(why("{server: 'https://a'}", "{exec: {" + v1 + "}}"), HasSubstr("command"));
  EXPECT_THAT(
      why("{server: 'https://a'}", "{exec: {" + v1 + ", command: a, interactiveMode: Always}}"),
      HasSubstr("nobody"));
  EXPECT_THAT(
      why("{server: 'https://a'}", "{exec: {" + v1 + ", command: a, provideClusterInfo: true}}"),
      HasSubstr("provideClusterInfo"));
  EXPECT_THAT(why("{server: 'https://a'}", "{auth-provider: {name: gcp}}"),
              HasSubstr("auth-provider"));
  EXPECT_THAT(why("{server: 'https://a', proxy-url: 'http://p'}", "{token: t}"),
              HasSubstr("proxy-url"));
  EXPECT_THAT(why("{server: 'http://a'}", "{token: t}"), HasSubstr("https://"));
  EXPECT_THAT(why("{server: 'https://a'}", "{client-key-data: '***'}"), HasSubstr("base64"));
  EXPECT_THAT(why("{server: 'https://a', certificate-authority: no.crt}", "{token: t}"),
              HasSubstr("no.crt"));
}

TEST_F(AccessTest, ATokenThatIsRenewed) {
  const std::string file = write("token", "one\n");
  Access access;
  access.token_file = file;
  Credentials credentials(access);
  HttpRequest request;
  HttpStreamOptions options;
  ASSERT_TRUE(credentials.put_on(request, options));
  EXPECT_EQ(request.headers.back().second, "Bearer one");
  EXPECT_FALSE(credentials.renew());  // the same as before: no use asking again
  write("token", "two");
  EXPECT_TRUE(credentials.renew());
  ASSERT_TRUE(credentials.put_on(request, options));
  EXPECT_EQ(request.headers.back().second, "Bearer two");
  std::filesystem::remove(file);
  EXPECT_FALSE(credentials.renew());  // the old one may be good for a while
  ASSERT_TRUE(credentials.put_on(request, options));
  EXPECT_EQ(request.headers.back().second, "Bearer two");
}

TEST_F(AccessTest, InAPod) {
  write("token", "t");
  write("ca.crt", "CA");
  write("namespace", "gateway\n");
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  EXPECT_EQ(read_in_cluster(folder_).error().code(), Errc::not_found);
  ::setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
  ::setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  const auto access = read_in_cluster(folder_);
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  ASSERT_TRUE(access) << access.error().message();
  EXPECT_EQ(access->server, "https://[fd00::1]:443");
  EXPECT_EQ(access->namespace_, "gateway");
}

}  // namespace
}  // namespace passerelle::spawners::kubernetes
