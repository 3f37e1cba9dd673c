// The authenticator "cas" against a CAS server in the same loop that knows what it gave out: a
// ticket is good once, for the address it was made for.
#include <functional>

#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include "auth/cas/flow.hpp"
#include "auth/cas/response.hpp"
#include "tests/contract/authenticator/contract.hpp"

namespace passerelle::auth {
namespace {

using asio::ip::tcp;

std::string success(const std::string& inside) {
  return "<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'><cas:authenticationSuccess>" +
         inside + "</cas:authenticationSuccess></cas:serviceResponse>";
}
std::string failure(const std::string& code) {
  return "<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'>"
         "<cas:authenticationFailure code='" +
         code + "'>text</cas:authenticationFailure></cas:serviceResponse>";
}

class CasServer {
 public:
  explicit CasServer(asio::io_context& loop)
      : acceptor_(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    asio::co_spawn(loop, accept(), asio::detached);
  }
  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/cas";
  }
  /// A person signs in there on the way to `service`.
  std::string ticket_for(std::string service, std::string inside) {
    const std::string ticket = "ST-" + std::to_string(++last_) + "-a&b=c";
    tickets_[ticket] = {std::move(service), std::move(inside)};
    return ticket;
  }

  std::vector<std::string> asked;  ///< Request lines.
  std::string reply;               ///< Instead of an answer: the whole response.
  bool silent = false;

 private:
  Task<void> accept() {
    for (;;) {
      boost::system::error_code error;
      auto token = asio::redirect_error(asio::use_awaitable, error);
      auto socket = co_await acceptor_.async_accept(token);
      if (error) co_return;
      asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)), asio::detached);
    }
  }
  Task<void> serve(tcp::socket socket) {
    boost::system::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    std::string request;
    auto buffer = asio::dynamic_buffer(request);
    co_await asio::async_read_until(socket, buffer, "\r\n\r\n", token);
    if (error) co_return;
    asked.push_back(request.substr(0, request.find("\r\n")));
    const std::string answer = response();
    if (silent) co_await asio::async_read_until(socket, buffer, "never", token);
    auto bytes = asio::buffer(answer);
    co_await asio::async_write(socket, bytes, token);
  }
  std::string response() {
    if (!reply.empty()) return reply;
    const std::string body = validate();
    // What LemonLDAP::NG calls it.
    return "HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\nConnection: close\r\n"
           "Content-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  std::string validate() {
    const std::string& line = asked.back();
    const std::size_t query = line.find('?');
    const auto fields =
        text::parse_form(line.substr(query + 1, line.rfind(' ') - query - 1)).value();
    const auto at = tickets_.find(std::string(text::field(fields, "ticket")));
    if (at == tickets_.end()) return failure("INVALID_TICKET");
    const auto [service, inside] = at->second;
    tickets_.erase(at);
    return service == text::field(fields, "service") ? success(inside) : failure("INVALID_SERVICE");
  }

  tcp::acceptor acceptor_;
  std::map<std::string, std::pair<std::string, std::string>> tickets_;
  int last_ = 0;
};

struct University : testing::HouseBase {
  explicit University(const std::function<void(config::CasAuthenticator&)>& change = [](auto&) {}) {
    settings.name = "univ";
    settings.type = "cas";
    settings.groups = {"everybody"};
    settings.cas.url = server.url() + "/";
    change(settings.cas);
    method = make_authenticator(settings, around()).value();
  }
  static std::string secret_of(const AuthRequest& request) {
    return std::string(text::field(request.query, "ticket"));
  }
  static AuthRequest get(std::string path) {
    AuthRequest request;
    request.method = "GET";
    request.path = std::move(path);
    return request;
  }
  static AuthRequest post(std::string body) {
    AuthRequest request = get("callback");
    request.method = "POST";
    request.form = {{"logoutRequest", std::move(body)}};
    return request;
  }

