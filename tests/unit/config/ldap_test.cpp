// What the configuration says of `type: ldap` before anybody signs in.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "config/load.hpp"
#include "tests/unit/config/samples.hpp"

namespace passerelle::config {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string content_of(const std::string& path) {
  std::stringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

const std::string kLookup = "user_base: 'ou=people,dc=x'";

/// All problems of a file with this directory.
std::string said(const std::string& keys) {
  std::string file = test::kGood;
  const std::size_t at = file.find("authenticators:\n") + std::string("authenticators:\n").size();
  file.insert(at, "  univ: {type: ldap, " + keys + "}\n");
  return load_text(file, "f", test::quiet()).text();
}

std::string with(const std::string& keys) {
  return said("uri: ldap://h, " + kLookup + (keys.empty() ? "" : ", " + keys));
}

TEST(LdapConfig, OneAddressOrSeveral) {
  EXPECT_THAT(with(""), IsEmpty());
  EXPECT_THAT(said("uri: [ldap://h, \"ldaps://[::1]:636\"], " + kLookup), IsEmpty());
  EXPECT_THAT(said("uri: ldap://h, starttls: true, user_dn: 'uid={username},dc=x', bind_dn: cn=a, "
                   "bind_password: b"),
              IsEmpty());
}

TEST(LdapConfig, NothingIsSentInClearByMistake) {
  EXPECT_THAT(with("tls: none"), HasSubstr("everybody on the network"));
  EXPECT_THAT(with("starttls: false"), HasSubstr("everybody on the network"));
  EXPECT_THAT(with("tls: none, insecure: true"), HasSubstr("passwords cross the network"));
  for (const char* here : {"ldap://127.0.0.1:389", "ldap://localhost", "\"ldap://[::1]\""})
    EXPECT_THAT(said("uri: " + std::string(here) + ", tls: none, " + kLookup), IsEmpty()) << here;
  EXPECT_THAT(said("uri: ldap://127.evil.example, tls: none, " + kLookup),
              HasSubstr("everybody on the network"));
  EXPECT_THAT(with("tls: ldaps"), HasSubstr("is no `ldaps://` address"));
  EXPECT_THAT(said("uri: ldaps://h, tls: none, insecure: true, " + kLookup),
              HasSubstr("remove `tls`"));
  EXPECT_THAT(with("tls: starttls, starttls: false"), HasSubstr("does not fit"));
}

TEST(LdapConfig, AddressesAreAddresses) {
  EXPECT_THAT(said("uri: ldap://localhost, " + kLookup), HasSubstr("this machine's own name"));
  for (const char* uri : {"h", "http://h", "\"ldap://\"", "ldap://h/dc=x", "ldap://u@h"})
    EXPECT_THAT(said("uri: " + std::string(uri) + ", " + kLookup), HasSubstr("univ.uri")) << uri;
}

TEST(LdapConfig, PeopleCanBeFound) {
  EXPECT_THAT(said("uri: ldap://h"), HasSubstr("nobody could be found"));
  EXPECT_THAT(with("user_filter: '(uid=fry)'"), HasSubstr("the same for everybody"));
  EXPECT_THAT(with("user_filter: 'uid={username}'"), HasSubstr("is no filter"));
  EXPECT_THAT(with("user_filter: '((uid={username})'"), HasSubstr("is no filter"));
  EXPECT_THAT(with("user_dn: 'uid=fry,dc=x'"), HasSubstr("everybody would be the same person"));
  EXPECT_THAT(said("uri: ldap://h, user_dn: '{username}@x'"), HasSubstr("is no DN"));
  EXPECT_THAT(with("username_pattern: '['"), HasSubstr("is no regular expression"));
  EXPECT_THAT(with("bind_dn: cn=a"), HasSubstr("needs its password"));
  EXPECT_THAT(with("bind_password: a"), HasSubstr("has no meaning without `bind_dn`"));
  EXPECT_THAT(with("connect_timeout: 20s"), HasSubstr("is longer than `timeout`"));
}

TEST(LdapConfig, GroupsCanBeFound) {
  EXPECT_THAT(with("group_lookup: [member]"), HasSubstr("write it too"));
  EXPECT_THAT(with("group_base: dc=x, group_lookup: [memberof]"),
              HasSubstr("did you mean `memberOf`"));
  EXPECT_THAT(with("group_base: dc=x, group_lookup: [memberOf], group_filter: '(cn=a)'"),
              HasSubstr("cannot be asked of `memberOf`"));
  EXPECT_THAT(with("group_filter: '(cn=a)'"), HasSubstr("has no meaning without `group_base`"));
}

// GHSA-384w-5v3f-q499: a misspelt restriction stops the start.
TEST(LdapConfig, Ghsa384w5v3fq499_AMisspeltRestrictionStops) {
  EXPECT_THAT(with("require_group: [staff]"), HasSubstr("did you mean `require_groups`"));
  EXPECT_THAT(with("allowed_groups: [staff]"), HasSubstr("say who may sign in"));
}

TEST(LdapConfig, ExamplesLoadAndStandInTheDocumentation) {
  std::string pattern = (std::filesystem::temp_directory_path() / "ldap-config-XXXXXX").string();
  const std::string folder = ::mkdtemp(pattern.data());
  const std::string page = content_of(SOURCE_DIR "/docs/authenticators/ldap.md");
  for (const char* name : {"ldap.txt", "ad.txt", "ad-ca.pem"}) {
    std::ofstream(folder + "/" + name) << "a secret of the tests\n";
    std::filesystem::permissions(folder + "/" + name, std::filesystem::perms::owner_read);
  }
  for (const std::string name : {"ldap", "active-directory"}) {
    const std::string example = content_of(SOURCE_DIR "/config/examples/" + name + ".yaml");
    EXPECT_NE(page.find("```yaml\n" + example + "```"), std::string::npos) << name;
    std::string here = example;
    if (!std::filesystem::exists("/etc/ssl/certs/ca-certificates.crt"))
      here = test::replaced(here, "/etc/ssl/certs/ca-certificates.crt", "./ad-ca.pem");
    std::ofstream(folder + "/hub.yaml") << here;
    const auto outcome = load(folder + "/hub.yaml", test::quiet());
    EXPECT_EQ(outcome.text(), "") << name;
    ASSERT_TRUE(outcome.settings) << name;
    EXPECT_EQ(outcome.settings->authenticators[0].ldap.uri.size(), 2U);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace passerelle::config
