// Who comes in through a real directory, and who does not.
#include <gmock/gmock.h>

#include "tests/peer/ldap/planet.hpp"

namespace passerelle::auth {
namespace testing {
using Planets = ::testing::Types<ldap_test::Planet>;
INSTANTIATE_TYPED_TEST_SUITE_P(Ldap, AuthenticatorContract, Planets);
}  // namespace testing

namespace ldap_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kTemplate = "uid={username}," + kPeople;

void by_template(config::Authenticator& settings) {
  settings.ldap.user_base.clear();
  settings.ldap.user_dn = {kTemplate};
}
void without_service(config::Authenticator& settings) {
  by_template(settings);
  settings.ldap.bind_dn.clear();
  settings.ldap.bind_password.value.clear();
}

TEST(LdapSignIn, KeepsWhatTheDirectorySays) {
  Planet planet;
  const SignedIn leela = planet.in("leela", "leela-pass");
  EXPECT_EQ(leela.identity.authenticator, "univ");
  EXPECT_EQ(leela.identity.subject, "leela");
  EXPECT_EQ(leela.identity.username_hint, "leela");
  EXPECT_EQ(leela.identity.display_name, "Leela");
  const auto& kept = leela.state->attributes;
  EXPECT_THAT(kept.at("mail"), ElementsAre("leela@planet.example", "captain@planet.example"));
  EXPECT_THAT(kept.at("uidNumber"), ElementsAre("10002"));
  EXPECT_THAT(kept.at("homeDirectory"), ElementsAre("/home/leela"));
  EXPECT_FALSE(kept.contains("userPassword"));
}

TEST(LdapSignIn, EveryWayOfTransport) {
  for (const char* uri : {"PLANET_URI", "PLANET_LDAPS", "PLANET_LDAPI"}) {
    Planet planet([&](auto& settings) { settings.ldap.uri = {environment(uri)}; });
    EXPECT_EQ(planet.in("fry", "fry-pass").identity.subject, "fry") << uri;
    EXPECT_EQ(planet.cause("fry", "guess"), "wrong-password") << uri;
  }
}

TEST(LdapSignIn, ByTemplateWithAndWithoutLookupAccount) {
  for (const Planet::Change& change :
       {Planet::Change(by_template), Planet::Change(without_service)}) {
    Planet planet(change);
    EXPECT_EQ(planet.in("fry", "fry-pass").identity.subject, "fry");
    EXPECT_EQ(planet.cause("fry", "guess"), "wrong-password");
    EXPECT_EQ(planet.cause("nobody", "guess"), "wrong-password");
    EXPECT_EQ(planet.in("prof", "prof-pass").identity.subject, "prof");
  }
}

TEST(LdapSignIn, TemplatesAreTriedInTurn) {
  Planet planet([](auto& settings) {
    by_template(settings);
    settings.ldap.user_dn = {kTemplate, "uid={username},ou=robots," + kBase};
  });
  EXPECT_EQ(planet.in("fry", "fry-pass").identity.subject, "fry");
  EXPECT_EQ(planet.cause("bender", "bender-pass"), "locked");
}

// The same login in two branches: whoever knows the second one's password must not become the
// first.
TEST(LdapSignIn, ANamesakeInAnotherTemplateIsRefused) {
  for (const bool service : {true, false}) {
    Planet planet([&](auto& settings) {
      service ? by_template(settings) : without_service(settings);
      settings.ldap.user_dn = {kTemplate, "uid={username},ou=robots," + kBase};
    });
    EXPECT_EQ(planet.cause("clone", "clone1-pass"), "ambiguous");
    EXPECT_EQ(planet.cause("clone", "clone2-pass"), "ambiguous");
  }
}

TEST(LdapSignIn, TwoEntriesOfOneNameAreRefused) {
  Planet planet;
  EXPECT_EQ(planet.cause("twin", "twin1-pass"), "ambiguous");
  EXPECT_EQ(planet.cause("twin", "twin2-pass"), "ambiguous");
}

TEST(LdapSignIn, AFilterKeepsPeopleOut) {
  const auto filter = [](auto& settings) {
    settings.ldap.user_filter = "(&(uid={username})(!(uid=fry)))";
  };
  Planet lookup(filter);
  EXPECT_EQ(lookup.cause("fry", "fry-pass"), "unknown-user");
  EXPECT_EQ(lookup.in("leela", "leela-pass").identity.subject, "leela");
  Planet pattern([&](auto& settings) {
    by_template(settings);
    filter(settings);
  });
  EXPECT_EQ(pattern.cause("fry", "fry-pass"), "filtered");
  EXPECT_EQ(pattern.in("leela", "leela-pass").identity.subject, "leela");
}

TEST(LdapSignIn, ADnWithCommaParenthesesAndAccents) {
  Planet planet;
  const SignedIn zoe = planet.in("zoe", "zoé-päss wörd");
  EXPECT_EQ(zoe.identity.subject, "zoe");
  EXPECT_EQ(zoe.identity.display_name, "Müller, Zoé (temp)");
  EXPECT_THAT(zoe.identity.groups, ElementsAre("everyone", "hpc (gpu)", "staff"));
  EXPECT_TRUE(planet.again(zoe));
  Planet by_name([](auto& settings) {
    by_template(settings);
    settings.ldap.user_dn = {"cn={username}," + kPeople};
    settings.ldap.username_pattern = ".*";
  });
  EXPECT_EQ(by_name.in("Müller, Zoé (temp)", "zoé-päss wörd").identity.subject, "zoe");
}

// One entry is one person, whichever of its names is typed.
TEST(LdapSignIn, TwoNamesOfOneEntryAreOnePerson) {
  Planet planet;
  EXPECT_EQ(planet.in("prof", "prof-pass").identity.subject, "prof");
  EXPECT_EQ(planet.in("hubert", "prof-pass").identity.subject, "prof");
  EXPECT_EQ(planet.in("HUBERT", "prof-pass").identity.username_hint, "prof");
}

// CVE-2021-41194's rule: normalised before every lookup, no spelling is a second account. The
// directory itself folds case, full-width letters and accents, so what was typed must not be the
// identity.
TEST(LdapSignIn, Cve2021_41194_SpellingsAreOnePerson) {
  Planet planet([](auto& settings) { settings.ldap.username_pattern = ".+"; });
  for (const char* typed : {"fry", "FRY", " Fry", "fry\t", "ｆｒｙ", "Ｆry"}) {
    const SignedIn person = planet.in(typed, "fry-pass");
    EXPECT_EQ(person.identity.subject, "fry") << typed;
    EXPECT_EQ(person.identity.username_hint, "fry") << typed;
  }
  EXPECT_EQ(planet.in("amy.wong", "Amy.Wong-pass").identity.subject, "amy.wong");
  EXPECT_EQ(planet.in("ÉLODIE", "élodie-pass").identity.subject,
            planet.in("élodie", "élodie-pass").identity.subject);
}

TEST(LdapSignIn, HostileNamesFindNobody) {
  for (const char* pattern : {"[A-Za-z0-9_][A-Za-z0-9._@+-]*", ".*"}) {
    Planet planet([&](auto& settings) { settings.ldap.username_pattern = pattern; });
    for (const std::string& name :
         {std::string("*"), std::string("f*"), std::string(")(uid=*"), std::string("fry)(|(uid=*"),
          std::string("fry\0", 4), std::string("\0", 1), std::string("../fry"),
          std::string("\\66ry"), std::string("fry\\"), std::string("uid=fry," + kPeople),
          std::string("\xff\xfe"), std::string("fry,ou=people"), std::string("fry\r\nuid: x"),
          std::string(10U << 20U, 'a'), std::string(65, 'a')}) {
      const ShowForm form = planet.out(name, "fry-pass");
      EXPECT_TRUE(form.failed) << name.substr(0, 20);
      EXPECT_LE(form.attempted_name.size(), kLongestName);
    }
    Planet templates([&](auto& settings) {
      by_template(settings);
      settings.ldap.username_pattern = pattern;
    });
    for (const char* name : {"fry,ou=people", "fry+uid=fry", "fry\"", "#fry", "*", "=", ";", "<>"})
      EXPECT_TRUE(templates.out(name, "fry-pass").failed) << name;
  }
}

// RFC 4513, 5.1.2: a name without a password is an anonymous bind, which "succeeds".
TEST(LdapSignIn, NoPasswordOpensNothing) {
  for (const Planet::Change& change : {Planet::Change(), Planet::Change(by_template)}) {
    Planet planet(change);
    for (const char* password : {"", " ", "\t ", "\r\n"})
      for (const char* name : {"fry", "ghost"})
        EXPECT_EQ(planet.cause(name, password), "password-empty");
    EXPECT_NE(planet.cause("ghost", "x"), "");
    EXPECT_EQ(planet.cause("fry", std::string(10U << 20U, 'a')), "password-long");
  }
}

// A password with a NUL is not cut there.
TEST(LdapSignIn, PasswordsAreSentWhole) {
  Planet planet;
  EXPECT_EQ(planet.cause("fry", std::string("fry-pass\0x", 10)), "wrong-password");
  EXPECT_EQ(planet.cause("fry", " fry-pass"), "wrong-password");
}

TEST(LdapSignIn, ClosedAccountsLookLikeWrongPasswords) {
  Planet planet;
  EXPECT_EQ(planet.cause("bender", "bender-pass"), "locked");
  EXPECT_EQ(planet.cause("bender", "guess"), "locked");
  EXPECT_EQ(planet.cause("scruffy", "scruffy-pass"), "account-expired");
  EXPECT_EQ(planet.cause("scruffy", "guess"), "wrong-password");
}

TEST(LdapSignIn, WhoMustChooseAPasswordIsTold) {
  Planet planet;
  const ShowForm form = planet.out("hermes", "hermes-pass");
  EXPECT_EQ(form.message, "sign-in.password-must-change");
  EXPECT_FALSE(form.failed);
  EXPECT_EQ(planet.cause("hermes", "guess"), "wrong-password");
}

TEST(LdapSignIn, ReferralsAreNeverFollowed) {
  const Silence elsewhere(
      static_cast<std::uint16_t>(std::stoi(environment("PLANET_REFERRAL_PORT"))));
  Planet below([](auto& settings) {
    by_template(settings);
    settings.ldap.user_dn = {"uid={username},ou=elsewhere," + kBase};
  });
  EXPECT_TRUE(below.out("fry", "fry-pass").failed);
  Planet base([](auto& settings) { settings.ldap.user_base = "ou=elsewhere," + kBase; });
  EXPECT_FALSE(base.ask(Planet::right()));
  Planet whole;  // references come with the results
  EXPECT_EQ(whole.in("fry", "fry-pass").identity.subject, "fry");
  EXPECT_FALSE(elsewhere.was_called());
}

TEST(LdapSignIn, WithoutLookupAccountThisDirectoryShowsNobody) {
  Planet planet([](auto& settings) {
    settings.ldap.bind_dn.clear();
    settings.ldap.bind_password.value.clear();
  });
  auto answer = planet.ask(Planet::right());
  EXPECT_TRUE(!answer || std::holds_alternative<ShowForm>(*answer));
}

TEST(LdapSignIn, AWrongLookupPasswordIsNoWrongPassword) {
  Planet planet([](auto& settings) { settings.ldap.bind_password.value = "wrong"; });
  EXPECT_EQ(planet.ask(Planet::right()).error().code(), Errc::unavailable);
  EXPECT_THAT(planet.findings(), HasSubstr("refuses bind_dn"));
}

TEST(LdapSignIn, ASubjectThatOutlivesTheName) {
  const auto uuid = [](auto& settings) { settings.ldap.subject_attribute = "entryUUID"; };
  Planet planet(uuid);
  const SignedIn lrrr = planet.in("lrrr", "lrrr-pass");
  EXPECT_EQ(lrrr.identity.subject.size(), 36U);
  EXPECT_EQ(lrrr.identity.username_hint, "lrrr");
  Admin admin;
  admin.rename("uid=lrrr," + kPeople, "uid=lrrr-of-omicron");
  EXPECT_EQ(planet.in("lrrr-of-omicron", "lrrr-pass").identity.subject, lrrr.identity.subject);
  EXPECT_TRUE(planet.again(lrrr));
  admin.rename("uid=lrrr-of-omicron," + kPeople, "uid=lrrr");
  Planet missing([](auto& settings) { settings.ldap.subject_attribute = "noSuchAttribute"; });
  EXPECT_EQ(missing.ask(Planet::right()).error().code(), Errc::unavailable);
}

// With a stable subject, who gets a leaver's name does not get their sessions.
TEST(LdapSignIn, ANameGivenAgainIsSomebodyElse) {
  Planet planet([](auto& settings) { settings.ldap.subject_attribute = "entryUUID"; });
  Admin admin;
  admin.add_person("intern");
  const SignedIn first = planet.in("intern", "intern-pass");
  admin.remove("uid=intern," + kPeople);
  admin.add_person("intern");
  EXPECT_EQ(planet.again(first).error().code(), Errc::forbidden);
  EXPECT_NE(planet.in("intern", "intern-pass").identity.subject, first.identity.subject);
  admin.remove("uid=intern," + kPeople);
}

TEST(LdapRefresh, SomebodyWhoIsGoneOrDisabledIsOut) {
  for (const Planet::Change& change : {Planet::Change(), Planet::Change(by_template)}) {
    Planet planet(change);
    Admin admin;
    admin.add_person("temp");
    const std::string dn = "uid=temp," + kPeople;
    const SignedIn temp = planet.in("temp", "temp-pass");
    EXPECT_TRUE(planet.again(temp));
    admin.set(dn, "pwdAccountLockedTime", "000001010000Z");
    EXPECT_EQ(planet.again(temp).error().code(), Errc::forbidden);
    admin.set(dn, "pwdAccountLockedTime", "20260101000000Z");
    EXPECT_TRUE(planet.again(temp)) << "anybody can cause a lock that goes away by itself";
    admin.remove(dn);
    EXPECT_EQ(planet.again(temp).error().code(), Errc::forbidden);
  }
}

TEST(LdapRefresh, GroupsAreReplaced) {
  Planet planet;
  const SignedIn kif = planet.in("kif", "kif-pass");
  EXPECT_THAT(kif.identity.groups, ElementsAre("crew", "pilots", "staff"));
  Admin admin;
  const std::string dn = "uid=kif," + kPeople;
  admin.take("cn=pilots,ou=groups," + kBase, "member", dn);
  EXPECT_THAT(planet.again(kif)->identity.groups, ElementsAre("crew", "staff"));
  admin.add("cn=pilots,ou=groups," + kBase, "member", dn);
  EXPECT_THAT(planet.again(kif)->identity.groups, ElementsAre("crew", "pilots", "staff"));
}

TEST(LdapRefresh, WhoLeavesTheRequiredGroupIsOut) {
  Planet planet([](auto& settings) { settings.ldap.require_groups = {"Pilots"}; });
  const SignedIn kif = planet.in("kif", "kif-pass");
  const ShowForm form = planet.out("fry", "fry-pass");
  EXPECT_EQ(form.message, "sign-in.not-in-group");
  EXPECT_FALSE(form.failed);
  EXPECT_EQ(planet.cause("fry", "guess"), "wrong-password");
  Admin admin;
  admin.take("cn=pilots,ou=groups," + kBase, "member", "uid=kif," + kPeople);
  EXPECT_EQ(planet.again(kif).error().code(), Errc::forbidden);
  admin.add("cn=pilots,ou=groups," + kBase, "member", "uid=kif," + kPeople);
}

TEST(LdapRefresh, AttributesFollow) {
  Planet planet;
  const SignedIn nibbler = planet.in("nibbler", "nibbler-pass");
  Admin admin;
  admin.set("uid=nibbler," + kPeople, "homeDirectory", "/elsewhere/nibbler");
  EXPECT_THAT(planet.again(nibbler)->state->attributes.at("homeDirectory"),
              ElementsAre("/elsewhere/nibbler"));
}

TEST(LdapRefresh, WithoutLookupAccountNothingChanges) {
  Planet planet(without_service);
  const SignedIn fry = planet.in("fry", "fry-pass");
  auto again = planet.again(fry);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->identity.groups, fry.identity.groups);
}

TEST(LdapRefresh, AnOutageIsNoSignOut) {
  Planet planet;
  const SignedIn fry = planet.in("fry", "fry-pass");
  Planet down([](auto& settings) { settings.ldap.uri = {dead_uri()}; });
  EXPECT_EQ(down.again(fry).error().code(), Errc::unavailable);
  Planet base([](auto& settings) { settings.ldap.user_base = "ou=nowhere," + kBase; });
  EXPECT_EQ(base.again(fry).error().code(), Errc::unavailable);
}

}  // namespace
}  // namespace ldap_test
}  // namespace passerelle::auth
