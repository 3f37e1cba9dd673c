// A platform of LTI 1.3 on loopback whose every word a test can change, and the authenticator
// beside it.
#pragma once

#include <filesystem>
#include <fstream>

#include "tests/contract/authenticator/contract.hpp"
#include "tests/contract/authenticator/provider.hpp"

namespace passerelle::auth::testing {

inline const std::string kLti = "https://purl.imsglobal.org/spec/lti/claim/";
inline const std::string kAgs = "https://purl.imsglobal.org/spec/lti-ags/";
inline const std::string kDl = "https://purl.imsglobal.org/spec/lti-dl/claim/";

inline std::string new_folder() {
  std::string path = (std::filesystem::temp_directory_path() / "lti13.XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return path;
}

/// Keys take long to make: all platforms have one, all their attackers another.
inline jwt::Key platform_key() {
  static const jwt::Key key = new_key("RSA", "k1");
  return key;
}
inline jwt::Key other_key(std::string id) {
  static const jwt::Key key = new_key("RSA", "");
  jwt::Key named = key;
  named.id = std::move(id);
  return named;
}

struct Moodle : HouseBase {
  Moodle() : server([this](const Asked& asked) { return answer(asked); }) {
    issuer = "http://127.0.0.1:" + std::to_string(server.port);
    write(
        "moodle:\n  issuer: " + issuer + "\n  client_id: hub\n  auth_url: " + issuer +
        "/auth?x=1\n  token_url: " + issuer + "/token\n  jwks_url: " + issuer +
        "/jwks\n  deployments: [\"1\", \"2\"]\n  groups: [mooc]\n  instructor_groups: [teachers]\n"
        "  frame_origins: [\"https://moodle.example.org\"]\n");
    settings.name = "room";
    settings.type = "lti13";
    settings.lti13.platforms = folder + "/platforms.yaml";
    method = make_authenticator(settings, around()).value();
  }
  ~Moodle() {
    method.reset();
    std::filesystem::remove_all(folder);
  }
  void write(const std::string& platforms) const {
    std::ofstream(folder + "/platforms.yaml.new") << platforms;
    std::filesystem::rename(folder + "/platforms.yaml.new", folder + "/platforms.yaml");
  }

  std::int64_t now() const { return to_micros(clock.now()) / 1'000'000; }

  AuthRequest request(const char* verb, const char* path) const {
    AuthRequest one;
    one.method = verb;
    one.path = path;
    one.origin = "https://hub.test";
    one.whole_path = "/hub/lti13/" + std::string(path);
    return one;
  }
  AuthRequest initiation() const {
    AuthRequest one = request("POST", "oauth_login");
    one.form = {{"iss", issuer},
                {"login_hint", "5"},
                {"lti_message_hint", R"({"cmid":"1"})"},
                {"target_link_uri", "https://hub.test/hub/"}};
    return one;
  }
  /// A browser comes to us, is sent to the platform, and comes back.
  AuthRequest come_back() {
    auto away = ask(initiation());
    const auto& redirect = std::get<Redirect>(*away);
    sent = *text::parse_form(std::string_view(redirect.url).substr(redirect.url.find('?') + 1));
    AuthRequest back = request("POST", "oauth_callback");
    for (const auto& [name, cookie] : redirect.set_cookies)
      if (!cookie.value.empty()) back.cookies[name] = cookie.value;
    back.form = {{"state", std::string(text::field(sent, "state"))},
                 {"id_token", jwt::sign({{"typ", "JWT"}}, claims(), key).value()}};
    return back;
  }
  AuthRequest right() { return come_back(); }
  AuthRequest wrong() {
    AuthRequest back = come_back();
    const std::size_t dot = back.form[1].second.rfind('.');
    back.form[1].second[dot + 5] = back.form[1].second[dot + 5] == 'A' ? 'B' : 'A';
    return back;
  }

  Json claims() {
    Json all = {{"iss", issuer},
                {"aud", "hub"},
                {"sub", "5"},
                {"exp", now() + 60},
                {"iat", now()},
                {"nonce", std::string(text::field(sent, "nonce"))},
                {"name", "Zoé D'Arcy"},
                {kLti + "message_type", "LtiResourceLinkRequest"},
                {kLti + "version", "1.3.0"},
                {kLti + "deployment_id", "1"},
                {kLti + "target_link_uri", "https://hub.test/hub/"},
                {kLti + "resource_link", {{"id", "rl-1"}, {"title", "TP 1"}}},
                {kLti + "roles", {"http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"}},
                {kLti + "context", {{"id", "c1"}, {"title", "Files d'attente"}}},
                {kLti + "ext", {{"user_username", "zoe"}}},
                {kAgs + "claim/endpoint",
                 {{"scope", {kAgs + "scope/score"}},
                  {"lineitem", issuer + "/lineitems/4/lineitem?type_id=2"}}}};
    if (change) change(all);
    return all;
  }
  SignedIn in() {
    auto answer = ask(right());
    return std::get<SignedIn>(std::move(*answer));
  }
  std::string code(AuthRequest request) {
    auto answer = ask(std::move(request));
    if (!answer) return "error: " + answer.error().message();
    const auto* form = std::get_if<ShowForm>(&*answer);
    return form == nullptr ? "" : form->code;
  }

  Answered answer(const Asked& asked) {
    const std::lock_guard lock(mutex);
    requests.push_back(asked);
    if (asked.path == "/jwks" && key_set) return key_set();
    if (asked.path == "/jwks") return {200, Json{{"keys", Json::array({rsa_jwk(key)})}}.dump()};
    if (asked.path == "/token") return {200, token};
    if (course) return course(asked);
    if (asked.path.starts_with("/lineitems/")) return {score_status, "{}"};
    return {404, "{}"};
  }
  std::vector<Asked> asked_for(std::string_view path) {
    const std::lock_guard lock(mutex);
    std::vector<Asked> found;
    for (const Asked& one : requests)
      if (one.path.starts_with(path)) found.push_back(one);
    return found;
  }

  store::ActivityRow graded(std::int64_t score, std::int64_t maximum) {
    store::ActivityRow row;
    row.activity = *in().activity;
    row.score.score = score * store::kScoreUnit;
    row.score.maximum = maximum * store::kScoreUnit;
    row.score.given = clock.now();
    return row;
  }

  static std::string secret_of(const AuthRequest& request) {
    return std::string(text::field(request.form, "id_token"));
  }

  std::mutex mutex;
  std::vector<Asked> requests;
  int score_status = 200;
  std::string token = R"({"access_token":"at","token_type":"bearer","expires_in":3600})";
  std::function<void(Json&)> change;
  std::function<Answered(const Asked&)> course;  ///< Its services, and what describes it.
  std::function<Answered()> key_set;             ///< Instead of the platform's own.
  jwt::Key key = platform_key();
  text::Form sent;
  std::string issuer;
  const std::string folder = new_folder();
  config::Authenticator settings;
  LoopbackServer server;
};

}  // namespace passerelle::auth::testing