  /// What a browser has after our redirect.
  struct Away {
    Redirect there;
    std::string service;
    std::string state;
    std::map<std::string, std::string> cookies;
  };
  Away leave(std::string next = "/user/alice/lab") {
    AuthRequest request = get("login");
    request.next = std::move(next);
    Away away;
    away.there = std::get<Redirect>(ask(std::move(request)).value());
    const auto query =
        text::parse_form(away.there.url.substr(away.there.url.find('?') + 1)).value();
    away.service = text::field(query, "service");
    away.state = away.service.substr(away.service.find('=') + 1);
    for (const auto& [name, cookie] : away.there.set_cookies) away.cookies[name] = cookie.value;
    return away;
  }
  static AuthRequest back(const Away& away, std::string ticket) {
    AuthRequest request = get("callback");
    request.query = {{"state", away.state}, {"ticket", std::move(ticket)}};
    request.cookies = away.cookies;
    return request;
  }
  AuthRequest right(std::string inside = "<cas:user>Alice</cas:user>") {
    const Away away = leave();
    return back(away, server.ticket_for(away.service, std::move(inside)));
  }
  AuthRequest wrong() { return back(leave(), "ST-0-guess"); }
  SignedIn comes(const std::string& inside) {
    return std::get<SignedIn>(ask(right(inside)).value());
  }
  ShowForm shown(AuthRequest request) {
    return std::get<ShowForm>(ask(std::move(request)).value());
  }

  CasServer server{loop};
  config::Authenticator settings;
};

}  // namespace

namespace testing {
INSTANTIATE_TYPED_TEST_SUITE_P(Cas, AuthenticatorContract, University);
}  // namespace testing

