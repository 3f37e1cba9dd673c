#include "hub/lti_command.hpp"

#include <iostream>
#include <iterator>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "auth/json.hpp"
#include "auth/jwt.hpp"
#include "auth/lti11/launch.hpp"
#include "auth/lti13/id_token.hpp"
#include "base/files.hpp"
#include "config/load.hpp"
#include "config/lti_consumers.hpp"
#include "config/lti_platforms.hpp"
#include "config/values.hpp"

namespace passerelle::hub {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostPasted = 1U << 20U;
constexpr seconds kAnyTime{std::chrono::hours(24 * 365 * 100)};

// What is found out, a line each.
class Report {
 public:
  void good(const std::string& what) { std::cout << "ok      " << what << '\n'; }
  void note(const std::string& what) { std::cout << "note    " << what << '\n'; }
  void wrong(const std::string& code, const std::string& what) {
    std::cout << "wrong   " << code << ": " << what << '\n';
    refused_ = true;
  }
  bool refused() const noexcept { return refused_; }

 private:
  bool refused_ = false;
};

Result<std::string> read_pasted(const std::string& file) {
  if (file != "-") return files::read(file, kMostPasted);
  std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  if (text.size() > kMostPasted) return Error(Errc::invalid, "too long for a launch");
  return text;
}

// As browsers' tools copy a form: the body as it was sent; or a line for each field, "name: value"
// or "name=value", decoded; or only the token of LTI 1.3.
text::Form read_fields(std::string_view pasted) {
  pasted = text::trim(pasted);
  const bool lines = pasted.find('\n') != std::string_view::npos;
  if (!lines && pasted.starts_with("ey") && pasted.find('=') == std::string_view::npos)
    return {{"id_token", std::string(pasted)}};
  if (!lines) return text::parse_form(pasted).value_or(text::Form());
  text::Form fields;
  for (const std::string_view line : text::split(pasted, '\n')) {
    const std::size_t mark = line.find_first_of(":=");
    if (mark == std::string_view::npos) continue;
    fields.emplace_back(std::string(text::trim(line.substr(0, mark))),
                        std::string(text::trim(line.substr(mark + 1))));
  }
  return fields;
}

// Where it was posted, and from where else it may have seemed to come.
auth::lti11::Incoming incoming_of(const config::Settings& settings,
                                  const std::string& url,
                                  text::Form fields) {
  const std::string address =
      url.empty() ? config::origin_of(settings.public_url) + settings.base_url + "hub/lti/launch"
                  : url;
  const std::size_t mark_of_scheme = address.find("://");
  const std::size_t host = mark_of_scheme == std::string::npos ? 0 : mark_of_scheme + 3;
  const std::size_t path = std::min(address.find('/', host), address.size());
  const std::size_t mark = std::min(address.find('?', path), address.size());
  auth::lti11::Incoming incoming;
  incoming.method = "POST";
  incoming.origin = address.substr(0, path);
  incoming.path = address.substr(path, mark - path);
  if (mark < address.size())
    incoming.query = text::parse_form(address.substr(mark + 1)).value_or(text::Form());
  incoming.form = std::move(fields);
  const std::string name = address.substr(host, path - host);
  const std::string bare = name.substr(0, name.find(':'));
  for (const std::string& other : {name, bare})
    for (const char* scheme : {"https://", "http://"})
      if (scheme + other != incoming.origin) incoming.other_origins.push_back(scheme + other);
  return incoming;
}

void check_lti11(const config::Settings& settings,
                 const std::string& url,
                 text::Form fields,
                 Instant now,
                 Report& report) {
  const std::string key(auth::lti11::only_field(fields, "oauth_consumer_key"));
  const std::string signed_at(auth::lti11::only_field(fields, "oauth_timestamp"));
  const auth::lti11::Incoming incoming = incoming_of(settings, url, std::move(fields));
  report.note("a launch of LTI 1.1, as if posted to " + incoming.origin + incoming.path);
  for (const config::Authenticator& entry : settings.authenticators) {
    if (entry.type != "lti11") continue;
    const auto consumers = config::read_lti_consumers(entry.lti11.consumers);
    if (!consumers) {
      report.wrong("LTI-KEY", consumers.error().message());
      continue;
    }
    if (!consumers->contains(key)) continue;
    report.good("the consumer " + key + " is one of `" + entry.name + "`");
    // The rest first: a pasted launch is nearly always too old by now.
    const auto verdict = auth::lti11::verify(incoming, *consumers, now, kAnyTime);
    if (const auto* refused = std::get_if<auth::lti::Refusal>(&verdict)) {
      report.wrong(refused->code, refused->detail);
      if (refused->code == "LTI-SIG")
        report.note("else the secret is another one on the platform; look for blanks around it");
    } else {
      report.good("the signature is right, and all fields are there");
    }
    const auto timely = auth::lti11::verify(incoming, *consumers, now, entry.lti11.window);
    const auto* late = std::get_if<auth::lti::Refusal>(&timely);
    if (late != nullptr && late->code == "LTI-TIME")
      report.note("by now it would be LTI-TIME (signed at " + signed_at + "): " + late->detail);
    report.note("whether it was used before (LTI-REPLAY) only the running gateway knows");
    return;
  }
  report.wrong("LTI-KEY", "no authenticator of type lti11 has the consumer key " + key);
}

Task<void> check_signature(auth::KeySource& keys,
                           auth::jwt::Token token,
                           std::string url,
                           Report& report,
                           asio::io_context& loop) {
  auto claims = co_await keys.open(std::move(token), std::move(url));
  if (claims)
    report.good("signed by a key that the platform publishes");
  else if (claims.error().code() == Errc::unavailable)
    report.wrong("LTI-KEYS", claims.error().message());
  else
    report.wrong(claims.error().code() == Errc::not_found ? "LTI-KEYSET" : "LTI-SIG",
                 claims.error().message());
  loop.stop();
}

// What the claims say, beyond a time that has passed since.
void check_claims(const Json& claims,
                  const config::LtiPlatform& platform,
                  const config::Authenticator& entry,
                  Instant now,
                  Report& report) {
  auth::lti13::Expected expected;
  expected.nonce = auth::text_member(claims, "nonce");
  expected.now = now;
  expected.leeway = entry.lti13.leeway;
  expected.max_age = entry.lti13.max_age;
  auto verdict = auth::lti13::check_claims(claims, platform, expected);
  const auto* refused = std::get_if<auth::lti::Refusal>(&verdict);
  if (refused != nullptr && (refused->code == "LTI-EXP" || refused->code == "LTI-TIME")) {
    report.note("by now it would be " + refused->code + ": " + refused->detail);
    const auto issued = auth::jwt::time_claim(claims, "iat");
    if (issued && *issued) expected.now = **issued;
    verdict = auth::lti13::check_claims(claims, platform, expected);
    refused = std::get_if<auth::lti::Refusal>(&verdict);
  }
  if (refused != nullptr)
    report.wrong(refused->code, refused->detail);
  else
    report.good("the claims are those of a launch that is taken");
}

// The issuer's registration that the token is for; else its first, which then says that it is not.
config::LtiPlatforms::const_iterator registration_of(const config::LtiPlatforms& platforms,
                                                     const Json& claims) {
  const std::string issuer = auth::text_member(claims, "iss");
  const Json audience = claims.value("aud", Json());
  auto found = platforms.end();
  for (auto at = platforms.begin(); at != platforms.end(); ++at) {
    if (at->second.issuer != issuer) continue;
    const Json us = at->second.client_id;
    if (audience == us || (audience.is_array() && std::count(audience.begin(), audience.end(), us)))
      return at;
    if (found == platforms.end()) found = at;
  }
  return found;
}

void check_lti13(const config::Settings& settings,
                 const std::string& compact,
                 const Clock& clock,
                 Report& report) {
  report.note("a launch of LTI 1.3");
  const std::vector<std::string> algorithms = {"RS256"};
  auto token = auth::jwt::take_apart(compact, algorithms);
  if (!token) return report.wrong("LTI-TOKEN or LTI-ALG", token.error().message());
  const auto claims = auth::parse_json(token->claims_text, auth::jwt::kLongest);
  if (!claims || !claims->is_object())
    return report.wrong("LTI-TOKEN", "its claims cannot be read");
  const std::string issuer = auth::text_member(*claims, "iss");
  for (const config::Authenticator& entry : settings.authenticators) {
    if (entry.type != "lti13") continue;
    const auto platforms = config::read_lti_platforms(entry.lti13.platforms);
    if (!platforms) {
      report.wrong("LTI-REGISTRATION", platforms.error().message());
      continue;
    }
    const auto meant = registration_of(*platforms, *claims);
    if (meant != platforms->end()) {
      const auto& [name, platform] = *meant;
      report.good("the issuer is that of `" + name + "` of `" + entry.name + "`");
      asio::io_context loop;
      HttpClient http(loop);
      auth::KeySource keys(http, clock, entry.lti13.ca_file);
      asio::co_spawn(loop, check_signature(keys, *token, platform.jwks_url, report, loop),
                     asio::detached);
      loop.run();
      check_claims(*claims, platform, entry, clock.now(), report);
      report.note("whether state and nonce were this browser's only the running gateway knows");
      return;
    }
  }
  report.wrong("LTI-REGISTRATION",
               "no platform in a file has the issuer " + issuer +
                   " (those that registered themselves stand on /hub/lti/platforms)");
}

}  // namespace

