// The parts of sign-in by LDAP that need no directory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/ldap/account.hpp"
#include "auth/ldap/breaker.hpp"
#include "auth/ldap/dn.hpp"
#include "auth/ldap/escape.hpp"
#include "auth/ldap/lookup.hpp"
#include "auth/ldap/trouble.hpp"

namespace passerelle::auth::ldap {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class HandClock final : public Clock {
 public:
  Instant now() const noexcept override { return at; }
  Instant at = from_micros(1'795'305'600'000'000);  // 2026-11-22
};

TEST(LdapEscape, FiltersKeepWhatWasTypedAsAValue) {
  EXPECT_EQ(escape_filter("fry"), "fry");
  EXPECT_EQ(escape_filter("*)(uid=*\\"), "\\2a\\29\\28uid=\\2a\\5c");
  EXPECT_EQ(escape_filter(std::string("a\0b", 3)), "a\\00b");
  EXPECT_EQ(escape_filter("Zoé"), "Zoé");
  EXPECT_EQ(escape_filter("\xff"), "\\ff");
  EXPECT_EQ(fill_in("(&(uid={username})(mail={username}@x))", "a*", Into::filter),
            "(&(uid=a\\2a)(mail=a\\2a@x))");
  EXPECT_EQ(fill_in("{username}", "{username}", Into::filter), "{username}");
}

// Whatever is typed, the DN has the template's components and the value comes back whole.
TEST(LdapEscape, DnValuesStayOneValue) {
  for (const std::string& value :
       {std::string("fry"), std::string("fry,ou=robots"), std::string("a+cn=b"), std::string("#x"),
        std::string(" a "), std::string("\\2c"), std::string("\"<>;=\\"),
        std::string("Müller, Zoé"), std::string("a\x01z"), std::string("a\r\nb"),
        std::string(" ")}) {
    const std::string dn = fill_in("uid={username},ou=people,dc=x", value, Into::dn);
    EXPECT_EQ(first_value(dn, "uid"), value) << dn;
    EXPECT_TRUE(dn_key(dn).ends_with(",ou=people,dc=x")) << dn;
  }
}

TEST(LdapDn, WritingsOfOneNameAreTheSame) {
  const std::string dn = "cn=Müller\\, Zoé (temp),ou=people,dc=x";
  EXPECT_TRUE(same_dn(dn, "CN=Müller\\2C Zoé (temp), OU=People,DC=x"));
  EXPECT_TRUE(same_dn(dn, "cn=m\\C3\\BCller\\2c  zo\\c3\\a9 (temp),ou=people,dc=X"));
  EXPECT_TRUE(same_dn("cn=a+uid=b,dc=x", "uid=B+cn=A,dc=x"));
  EXPECT_FALSE(same_dn("cn=a\\,b,dc=x", "cn=a,cn=b,dc=x"));
  EXPECT_FALSE(same_dn("", ""));
  EXPECT_FALSE(same_dn("no dn", "no dn"));
  EXPECT_EQ(first_value("cn=hpc (gpu),ou=groups"), "hpc (gpu)");
  EXPECT_EQ(dn_text("CN=Crew, OU=Groups"), "cn=Crew,ou=Groups");
}

TEST(LdapUri, Reads) {
  EXPECT_EQ(parse_uri("ldap://h")->port, 389);
  EXPECT_EQ(parse_uri("LDAPS://h/")->port, 636);
  EXPECT_EQ(parse_uri("ldaps://[::1]:3269")->host, "::1");
  EXPECT_EQ(parse_uri("ldaps://[::1]:3269")->port, 3269);
  EXPECT_EQ(parse_uri("ldapi://%2Frun%2Fldapi")->host, "/run/ldapi");
  for (const char* bad :
       {"", "h", "http://h", "ldap://", "ldap://h:0", "ldap://h:99999", "ldap://h:x",
        "ldap://h/dc=x?uid", "ldap://[::1", "ldapi://run", "ldap://u@h"})
    EXPECT_FALSE(parse_uri(bad)) << bad;
}

TEST(LdapBreaker, RestsTriesOneAndCloses) {
  HandClock clock;
  Breaker breaker(clock);
  for (int i = 0; i < Breaker::kFailures; ++i) {
    EXPECT_TRUE(breaker.admit());
    breaker.failed();
  }
  EXPECT_FALSE(breaker.admit());
  clock.at += Breaker::kRest;
  EXPECT_TRUE(breaker.admit());
  EXPECT_FALSE(breaker.admit()) << "one at a time";
  breaker.failed();
  EXPECT_FALSE(breaker.admit()) << "rests again";
  clock.at += Breaker::kRest;
  EXPECT_TRUE(breaker.admit());
  breaker.succeeded();
  EXPECT_TRUE(breaker.admit());
  EXPECT_TRUE(breaker.admit());
  breaker.failed();
  EXPECT_TRUE(breaker.admit()) << "failures in a row count, not all";
}

TEST(LdapTrouble, ActiveDirectorysReasons) {
  const auto reason = [](const std::string& code) {
    return active_directory_reason(
        "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext "
        "error, data " +
        code + ", v4563");
  };
  EXPECT_EQ(reason("52e"), "wrong-password");
  EXPECT_EQ(reason("525"), "unknown-user");
  EXPECT_EQ(reason("532"), "password-expired");
  EXPECT_EQ(reason("533"), "disabled");
  EXPECT_EQ(reason("701"), "account-expired");
  EXPECT_EQ(reason("773"), "password-must-change");
  EXPECT_EQ(reason("775"), "locked");
  EXPECT_EQ(reason("999"), "");
  EXPECT_EQ(active_directory_reason("invalid credentials"), "");
}

TEST(LdapTrouble, TlsAdviceNamesFileHostAndCommand) {
  Target target;
  target.uri = *parse_uri("ldap://ldap.example.fr");
  target.ca_file = "/etc/ca.pem";
  const std::string advice = tls_advice(target, "(unknown error code)");
  EXPECT_THAT(advice, HasSubstr("/etc/ca.pem"));
  EXPECT_THAT(advice, HasSubstr("openssl s_client -connect ldap.example.fr:389 -starttls ldap"));
  EXPECT_EQ(advice.find("unknown error"), std::string::npos);
}

Entry entry(std::string dn, std::map<std::string, std::vector<std::string>> values) {
  return {std::move(dn), std::move(values)};
}

TEST(LdapAccount, OneNameForEachEntry) {
  config::LdapAuthenticator settings;
  EXPECT_EQ(*username_of(entry("uid=prof,ou=p", {{"uid", {"hubert", "prof"}}}), settings), "prof");
  EXPECT_EQ(*username_of(entry("cn=x,ou=p", {{"uid", {"b", "a"}}}), settings), "a");
  EXPECT_EQ(*username_of(entry("cn=x,ou=p", {{"uid", {"Amy.Wong"}}}), settings), "Amy.Wong");
  EXPECT_FALSE(username_of(entry("cn=x,ou=p", {}), settings));
  EXPECT_FALSE(username_of(entry("cn=x", {{"uid", {"a\x01"}}}), settings));
  EXPECT_FALSE(username_of(entry("cn=x", {{"uid", {std::string(65, 'a')}}}), settings));
}

TEST(LdapAccount, ABinaryGuidIsTextAndBack) {
  config::LdapAuthenticator settings;
  settings.subject_attribute = "objectGUID";
  std::string bytes;
  for (int i = 0; i < 16; ++i) bytes += static_cast<char>(0xF0 + i);
  const auto subject = subject_of(entry("cn=x", {{"objectguid", {bytes}}}), "x", settings);
  ASSERT_TRUE(subject);
  EXPECT_EQ(*subject, "f3f2f1f0-f5f4-f7f6-f8f9-fafbfcfdfeff");
  EXPECT_EQ(subject_filter(*subject, settings), "(objectGUID=" + escape_bytes(bytes) + ")");
  EXPECT_FALSE(subject_of(entry("cn=x", {}), "x", settings)) << "never the username instead";
  EXPECT_FALSE(subject_of(entry("cn=x", {{"objectguid", {bytes, bytes}}}), "x", settings));
}

TEST(LdapAccount, WhatClosesAnAccount) {
  const HandClock clock;
  const auto why = [&](const char* name, const std::string& value) {
    return closed_because(entry("cn=x", {{name, {value}}}), clock.now());
  };
  EXPECT_EQ(why("pwdaccountlockedtime", "000001010000Z"), "disabled");
  EXPECT_EQ(why("pwdaccountlockedtime", "20260101000000Z"), "");
  EXPECT_EQ(why("nsaccountlock", "TRUE"), "disabled");
  EXPECT_EQ(why("nsaccountlock", "false"), "");
  EXPECT_EQ(why("useraccountcontrol", "514"), "disabled");
  EXPECT_EQ(why("useraccountcontrol", "512"), "");
  EXPECT_EQ(why("accountexpires", "0"), "");
  EXPECT_EQ(why("accountexpires", "9223372036854775807"), "");
  EXPECT_EQ(why("accountexpires", "132223104000000000"), "account-expired");  // 2020
  EXPECT_EQ(why("accountexpires", "165379968000000000"), "");                 // 2125
  EXPECT_EQ(why("shadowexpire", "100"), "account-expired");
  EXPECT_EQ(why("shadowexpire", "-1"), "");
  EXPECT_EQ(why("shadowexpire", "99999"), "");
  EXPECT_EQ(why("shadowexpire", "soon"), "");
}

TEST(LdapAccount, OnlyTextIsKept) {
  config::LdapAuthenticator settings;
  settings.attributes = {"mail", "jpegPhoto", "description", "absent"};
  const AuthState state =
      state_of(entry("cn=x", {{"mail", {"b", "a"}},
                              {"jpegphoto", {"\xff\xd8"}},
                              {"description", {std::string(5000, 'a'), "short"}},
                              {"userpassword", {"secret"}}}),
               "x", settings);
  EXPECT_THAT(state.attributes.at("mail"), ElementsAre("b", "a"));
  EXPECT_THAT(state.attributes.at("description"), ElementsAre("short"));
  EXPECT_EQ(state.attributes.size(), 2U);
}

// A right password of one person must not open the entry of another.
TEST(LdapPrincipal, TheEntryIsTheOneWhosePasswordItWas) {
  const Entry fry = entry("CN=Fry,DC=planet", {{"samaccountname", {"fry"}},
                                               {"userprincipalname", {"p.fry@planet.example"}}});
  EXPECT_TRUE(is_the_bound_one("u:PLANET\\Fry", fry));
  EXPECT_TRUE(is_the_bound_one("u:P.Fry@planet.example", fry));
  EXPECT_TRUE(is_the_bound_one("dn:cn=fry, dc=planet", fry));
  for (const char* who : {"", "u:", "dn:", "u:PLANET\\", "u:fry", "u:PLANET\\leela",
                          "dn:cn=leela,dc=planet", "u:fry@planet.example", "fry"})
    EXPECT_FALSE(is_the_bound_one(who, fry)) << who;
  EXPECT_FALSE(is_the_bound_one("u:PLANET\\", entry("cn=x", {})));
  EXPECT_FALSE(is_the_bound_one("u:@", entry("cn=x", {})));
  EXPECT_TRUE(is_principal("{username}@planet.example"));
  EXPECT_TRUE(is_principal("PLANET\\{username}"));
  EXPECT_FALSE(is_principal("uid={username},dc=planet"));
}

}  // namespace
}  // namespace passerelle::auth::ldap
