// What a platform of LTI 1.3 offers besides launches, where it says something odd: registering
// itself, rosters, line items, access tokens.
#include "auth/lti13/course_services.hpp"
#include "auth/lti_courses.hpp"
#include "auth/lti_services.hpp"
#include "tests/contract/authenticator/lti13_house.hpp"

namespace passerelle::auth {
namespace {

using testing::Answered;
using testing::Asked;
using testing::Json;
using testing::kAgs;
using testing::kLti;
using testing::Moodle;

const std::string kNames = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice";

struct Campus : Moodle {
  Campus() {
    course = [this](const Asked& asked) { return answer_for(asked); };
  }
  Answered answer_for(const Asked& asked) {
    const std::string path = asked.path.substr(0, asked.path.find('?'));
    if (asked.path.starts_with("/lineitems/")) return {score_status, "{}"};
    if (path == "/described") return {200, described.dump()};
    if (path == "/register") return {200, registered.dump()};
    if (path == "/members") return members(asked);
    if (path == "/items" && asked.head.starts_with("GET")) return {200, items.dump()};
    if (path != "/items") return {404, "{}"};
    Json made = Json::parse(asked.body);
    made["id"] = issuer + "/lineitems/" + std::to_string(items.size());
    items.push_back(made);
    return {201, made.dump()};
  }
  lti::Courses& courses() { return dynamic_cast<lti::Courses&>(*method); }
  std::string host() const { return issuer.substr(7); }

  // ---- registering itself
  Json description() const {
    return {{"issuer", issuer + "/tenant"},
            {"authorization_endpoint", issuer + "/auth"},
            {"token_endpoint", issuer + "/token"},
            {"jwks_uri", issuer + "/jwks"},
            {"registration_endpoint", issuer + "/register"}};
  }
  text::Form opened(std::vector<std::string> hosts) {
    return {{"invitation", courses().invitation(std::move(hosts))},
            {"openid_configuration", issuer + "/described"},
            {"registration_token", "once"}};
  }
  Result<std::string> enrol(text::Form query) {
    return run(courses().enrol(std::move(query), "https://hub.test/hub/lti13/"));
  }
  /// What becomes of a registration in which the platform describes itself so.
  Errc outcome(const std::string& member, const Json& value) {
    described = description();
    described[member] = value;
    const auto name = enrol(opened({host()}));
    return name ? Errc::internal : name.error().code();
  }

  // ---- rosters and line items
  store::ActivityRow late() {
    change = [this](Json& all) {
      all[kAgs + "claim/endpoint"] = {{"scope", {kAgs + "scope/score", kAgs + "scope/lineitem"}},
                                      {"lineitems", issuer + "/items?type_id=2"}};
    };
    return graded(4, 8);
  }
  Result<std::vector<lti::Member>> roster_at(const std::string& url) {
    change = [&](Json& all) { all[kNames] = {{"context_memberships_url", url}}; };
    in();
    return run(courses().roster("moodle", "c1"));
  }

