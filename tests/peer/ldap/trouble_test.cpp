// Servers that are wrong, dead, silent or without TLS, and what is said about them.
#include <filesystem>

#include <gmock/gmock.h>

#include "auth/ldap/breaker.hpp"
#include "tests/peer/ldap/planet.hpp"

namespace passerelle::auth::ldap_test {
namespace {

using std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::Not;

Planet::Change at(std::vector<std::string> uris) {
  return [uris = std::move(uris)](auto& settings) {
    settings.ldap.uri = uris;
    settings.ldap.connect_timeout = seconds(1);
    settings.ldap.timeout = seconds(4);
  };
}

double seconds_of(const std::function<void()>& work) {
  const auto start = steady_clock::now();
  work();
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

TEST(LdapTls, AnotherAuthorityIsRefusedAndNamed) {
  for (const char* uri : {"PLANET_URI", "PLANET_LDAPS"}) {
    Planet planet([&](auto& settings) {
      settings.ldap.uri = {environment(uri)};
      settings.ldap.ca_file = environment("PLANET_OTHER_CA");
    });
    EXPECT_EQ(planet.ask(Planet::right()).error().code(), Errc::unavailable);
    const std::string said = planet.findings();
    EXPECT_THAT(said, HasSubstr("wrong: "));
    EXPECT_THAT(said, HasSubstr(environment("PLANET_OTHER_CA")));
    EXPECT_THAT(said, HasSubstr("openssl s_client -connect 127.0.0.1:"));
  }
}

TEST(LdapTls, TheSystemsAuthoritiesDoNotKnowThisOne) {
  Planet planet([](auto& settings) { settings.ldap.ca_file.clear(); });
  EXPECT_FALSE(planet.ask(Planet::right()));
}

TEST(LdapTls, AnotherHostNameIsRefused) {
  Planet planet([](auto& settings) { settings.ldap.uri = {environment("PLANET_URI_WRONG_NAME")}; });
  EXPECT_EQ(planet.ask(Planet::right()).error().code(), Errc::unavailable);
  EXPECT_THAT(planet.findings(), HasSubstr("name the host localhost"));
}

TEST(LdapTls, AServerWithoutIsNeverSpokenToInClear) {
  Planet planet([](auto& settings) { settings.ldap.uri = {environment("BARE_URI")}; });
  EXPECT_EQ(planet.ask(Planet::right()).error().code(), Errc::unavailable);
  EXPECT_THAT(planet.findings(), HasSubstr("refuses StartTLS"));
}

// What the environment and .ldaprc say must not weaken it.
TEST(LdapTls, TheEnvironmentDoesNotSwitchChecksOff) {
  ::setenv("LDAPTLS_REQCERT", "never", 1);
  Planet planet([](auto& settings) { settings.ldap.ca_file = environment("PLANET_OTHER_CA"); });
  EXPECT_FALSE(planet.ask(Planet::right()));
  ::unsetenv("LDAPTLS_REQCERT");
}

TEST(LdapTls, AFileWithoutAuthoritiesIsNamed) {
  Planet planet([](auto& settings) { settings.ldap.ca_file = "/dev/null"; });
  EXPECT_FALSE(planet.ask(Planet::right()));
  EXPECT_THAT(planet.findings(), HasSubstr("/dev/null"));
}

TEST(LdapFailover, TheNextServerIsAskedWhenOneIsDead) {
  Planet planet(at({dead_uri(), environment("PLANET_URI")}));
  EXPECT_EQ(planet.in("fry", "fry-pass").identity.subject, "fry");
  EXPECT_EQ(planet.cause("fry", "guess"), "wrong-password");
}

TEST(LdapFailover, ASilentServerCostsItsShareOnce) {
  const Silence silence;
  Planet planet(at({silence.uri(), environment("PLANET_URI")}));
  const double first = seconds_of([&] { planet.in("fry", "fry-pass"); });
  EXPECT_GE(first, 0.9);
  EXPECT_LT(first, 3.5);
  EXPECT_LT(seconds_of([&] { planet.in("fry", "fry-pass"); }), 0.9)
      << "it is tried last for a while";
  planet.clock.pass(seconds(61));
  EXPECT_GE(seconds_of([&] { planet.in("fry", "fry-pass"); }), 0.9) << "and then first again";
}

TEST(LdapDeadline, HoldsWhenNobodyAnswers) {
  const Silence one;
  const Silence two;
  Planet planet([&](auto& settings) {
    settings.ldap.uri = {one.uri(), "ldaps" + two.uri().substr(4)};
    settings.ldap.connect_timeout = seconds(1);
    settings.ldap.timeout = seconds(2);
  });
  const double time = seconds_of([&] { EXPECT_FALSE(planet.ask(Planet::right())); });
  EXPECT_GE(time, 1.8);
  EXPECT_LT(time, 4.0);
}

TEST(LdapDeadline, HoldsWhenAnAnswerStopsInTheMiddle) {
  const Stutter half(std::string("\x30\x84\x00\x00\x10\x00\x02\x01\x01", 9));
  Planet planet(at({half.uri()}));
  EXPECT_LT(seconds_of([&] { EXPECT_FALSE(planet.ask(Planet::right())); }), 4.0);
}

TEST(LdapDeadline, ThoseWhoWaitForAThreadAreToldInTime) {
  const Silence silence;
  Planet planet([&](auto& settings) {
    settings.ldap.uri = {silence.uri()};
    settings.ldap.connect_timeout = seconds(1);
    settings.ldap.timeout = seconds(1);
  });
  asio::io_context own;
  int refused = 0;
  for (int i = 0; i < 40; ++i)
    asio::co_spawn(own, planet.method->handle(Planet::right()),
                   [&](const std::exception_ptr&, const Result<AuthAnswer>& answer) {
                     if (!answer && answer.error().code() == Errc::unavailable) ++refused;
                   });
  EXPECT_LT(seconds_of([&] { own.run(); }), 8.0) << "one after the other they would take ten";
  EXPECT_EQ(refused, 40);
}

TEST(LdapBreaker, OpensTriesOneAndCloses) {
  const std::string dead = dead_uri();
  Planet planet(at({dead}));
  for (int i = 0; i < ldap::Breaker::kFailures; ++i) EXPECT_FALSE(planet.ask(Planet::right()));
  const Silence back(static_cast<std::uint16_t>(std::stoi(dead.substr(dead.rfind(':') + 1))));
  EXPECT_LT(seconds_of([&] { EXPECT_FALSE(planet.ask(Planet::right())); }), 0.5);
  EXPECT_FALSE(back.was_called()) << "nobody is asked while it rests";
  planet.clock.pass(ldap::Breaker::kRest);
  EXPECT_FALSE(planet.ask(Planet::right()));
  EXPECT_TRUE(back.was_called()) << "one may try";
}

TEST(LdapBreaker, WrongPasswordsAreNoFailures) {
  Planet planet;
  for (int i = 0; i < 2 * ldap::Breaker::kFailures; ++i)
    EXPECT_EQ(planet.cause("fry", "guess"), "wrong-password");
  EXPECT_EQ(planet.in("fry", "fry-pass").identity.subject, "fry");
}

TEST(LdapCheck, SaysThatAllIsWell) {
  Planet planet;
  const std::string said = planet.findings();
  EXPECT_THAT(said, Not(HasSubstr("wrong: ")));
  EXPECT_THAT(said, HasSubstr("connection with TLS"));
  EXPECT_THAT(said, HasSubstr("anonymous sees nobody"));
  EXPECT_THAT(said, HasSubstr("bind as cn=lookup"));
  EXPECT_THAT(said, HasSubstr("people below user_base"));
  EXPECT_THAT(said, HasSubstr("group_base ou=groups"));
}

TEST(LdapCheck, SaysWhatIsWrong) {
  const auto said = [](const Planet::Change& change) { return Planet(change).findings(); };
  EXPECT_THAT(said([](auto& s) { s.ldap.user_base = "ou=nowhere," + kBase; }),
              HasSubstr("wrong: "));
  EXPECT_THAT(said([](auto& s) { s.ldap.username_attribute = "sAMAccountName"; }),
              HasSubstr("has a sAMAccountName"));
  EXPECT_THAT(said([](auto& s) { s.ldap.subject_attribute = "objectGUID"; }),
              HasSubstr("no objectGUID"));
  EXPECT_THAT(said([](auto& s) { s.ldap.group_base = "ou=nowhere," + kBase; }),
              HasSubstr("wrong: "));
  EXPECT_THAT(said([](auto& s) { s.ldap.uri = {dead_uri()}; }), HasSubstr("Connection refused"));
  EXPECT_THAT(said([](auto& s) {
                s.ldap.bind_dn.clear();
                s.ldap.user_dn = {"uid={username}," + kPeople};
              }),
              HasSubstr("warning: "));
}

}  // namespace
}  // namespace passerelle::auth::ldap_test