namespace {

TEST(Cas, SendsPeopleToTheServerWithOurAddressAndNothingElse) {
  University univ;
  const auto away = univ.leave();
  EXPECT_TRUE(
      away.there.url.starts_with(univ.server.url() + "/login?service=https%3A%2F%2Fhub.test"));
  EXPECT_EQ(away.service, "https://hub.test/hub/auth/room/callback?state=" + away.state);
  EXPECT_EQ(away.there.url.find('&'), std::string::npos);
  EXPECT_NE(away.state, univ.leave().state);
}

TEST(Cas, AsksTheServerItselfWithTheVerySameAddress) {
  University univ;
  const auto in = univ.comes("<cas:user>alice</cas:user>");
  EXPECT_EQ(in.identity.subject, "alice");
  EXPECT_EQ(in.next, "/user/alice/lab");
  ASSERT_EQ(univ.server.asked.size(), 1U);
  EXPECT_TRUE(univ.server.asked[0].starts_with("GET /cas/p3/serviceValidate?service="));
}

// CVE-2014-4172: a ticket cannot add parameters to what we ask the server.
TEST(Cas, Cve2014_4172_TheTicketIsPercentEncoded) {
  University univ;
  univ.shown(University::back(univ.leave(), "ST-1&service=https://evil.test/#"));
  ASSERT_EQ(univ.server.asked.size(), 1U);
  EXPECT_TRUE(univ.server.asked[0].ends_with(
      "&ticket=ST-1%26service%3Dhttps%3A%2F%2Fevil.test%2F%23 HTTP/1.1"));
}

// CVE-2022-39369: what a request says of our address changes nothing.
TEST(Cas, Cve2022_39369_TheServiceComesFromTheConfiguration) {
  University univ;
  AuthRequest request = University::get("login");
  request.headers = {{"host", "evil.test"}, {"x-forwarded-host", "evil.test"}};
  request.query = {{"service", "https://evil.test/"}, {"state", "x"}};
  const auto there = std::get<Redirect>(univ.ask(request).value());
  EXPECT_EQ(there.url.find("evil"), std::string::npos);
}

TEST(Cas, ATicketIsGoodOnce) {
  University univ;
  const AuthRequest request = univ.right();
  EXPECT_TRUE(std::holds_alternative<SignedIn>(univ.ask(request).value()));
  EXPECT_EQ(univ.shown(request).code, "ticket-invalid");
}

TEST(Cas, ATicketForAnotherSiteIsRefused) {
  University univ;
  const auto away = univ.leave();
  const auto form = univ.shown(University::back(
      away, univ.server.ticket_for("https://other.test/", "<cas:user>alice</cas:user>")));
  EXPECT_EQ(form.code, "service-refused");
  EXPECT_EQ(form.detail, "INVALID_SERVICE");
  EXPECT_FALSE(form.failed);
}

// Login CSRF: an attacker's callback address with a good ticket of theirs, in the victim's browser.
TEST(Cas, WhatAnotherBrowserBeganIsRefusedAndItsTicketNotSpent) {
  University univ;
  AuthRequest request = univ.right();
  request.cookies.clear();
  EXPECT_EQ(univ.shown(request).code, "state-unknown");
  request.cookies = univ.leave().cookies;
  EXPECT_EQ(univ.shown(request).code, "state-unknown");
  EXPECT_TRUE(univ.server.asked.empty());
}

TEST(Cas, OddStatesAreUnknown) {
  University univ;
  for (const std::string& state :
       {std::string(), std::string("x"), std::string(42, 'g'), std::string(42, '0'),
        std::string(42, 'f'), std::string(1'000'000, 'a')}) {
    AuthRequest request = univ.right();
    request.query[0].second = state;
    request.cookies["flow-" + state] = "-";
    EXPECT_EQ(univ.shown(request).code, "state-unknown") << state.substr(0, 50);
  }
  AuthRequest twice = univ.right();
  twice.query.push_back(twice.query[0]);
  EXPECT_EQ(univ.shown(twice).code, "state-unknown");
  AuthRequest tickets = univ.right();
  tickets.query.push_back(tickets.query[1]);
  EXPECT_EQ(univ.shown(tickets).code, "no-ticket");
}

TEST(Cas, AFlowEndsAfterTenMinutes) {
  University univ;
  const AuthRequest early = univ.right();
  univ.clock.pass(std::chrono::minutes(10));
  EXPECT_TRUE(std::holds_alternative<SignedIn>(univ.ask(early).value()));
  const AuthRequest late = univ.right();
  univ.clock.pass(std::chrono::minutes(10) + seconds(1));
  EXPECT_EQ(univ.shown(late).code, "state-unknown");
}

TEST(Cas, TwoTabsDoNotDisturbEachOther) {
  University univ;
  auto first = univ.leave("/user/alice/one");
  auto second = univ.leave("/user/alice/two");
  first.cookies.merge(second.cookies);
  for (const auto& [away, next] :
       {std::pair(first, "/user/alice/one"), std::pair(second, "/user/alice/two")}) {
    AuthRequest request =
        University::back(away, univ.server.ticket_for(away.service, "<cas:user>alice</cas:user>"));
    request.cookies = first.cookies;
    const auto in = std::get<SignedIn>(univ.ask(request).value());
    EXPECT_EQ(in.next, next);
    ASSERT_EQ(in.set_cookies.size(), 1U);
    EXPECT_EQ(in.set_cookies.begin()->first, "flow-" + away.state);
    EXPECT_TRUE(in.set_cookies.begin()->second.value.empty());
  }
}

// A page of dead tabs must not make the browser's requests too large for us.
TEST(Cas, ABrowserKeepsFiveFlows) {
  University univ;
  std::map<std::string, std::string> cookies;
  std::string first;
  for (int i = 0; i < 9; ++i) {
    univ.clock.pass(seconds(1));
    AuthRequest request = University::get("login");
    request.cookies = cookies;
    request.next = std::string(100'000, 'x');
    const Redirect there = std::get<Redirect>(univ.ask(request).value());
    for (const auto& [name, cookie] : there.set_cookies) {
      if (first.empty()) first = name;
      cookies[name] = cookie.value;
      if (cookie.value.empty()) cookies.erase(name);
      EXPECT_LE(cookie.value.size(), 4500U);
    }
  }
  EXPECT_EQ(cookies.size(), cas::kMostFlows);
  EXPECT_FALSE(cookies.contains(first));
}

TEST(Cas, TheUserStandsDirectlyInTheSuccess) {
  University univ;
  for (const char* inside :
       {"", "<cas:attributes><cas:user>root</cas:user></cas:attributes>",
        "<cas:proxies><cas:proxy><cas:user>root</cas:user></cas:proxy></cas:proxies>",
        "<user>root</user>", "<x:user xmlns:x='urn:x'>root</x:user>",
        "<cas:user>alice</cas:user><cas:user>root</cas:user>",
        "<cas:user><cas:user>root</cas:user></cas:user>"})
    EXPECT_EQ(univ.ask(univ.right(inside)).error().code(), Errc::unavailable) << inside;
  EXPECT_EQ(univ.comes("<cas:user>\n  alice<!-- x -->\n</cas:user>").identity.subject, "alice");
}

// Word for word what LemonLDAP::NG 2.16.1 says.
TEST(Cas, ReadsWhatLemonLdapSays) {
  const auto good = cas::read_validation(
      "<cas:serviceResponse "
      "xmlns:cas='http://www.yale.edu/tp/cas'>\n\t<cas:authenticationSuccess>\n"
      "\t\t<cas:user>dwho</cas:user>\n\t\t<cas:attributes>\n"
      "\t\t\t<cas:displayName>Doctor Who</cas:displayName>\n"
      "\t\t\t<cas:groups>timelords</cas:groups>\n\t\t\t<cas:groups>users</cas:groups>\n"
      "\t\t</cas:attributes>\n\t</cas:authenticationSuccess>\n</cas:serviceResponse>\n");
  const auto& person = std::get<cas::Validated>(*good);
  EXPECT_EQ(person.user, "dwho");
  EXPECT_EQ(person.attributes.at("groups"), (std::vector<std::string>{"timelords", "users"}));
  const auto bad = cas::read_validation(
      "<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'>\n\t<cas:authenticationFailure "
      "code=\"INVALID_TICKET\">\n\t\tTicket not found\n\t</cas:authenticationFailure>\n"
      "</cas:serviceResponse>\n");
  EXPECT_EQ(std::get<cas::NotValidated>(*bad).code, "INVALID_TICKET");
}

TEST(Cas, AnswersThatAreNoneSignNobodyIn) {
  for (const std::string& body :
       {std::string(), std::string("yes\nalice\n"), std::string("<html>Sign in</html>"),
        std::string("<serviceResponse><authenticationSuccess><user>a</user>"
                    "</authenticationSuccess></serviceResponse>"),
        success("<cas:user>a</cas:user>").insert(0, "<!DOCTYPE x [<!ENTITY e 'a'>]>"),
        std::string("<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'/>"),
        std::string("<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'>"
                    "<cas:authenticationFailure code='INVALID_TICKET'/><cas:authenticationSuccess>"
                    "<cas:user>a</cas:user></cas:authenticationSuccess></cas:serviceResponse>")}) {
    EXPECT_FALSE(cas::read_validation(body)) << body;
  }
}

TEST(Cas, AServerInTroubleIsNobodysFault) {
  University univ;
  const std::string body = success("<cas:user>alice</cas:user>");
  for (const char* status : {"500 Oops", "302 Found\r\nLocation: /cas/login", "404 Not Found"}) {
    univ.server.reply = std::string("HTTP/1.1 ") + status +
                        "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    EXPECT_EQ(univ.ask(univ.right()).error().code(), Errc::unavailable) << status;
  }
  univ.server.reply =
      "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(400 * 1024, ' ') + body;
  EXPECT_EQ(univ.ask(univ.right()).error().code(), Errc::unavailable);
  univ.settings.cas.url = "http://127.0.0.1:1/cas";
  univ.method = make_authenticator(univ.settings, univ.around()).value();
  EXPECT_EQ(univ.ask(univ.right()).error().code(), Errc::unavailable);
}

TEST(Cas, AttributesGiveNamesGroupsAndWhatSpawnersUse) {
  University univ([](config::CasAuthenticator& cas) {
    cas.username_attribute = "uid";
    cas.groups_attribute = "eduPersonAffiliation";
  });
  const auto in = univ.comes(
      "<cas:user>EA17</cas:user><cas:attributes><cas:uid>alice</cas:uid>"
      "<cas:displayName>Élodie &lt;b&gt;</cas:displayName>"
      "<cas:eduPersonAffiliation>staff</cas:eduPersonAffiliation>"
      "<cas:eduPersonAffiliation>everybody</cas:eduPersonAffiliation>"
      "<cas:eduPersonAffiliation/></cas:attributes>");
  EXPECT_EQ(in.identity.subject, "ea17");
  EXPECT_EQ(in.identity.username_hint, "alice");
  EXPECT_EQ(in.identity.display_name, "Élodie <b>");
  EXPECT_EQ(in.identity.groups, (std::vector<std::string>{"everybody", "staff"}));
  EXPECT_EQ(in.state->attributes.at("eduPersonAffiliation").size(), 3U);
  for (const char* inside : {"<cas:user>a</cas:user>",
                             "<cas:user>a</cas:user><cas:attributes><cas:uid>root</cas:uid>"
                             "<cas:uid>alice</cas:uid></cas:attributes>"})
    EXPECT_EQ(univ.shown(univ.right(inside)).code, "username-missing") << inside;
}

// firstuse 1.0: two spellings are one account.
TEST(Cas, Firstuse1_0_TwoSpellingsAreOnePerson) {
  University univ;
  EXPECT_EQ(univ.comes("<cas:user>ALICE</cas:user>").identity.subject, "alice");
  University strict([](config::CasAuthenticator& cas) { cas.case_sensitive = true; });
  EXPECT_EQ(strict.comes("<cas:user>ALICE</cas:user>").identity.subject, "ALICE");
}

TEST(Cas, NamesThatCannotBeAreRefused) {
  University univ;
  for (const std::string& user : {std::string(), std::string("  "), std::string("a&#10;b"),
                                  std::string("a&#127;"), std::string(257, 'a')}) {
    const auto form = univ.shown(univ.right("<cas:user>" + user + "</cas:user>"));
    EXPECT_EQ(form.code, "user-invalid") << user;
  }
  EXPECT_EQ(univ.comes("<cas:user>../fry</cas:user>").identity.subject, "../fry");
}

TEST(Cas, RenewAndGatewayGoBothWays) {
  University strict([](config::CasAuthenticator& cas) { cas.renew = true; });
  EXPECT_TRUE(strict.leave().there.url.ends_with("&renew=true"));
  strict.comes("<cas:user>alice</cas:user>");
  EXPECT_NE(strict.server.asked[0].find("&renew=true "), std::string::npos);
  University silent([](config::CasAuthenticator& cas) { cas.gateway = true; });
  const auto away = silent.leave();
  EXPECT_TRUE(away.there.url.ends_with("&gateway=true"));
  AuthRequest request = University::back(away, "");
  request.query.pop_back();
  const auto form = silent.shown(request);
  EXPECT_EQ(form.code, "no-ticket");
  EXPECT_EQ(form.next, "/user/alice/lab");
  EXPECT_FALSE(form.failed);
}

TEST(Cas, VersionTwoAsksWithoutAttributes) {
  University univ([](config::CasAuthenticator& cas) { cas.version = "2"; });
  univ.comes("<cas:user>alice</cas:user>");
  EXPECT_TRUE(univ.server.asked[0].starts_with("GET /cas/serviceValidate?"));
}

std::string logout_request(const std::string& index) {
  return "<samlp:LogoutRequest xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol' ID='x' "
         "Version='2.0' IssueInstant='2026-11-22T00:00:00Z'><saml:NameID "
         "xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion'>@NOT_USED@</saml:NameID>"
         "<samlp:SessionIndex>" +
         index + "</samlp:SessionIndex></samlp:LogoutRequest>";
}

TEST(Cas, ALogoutRequestEndsTheSessionOfItsTicketOnly) {
  University univ;
  const auto in = univ.comes("<cas:user>alice</cas:user>");
  EXPECT_TRUE(univ.method->takes_foreign_post("callback"));
  EXPECT_FALSE(univ.method->takes_foreign_post("login"));
  const auto over =
      std::get<EndSessions>(univ.ask(University::post(logout_request("ST-1-a&amp;b=c"))).value());
  EXPECT_EQ(over.provider_session, in.provider_session);
  EXPECT_EQ(in.provider_session.find("ST-"), std::string::npos);
  EXPECT_TRUE(over.subject.empty());
  const auto other =
      std::get<EndSessions>(univ.ask(University::post(logout_request("ST-2"))).value());
  EXPECT_NE(other.provider_session, in.provider_session);
  EXPECT_FALSE(other.provider_session.empty());
}

TEST(Cas, OddLogoutRequestsEndNothing) {
  University univ;
  for (const std::string& body :
       {std::string(), std::string("x"), logout_request(""), logout_request(" "),
        logout_request("a b"), logout_request(std::string(257, 'x')),
        logout_request("<samlp:SessionIndex>ST-1</samlp:SessionIndex>"),
        logout_request("ST-1</samlp:SessionIndex><samlp:SessionIndex>ST-2"),
        "<!DOCTYPE x>" + logout_request("ST-1"), std::string(1'000'000, '<'),
        std::string("<SessionIndex>ST-1</SessionIndex>"), success("<cas:user>a</cas:user>")}) {
    const auto reply = std::get<Reply>(univ.ask(University::post(body)).value());
    EXPECT_EQ(reply.status, 400) << body.substr(0, 200);
  }
}

TEST(Cas, SignOutLeadsToTheServersAndBack) {
  University univ;
  EXPECT_EQ(univ.method->sign_out_url("", "https://hub.test/hub/login?a=b"),
            univ.server.url() + "/logout?service=https%3A%2F%2Fhub.test%2Fhub%2Flogin%3Fa%3Db");
  University here([](config::CasAuthenticator& cas) { cas.sign_out = false; });
  EXPECT_EQ(here.method->sign_out_url("", "https://hub.test/"), "");
}

TEST(Cas, TheCheckSaysWhatToDo) {
  University univ;
  const auto findings_of = [&univ] {
    auto findings = univ.run(univ.method->check());
    EXPECT_EQ(findings.size(), 1U);
    return findings.front();
  };
  EXPECT_EQ(findings_of().level, Finding::Level::good);
  const auto with_body = [](const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  univ.server.reply = with_body(failure("UNAUTHORIZED_SERVICE"));
  EXPECT_NE(findings_of().advice.find("register https://hub.test/hub/auth/room/callback?state="),
            std::string::npos);
  univ.server.reply = with_body("<html/>");
  EXPECT_NE(findings_of().advice.find("check `url`"), std::string::npos);
  univ.settings.cas.url = "http://127.0.0.1:1/cas";
  univ.method = make_authenticator(univ.settings, univ.around()).value();
  EXPECT_NE(findings_of().advice.find("the network"), std::string::npos);
}

TEST(Cas, NeedsOurAddress) {
  University univ;
  Surroundings around = univ.around();
  around.origin.clear();
  EXPECT_EQ(make_authenticator(univ.settings, around).error().code(), Errc::invalid);
}

}  // namespace
}  // namespace passerelle::auth