  Json described = description();
  Json registered = {{"client_id", "given"}};
  Json items = Json::array();
  std::function<Answered(const Asked&)> members = [](const Asked&) {
    return Answered{200, R"({"members":[{"user_id":"5","name":"Zoé","roles":["Learner"]}]})"};
  };
};

// ---- registering itself

TEST(Lti13Registration, AnInvitationIsGoodOnceForADayAndItsHosts) {
  Campus moodle;
  const text::Form opened = moodle.opened({moodle.host()});
  EXPECT_EQ(moodle.enrol(opened).value(), moodle.host());
  EXPECT_EQ(moodle.enrol(opened).error().code(), Errc::forbidden) << "once";
  const std::size_t asked = moodle.requests.size();
  for (const std::vector<std::string>& hosts :
       std::vector<std::vector<std::string>>{{"moodle.example.fr"}, {}, {"127.0.0.1"}, {"0.0.1"}})
    EXPECT_EQ(moodle.enrol(moodle.opened(hosts)).error().code(), Errc::forbidden);
  text::Form forged = moodle.opened({moodle.host()});
  std::string& sealed = forged[0].second;
  sealed[30] = sealed[30] == 'A' ? 'B' : 'A';
  EXPECT_EQ(moodle.enrol(forged).error().code(), Errc::forbidden);
  forged[0].second.clear();
  EXPECT_EQ(moodle.enrol(forged).error().code(), Errc::forbidden);
  const text::Form old = moodle.opened({moodle.host()});
  moodle.clock.pass(std::chrono::hours(24) + seconds(1));
  EXPECT_EQ(moodle.enrol(old).error().code(), Errc::forbidden);
  EXPECT_EQ(moodle.requests.size(), asked) << "nobody was asked anything";
}

TEST(Lti13Registration, AnInvitationOfAnotherAuthenticatorIsNone) {
  Campus moodle;
  const text::Form opened = moodle.opened({moodle.host()});
  config::Authenticator other = moodle.settings;
  other.name = "other";
  moodle.method = make_authenticator(other, moodle.around()).value();
  EXPECT_EQ(moodle.enrol(opened).error().code(), Errc::forbidden);
}

TEST(Lti13Registration, ThePlatformIsWhereTheAdministratorSaid) {
  Campus moodle;
  for (const char* member :
       {"authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint", "issuer"})
    for (const Json& value :
         {Json("https://evil.example/x"), Json("http://127.0.0.1:1/x"), Json("http://127.0.0.1/x"),
          Json("file:///etc/passwd"), Json("https://" + moodle.host() + "@evil.example/x"),
          Json(moodle.issuer + "/a\r\nX: y"), Json(moodle.issuer + "/a b"), Json(""), Json(1)})
      EXPECT_EQ(moodle.outcome(member, value), Errc::forbidden) << member << " " << value;
  EXPECT_TRUE(moodle.asked_for("/register").empty()) << "nothing was applied for";
  EXPECT_TRUE(moodle.courses().registered().empty());
}

TEST(Lti13Registration, WhatItIsGivenMustBeUsable) {
  Campus moodle;
  for (const Json& answer :
       {Json::object(), Json{{"client_id", ""}}, Json{{"client_id", 7}},
        Json{{"client_id", std::string(256, 'c')}}, Json{{"client_id", "a\r\nb"}}, Json::array(),
        Json{{"client_id", "given"},
             {"https://purl.imsglobal.org/spec/lti-tool-configuration",
              {{"deployment_id", "1\n2"}}}}}) {
    moodle.registered = answer;
    EXPECT_EQ(moodle.enrol(moodle.opened({moodle.host()})).error().code(), Errc::unavailable)
        << answer;
  }
  EXPECT_TRUE(moodle.courses().registered().empty());
  moodle.registered = {{"client_id", "given"}};
  text::Form odd = moodle.opened({moodle.host()});
  odd[2].second = "once\r\nX-Evil: 1";
  EXPECT_EQ(moodle.enrol(odd).error().code(), Errc::unavailable) << "no header of its own";
}

TEST(Lti13Registration, ItStandsBesideTheFileAndGoesWhenWithdrawn) {
  Campus moodle;
  ASSERT_TRUE(moodle.enrol(moodle.opened({moodle.host()})));
  moodle.described["issuer"] = moodle.issuer + "/other";
  const auto second = moodle.enrol(moodle.opened({moodle.host()}));
  EXPECT_EQ(second.value(), moodle.host() + "-2");
  AuthRequest start = moodle.initiation();
  start.form[0].second = moodle.issuer + "/tenant";
  start.form.emplace_back("client_id", "given");
  auto away = moodle.ask(start);
  EXPECT_TRUE(std::holds_alternative<Redirect>(*away));
  EXPECT_EQ(moodle.code(moodle.come_back()), "") << "the file's goes on";
  EXPECT_TRUE(moodle.run(moodle.courses().withdraw(moodle.host())));
  EXPECT_EQ(moodle.code(start), "LTI-REGISTRATION");
}

// ---- rosters

TEST(Lti13Roster, PagesAreFollowedAtThePlatformOnly) {
  Campus moodle;
  int pages = 0;
  moodle.members = [&](const Asked&) {
    ++pages;
    Answered answer{200, R"({"members":[{"user_id":"5"}]})"};
    const std::string next = pages < 3 ? moodle.issuer + "/members?p=2" : "https://evil.example/m";
    answer.more = "Link: <" + next + ">; rel=\"next\"\r\n";
    return answer;
  };
  const auto members = moodle.roster_at(moodle.issuer + "/members");
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(members.error().code(), Errc::forbidden) << "not a part of it as if it were all";
}

TEST(Lti13Roster, ARosterWithoutEndEnds) {
  Campus moodle;
  moodle.members = [&](const Asked&) {
    Answered answer{200, R"({"members":[{"user_id":"5"}]})"};
    answer.more = "Link: <" + moodle.issuer + "/members>; rel=next\r\n";
    return answer;
  };
  const auto members = moodle.roster_at(moodle.issuer + "/members");
  EXPECT_EQ(members.value().size(), 40U);
}

TEST(Lti13Roster, WhatIsNoRosterIsSaid) {
  Campus moodle;
  EXPECT_EQ(moodle.roster_at("https://evil.example/members").error().code(), Errc::forbidden);
  EXPECT_EQ(moodle.run(moodle.courses().roster("moodle", "other")).error().code(), Errc::not_found);
  EXPECT_EQ(moodle.run(moodle.courses().roster("gone", "c1")).error().code(), Errc::not_found);
  for (const auto& [answer, code] :
       std::vector<std::pair<Answered, Errc>>{{{200, "{}"}, Errc::unavailable},
                                              {{200, "[]"}, Errc::unavailable},
                                              {{200, "<html>"}, Errc::unavailable},
                                              {{403, "{}"}, Errc::forbidden},
                                              {{503, "{}"}, Errc::unavailable}}) {
    moodle.members = [&](const Asked&) { return answer; };
    EXPECT_EQ(moodle.roster_at(moodle.issuer + "/members").error().code(), code) << answer.status;
  }
}

TEST(Lti13Roster, MembersAreReadAsTheyAreMeant) {
  const auto members = lti13::read_members(R"({"members": [
      {"user_id": "1", "given_name": "Ada", "family_name": "L", "status": "Inactive",
       "roles": ["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"]},
      {"user_id": "2", "name": 5, "roles": "Instructor"},
      {"name": "nobody"}, 7, null,
      {"user_id": "3", "roles": ["Learner", 7], "email": "c@example.org"}]})");
  ASSERT_EQ(members.value().size(), 3U);
  EXPECT_EQ((*members)[0].name, "Ada L");
  EXPECT_TRUE((*members)[0].teaches);
  EXPECT_FALSE((*members)[0].active);
  EXPECT_FALSE((*members)[1].teaches);
  EXPECT_EQ((*members)[2].email, "c@example.org");
}