CLI::App* add_lti_command(CLI::App& cli, LtiOptions& options) {
  CLI::App* command = cli.add_subcommand("lti", "Look at launches from courses");
  command->require_subcommand(1);
  CLI::App* check = command->add_subcommand(
      "check", "Say why a launch is refused: its form, as a browser's tools show what was posted");
  check->add_option("--config", options.config, "The configuration file")->required();
  check->add_option("--url", options.url, "Where it was posted (public_url/hub/lti/launch)");
  check->add_option("LAUNCH", options.launch, "A file with the form, or - for standard input")
      ->required();
  return command;
}

int run_lti_command(const LtiOptions& options) {
  const config::LoadOutcome loaded =
      config::load(options.config, config::Environment::of_process());
  if (!loaded.settings) {
    std::cerr << loaded.text();
    return 1;
  }
  const auto pasted = read_pasted(options.launch);
  if (!pasted) {
    std::cerr << "passerelle lti: " << pasted.error().message() << '\n';
    return 1;
  }
  Report report;
  text::Form fields = read_fields(*pasted);
  const std::string token(text::field(fields, "id_token"));
  SystemClock clock;
  if (!token.empty())
    check_lti13(*loaded.settings, token, clock, report);
  else if (!text::field(fields, "oauth_consumer_key").empty())
    check_lti11(*loaded.settings, options.url, std::move(fields), clock.now(), report);
  else
    report.wrong("LTI-FIELD",
                 "neither oauth_consumer_key (LTI 1.1) nor id_token (LTI 1.3) is there");
  std::cout << (report.refused() ? "This launch is refused.\n" : "This launch would be taken.\n");
  return report.refused() ? 1 : 0;
}

}  // namespace passerelle::hub
