#include "tests/contract/authenticator/contract.hpp"

namespace passerelle::auth {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;
const char* const kSecret = "only the web server knows";

/// A web server that has signed Alice in. That it is the right one, the hub has checked.
struct FrontEnd : testing::HouseBase {
  explicit FrontEnd(const std::function<void(config::HeaderAuthenticator&)>& change = [](auto&) {
  }) {
    settings.name = "room";
    settings.type = "header";
    settings.groups = {"everybody"};
    settings.header.from = {"192.0.2.5/32"};
    settings.header.user_header = "X-Remote-User";
    settings.header.name_header = "X-Name";
    settings.header.mail_header = "X-Mail";
    settings.header.groups_header = "X-Groups";
    settings.header.secret.value = kSecret;
    change(settings.header);
    method = make_authenticator(settings, around()).value();
  }
  static AuthRequest with(Headers headers) {
    AuthRequest request;
    request.method = "GET";
    request.path = "login";
    request.next = "/user/alice/";
    request.headers = std::move(headers);
    return request;
  }
  static AuthRequest saying(Headers headers) {
    headers.insert(headers.begin(), {{"host", "hub.test"}, {"x-passerelle-secret", kSecret}});
    return with(std::move(headers));
  }
  AuthRequest right() { return saying({{"x-remote-user", "Alice@Example.fr"}}); }
  AuthRequest wrong() {
    return with({{"x-passerelle-secret", "a guess"}, {"x-remote-user", "alice@example.fr"}});
  }
  static std::string secret_of(const AuthRequest&) { return kSecret; }

  SignedIn comes(Headers headers) {
    return std::get<SignedIn>(ask(saying(std::move(headers))).value());
  }
  std::string refused(AuthRequest request) {
    const ShowForm form = std::get<ShowForm>(ask(std::move(request)).value());
    EXPECT_EQ(form.status, 403);
    EXPECT_EQ(form.message, "sign-in.header." + form.code);
    return form.code;
  }

  config::Authenticator settings;
};

}  // namespace

namespace testing {
INSTANTIATE_TYPED_TEST_SUITE_P(Header, AuthenticatorContract, FrontEnd);
}  // namespace testing

namespace {

TEST(Header, TellsWhoItIs) {
  FrontEnd front;
  const auto in = front.comes({{"x-remote-user", "Alice@Example.fr"},
                               {"x-name", "Élodie Müller"},
                               {"x-mail", "e@example.fr"},
                               {"x-groups", "staff;a\\;b; ;everybody;staff"}});
  EXPECT_EQ(in.identity.subject, "alice@example.fr");
  EXPECT_EQ(in.identity.display_name, "Élodie Müller");
  EXPECT_EQ(in.identity.groups, (std::vector<std::string>{"everybody", "staff", "a;b"}));
  EXPECT_EQ(in.state->attributes.at("mail").front(), "e@example.fr");
  EXPECT_EQ(front.method->headers_from(), std::vector<std::string>{"192.0.2.5/32"});
}

TEST(Header, WhoDoesNotComeFromThereGetsNoWord) {
  FrontEnd front;
  EXPECT_EQ(front.refused(FrontEnd::with({})), "not-from-there");
}

TEST(Header, AbsentIsNobody) {
  FrontEnd front;
  EXPECT_EQ(front.refused(FrontEnd::saying({})), "absent");
  EXPECT_EQ(front.refused(FrontEnd::saying({{"x-remote-user", ""}})), "absent");
  EXPECT_EQ(front.refused(FrontEnd::saying({{"x-remote-user", "  "}})), "absent");
  EXPECT_EQ(front.refused(FrontEnd::saying({{"x-remote-users", "alice"}})), "absent");
}

// oauth2-proxy CVE-2025-64484: a client's copy in another spelling, which the web server let pass.
TEST(Header, Cve2025_64484_CopiesInAnySpellingAreRefused) {
  FrontEnd front;
  for (const char* copy : {"x-remote-user", "x_remote_user", "x-remote_user", "x.remote.user"}) {
    EXPECT_EQ(front.refused(FrontEnd::saying({{"x-remote-user", "alice"}, {copy, "root"}})),
              "doubtful")
        << copy;
    EXPECT_EQ(front.refused(FrontEnd::saying({{copy, "root"}, {"x-remote-user", "alice"}})),
              "doubtful")
        << copy;
  }
  EXPECT_EQ(front.refused(FrontEnd::saying({{"x_remote_user", "root"}})), "doubtful");
  EXPECT_EQ(front.refused(FrontEnd::saying(
                {{"x-remote-user", "alice"}, {"x-groups", "a"}, {"x-groups", "admins"}})),
            "doubtful");
  EXPECT_EQ(front.refused(
                FrontEnd::saying({{"x-remote-user", "alice"}, {"x_passerelle_secret", kSecret}})),
            "secret-wrong");
}

TEST(Header, TheSecretIsComparedWhole) {
  FrontEnd front;
  for (const std::string said : {"", "only the web server know", "only the web server knowsx"})
    EXPECT_EQ(
        front.refused(FrontEnd::with({{"x-passerelle-secret", said}, {"x-remote-user", "alice"}})),
        "secret-wrong");
  EXPECT_EQ(front.refused(FrontEnd::with({{"x-remote-user", "alice"}})), "secret-wrong");
}

TEST(Header, LettersWithAccents) {
  FrontEnd utf8;
  EXPECT_EQ(utf8.refused(FrontEnd::saying({{"x-remote-user", "zo\xe9"}})), "doubtful");
  FrontEnd latin([](config::HeaderAuthenticator& header) { header.encoding = "latin-1"; });
  EXPECT_EQ(latin.comes({{"x-remote-user", "zo\xe9"}}).identity.subject, "zo\xc3\xa9");
}

TEST(Header, NamesThatCannotBe) {
  FrontEnd front;
  for (const std::string& user : {std::string("a\tb"), std::string("a\x7f"), std::string(257, 'a')})
    EXPECT_EQ(front.refused(FrontEnd::saying({{"x-remote-user", user}})), "user-invalid");
}

TEST(Header, SignOutLeadsToTheWebServers) {
  FrontEnd nowhere;
  EXPECT_EQ(nowhere.method->sign_out_url("", "https://hub.test/x"), "");
  FrontEnd shibboleth([](config::HeaderAuthenticator& header) {
    header.sign_out_url = "/Shibboleth.sso/Logout?return={back}";
  });
  EXPECT_EQ(shibboleth.method->sign_out_url("", "https://hub.test/x"),
            "/Shibboleth.sso/Logout?return=https%3A%2F%2Fhub.test%2Fx");
}

}  // namespace
}  // namespace passerelle::auth