// ---- line items

TEST(Lti13LineItem, OneIsMadeOnceAndRemembered) {
  Campus moodle;
  const store::ActivityRow row = moodle.late();
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(moodle.run(moodle.method->deliver(row)).kind, Delivered::Kind::taken);
  EXPECT_EQ(moodle.items.size(), 1U);
  EXPECT_EQ(moodle.asked_for("/items").size(), 2U) << "looked for, and made";
  EXPECT_NE(moodle.asked_for("/items")[0].path.find("resource_link_id=rl-1"), std::string::npos);
  moodle.method = make_authenticator(moodle.settings, moodle.around()).value();
  moodle.run(moodle.method->deliver(row));
  EXPECT_EQ(moodle.asked_for("/items").size(), 2U) << "over a restart";
}

TEST(Lti13LineItem, OneThatIsThereIsUsed) {
  Campus moodle;
  moodle.items = {{{"id", moodle.issuer + "/lineitems/other"},
                   {"resourceLinkId", "rl-2"},
                   {"tag", "passerelle"}},
                  {{"id", moodle.issuer + "/lineitems/foreign"}, {"resourceLinkId", "rl-1"}},
                  {{"id", moodle.issuer + "/lineitems/ours"},
                   {"resourceLinkId", "rl-1"},
                   {"tag", "passerelle"}}};
  moodle.run(moodle.method->deliver(moodle.late()));
  EXPECT_EQ(moodle.items.size(), 3U);
  EXPECT_EQ(moodle.asked_for("/lineitems/").back().path, "/lineitems/ours/scores");
}

// A teacher deleted the column: the grade fails, and the next one finds or makes another.
TEST(Lti13LineItem, OneThatIsGoneIsLookedForAgain) {
  Campus moodle;
  const store::ActivityRow row = moodle.late();
  EXPECT_EQ(moodle.run(moodle.method->deliver(row)).kind, Delivered::Kind::taken);
  moodle.items = Json::array();
  moodle.score_status = 404;
  EXPECT_EQ(moodle.run(moodle.method->deliver(row)).kind, Delivered::Kind::refused);
  moodle.score_status = 200;
  EXPECT_EQ(moodle.run(moodle.method->deliver(row)).kind, Delivered::Kind::taken);
  EXPECT_EQ(moodle.items.size(), 1U);
}

TEST(Lti13LineItem, ItIsMadeAtThePlatformOnly) {
  Campus moodle;
  store::ActivityRow row = moodle.late();
  row.activity.grade_url = std::string(lti13::kToBeMade) + "https://evil.example/items";
  EXPECT_EQ(moodle.run(moodle.method->deliver(row)).kind, Delivered::Kind::refused);
  EXPECT_TRUE(moodle.asked_for("/token").empty());
}

// ---- access tokens

TEST(Lti13Services, ATokenLastsAsLongAsThePlatformSays) {
  for (const auto& [lasts, calls] :
       std::vector<std::pair<std::string, std::size_t>>{{"3600", 1},
                                                        {"3600.5", 1},
                                                        {"1e300", 1},
                                                        {"60", 2},
                                                        {"-1e300", 2},
                                                        {"\"3600\"", 2},
                                                        {"null", 2}}) {
    Campus moodle;
    moodle.token = R"({"access_token":"at","token_type":"Bearer","expires_in":)" + lasts + "}";
    for (int i = 0; i < 2; ++i)
      EXPECT_EQ(moodle.run(moodle.method->deliver(moodle.graded(1, 2))).kind,
                Delivered::Kind::taken);
    EXPECT_EQ(moodle.asked_for("/token").size(), calls) << lasts;
  }
}

TEST(Lti13Services, ATokenThatWasWithdrawnIsAskedForAgain) {
  Campus moodle;
  moodle.score_status = 401;
  EXPECT_EQ(moodle.run(moodle.method->deliver(moodle.graded(1, 2))).kind, Delivered::Kind::later);
  moodle.score_status = 200;
  EXPECT_EQ(moodle.run(moodle.method->deliver(moodle.graded(1, 2))).kind, Delivered::Kind::taken);
  EXPECT_EQ(moodle.asked_for("/token").size(), 2U);
  for (const char* answer :
       {R"({"access_token":"at","token_type":"mac"})", R"({"token_type":"bearer"})", "<html>"}) {
    Campus odd;
    odd.token = answer;
    EXPECT_EQ(odd.run(odd.method->deliver(odd.graded(1, 2))).kind, Delivered::Kind::refused)
        << answer;
  }
}

// ---- addresses

TEST(LtiServices, AddressesAreReadInOneWay) {
  EXPECT_EQ(lti::host_of("https://A.example:443/x"), "a.example");
  EXPECT_EQ(lti::host_of("https://a.example?x"), "a.example");
  for (const char* none : {"ftp://a.example", "//a.example", "https://", "https://u@a.example/",
                           "https://a.example;x/", "https://a.example\\@b/", ""})
    EXPECT_FALSE(lti::is_address(none)) << none;
  for (const char* spoilt : {"https://a.example/\r\nX: y", "https://a.example/ x",
                             "https://a.example/\"", "https://a.example/é", "https://a.example/<"})
    EXPECT_FALSE(lti::is_address(spoilt)) << spoilt;
  EXPECT_TRUE(lti::is_address("https://a.example/x?y=%20&z={a|b}#c"));
  EXPECT_TRUE(lti::may_call("https://a.example/x", {"a.example"}));
  EXPECT_TRUE(lti::may_call("http://127.0.0.1:80/x", {"127.0.0.1"}) == false);
  for (const char* other :
       {"http://a.example/x", "https://a.example.evil/x", "https://b.a.example/x",
        "https://a.example:8443/x", "https://a.example@evil.example/"})
    EXPECT_FALSE(lti::may_call(other, {"a.example"})) << other;
}

// A choice is posted there by a form of ours, and the page's policy names the place.
TEST(Lti13DeepLink, TheWayBackIsAnAddress) {
  Campus moodle;
  for (const char* url : {"javascript:alert(1)", "data:text/html,x", "/deep",
                          "https://evil.example; frame-ancestors *",
                          "https://evil.example/\r\nX: y", "https://evil.example;script-src *"}) {
    moodle.change = [&](Json& all) {
      all[kLti + "message_type"] = "LtiDeepLinkingRequest";
      all[testing::kDl + "deep_linking_settings"] = {{"deep_link_return_url", url}};
    };
    EXPECT_EQ(moodle.code(moodle.come_back()), "LTI-FIELD") << url;
  }
}

}  // namespace
}  // namespace passerelle::auth
