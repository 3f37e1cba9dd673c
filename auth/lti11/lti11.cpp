// The authenticator "lti11": a learning platform signs each launch with a secret it shares with us
// (LTI 1.1; OAuth 1.0a). Nothing is asked of the person.

#include "auth/authenticator.hpp"
#include "auth/lti11/cartridge.hpp"
#include "auth/lti11/launch.hpp"
#include "auth/lti11/outcome.hpp"
#include "auth/lti11/person.hpp"
#include "auth/lti_person.hpp"
#include "auth/lti_refusal.hpp"
#include "auth/lti_services.hpp"
#include "auth/lti_watched.hpp"
#include "base/secrets.hpp"

namespace passerelle::auth {
namespace lti11 {
namespace {

constexpr std::size_t kMostNonces = 100'000;  // of one consumer at a time

using Consumers = lti::Watched<config::LtiConsumers>;
using ConsumersPointer = Consumers::Pointer;
using lti::open_from_course;
using lti::refused;

class Lti11 final : public Authenticator {
 public:
  Lti11(config::Authenticator settings, Surroundings around, Consumers consumers)
      : name_(std::move(settings.name)),
        settings_(std::move(settings)),
        around_(std::move(around)),
        consumers_(std::move(consumers)) {}

  const std::string& name() const noexcept override { return name_; }
  SignInOffer offer() const override { return {}; }
  // The platform's course authors can send any name.
  bool people_choose_names() const noexcept override { return true; }
  bool takes_foreign_post(std::string_view path) const noexcept override {
    return path == "launch";
  }
  bool launches() const noexcept override { return true; }
  Task<bool> claims(const AuthRequest& request) override;
  std::vector<std::string> framed_by(std::string_view subject) const override;
  Task<Result<AuthAnswer>> handle(AuthRequest request) override;
  Task<Result<Known>> refresh(Known known) override;
  Task<Delivered> deliver(store::ActivityRow row) override;

 private:
  Task<Result<AuthAnswer>> launch(AuthRequest request);
  Task<Result<bool>> use_nonce(const Launch& launch);
  SignedIn sign_in(const Launch& launch, const AuthRequest& request) const;
  Reply description(const AuthRequest& request) const;

  const std::string name_;
  const config::Authenticator settings_;
  const Surroundings around_;
  Consumers consumers_;
};

Task<bool> Lti11::claims(const AuthRequest& request) {
  const std::string key(only_field(request.form, "oauth_consumer_key"));
  const ConsumersPointer consumers = co_await consumers_.current(around_.workers);
  co_return consumers->contains(key);
}

std::vector<std::string> Lti11::framed_by(std::string_view subject) const {
  const ConsumersPointer consumers = consumers_.known();
  std::vector<std::string> origins;
  const std::string key = lti::platform_of(subject);
  for (const auto& [name, consumer] : *consumers)
    if (subject.empty() || name == key)
      for (const std::string& origin : consumer.frame_origins)
        if (std::find(origins.begin(), origins.end(), origin) == origins.end())
          origins.push_back(origin);
  return origins;
}

Task<Result<AuthAnswer>> Lti11::handle(AuthRequest request) {
  if (request.path == "login") co_return AuthAnswer(open_from_course());
  if (request.path == "config" && request.method != "POST")
    co_return AuthAnswer(description(request));
  if (request.path != "launch") co_return Error(Errc::not_found, "no such page");
  // Without a signature in it, it is a link that somebody typed or kept.
  if (request.method != "POST" && text::field(request.query, "oauth_signature").empty())
    co_return AuthAnswer(open_from_course());
  auto answer = co_await launch(std::move(request));
  co_return answer;
}

// The nonce is used up only once the signature is known to be good (CVE-2026-34052): strangers can
// neither fill the store nor burn what the platform is about to send.
Task<Result<AuthAnswer>> Lti11::launch(AuthRequest request) {
  const ConsumersPointer consumers = co_await consumers_.current(around_.workers);
  Incoming incoming{request.method, request.query,      request.form,
                    request.origin, request.whole_path, request.other_origins};
  auto verified = verify(incoming, *consumers, around_.clock.now(), settings_.lti11.window);
  if (const auto* why = std::get_if<Refusal>(&verified))
    co_return AuthAnswer(refused(*why, text::field(request.form, "oauth_consumer_key")));
  const Launch& launch = std::get<Launch>(verified);
  auto fresh = co_await use_nonce(launch);
  if (!fresh && fresh.error().code() != Errc::exhausted) co_return std::move(fresh).error();
  if (!fresh) {
    co_return AuthAnswer(refused({"LTI-BUSY", fresh.error().message()}, launch.consumer));
  }
  if (!*fresh)
    co_return AuthAnswer(refused(
        {"LTI-REPLAY", "this launch of " + launch.consumer + " was used before"}, launch.consumer));
  co_return AuthAnswer(sign_in(launch, request));
}

// Kept until its time alone would refuse it. What is stored is a digest: nonces may hold anything.
Task<Result<bool>> Lti11::use_nonce(const Launch& launch) {
  std::string scope = name_ + "/" + secrets::sha256_hex(launch.consumer).substr(0, 32);
  std::string nonce =
      secrets::sha256_hex(std::to_string(to_micros(launch.signed_at)) + "/" + launch.nonce);
  const Instant now = around_.clock.now();
  const Instant until = launch.signed_at + settings_.lti11.window + seconds(1);
  auto fresh =
      co_await around_.nonces->use(std::move(scope), std::move(nonce), now, until, kMostNonces);
  co_return fresh;
}

SignedIn Lti11::sign_in(const Launch& launch, const AuthRequest& request) const {
  SignedIn answer;
  answer.identity = identity_of(launch, name_, settings_.groups);
  answer.state = state_of(launch);
  answer.activity = activity_of(launch, name_);
  answer.framed = true;
  answer.next = next_of(launch, request.origin);
  answer.launch = profile_of(launch);
  return answer;
}

Reply Lti11::description(const AuthRequest& request) const {
  constexpr std::string_view kShared = "lti11/config";
  constexpr std::string_view kOwn = "config";
  std::string path = request.whole_path;
  if (path.ends_with(kShared))
    path.replace(path.size() - kShared.size(), kShared.size(), "lti/launch");
  else
    path.replace(path.size() - kOwn.size(), kOwn.size(), "launch");
  const auto label = settings_.label.find("en");
  Reply reply;
  reply.content_type = "application/xml; charset=utf-8";
  reply.body =
      cartridge(label == settings_.label.end() ? "Notebook" : label->second, request.origin + path);
  return reply;
}

Task<Result<Known>> Lti11::refresh(Known known) {
  const ConsumersPointer consumers = co_await consumers_.current(around_.workers);
  if (!consumers->contains(lti::platform_of(known.identity.subject)))
    co_return Error(Errc::forbidden, "the consumer is known no more");
  co_return known;
}

Task<Delivered> Lti11::deliver(store::ActivityRow row) {
  using Kind = Delivered::Kind;
  const ConsumersPointer consumers = co_await consumers_.current(around_.workers);
  const auto found = consumers->find(row.activity.platform);
  if (found == consumers->end())
    co_return Delivered{Kind::refused, "the consumer is known no more"};
  if (!lti::may_call(row.activity.grade_url, found->second.outcome_hosts))
    co_return Delivered{Kind::refused, "grades go to " + lti::host_of(row.activity.grade_url) +
                                           ": add it to the consumer's `outcome_hosts`"};
  const std::int64_t now = to_micros(around_.clock.now()) / 1'000'000;
  HttpRequest request =
      outcome_request(row, found->second, {secrets::random_hex(16), std::to_string(now)});
  auto response = co_await around_.http.fetch(std::move(request));
  if (!response) co_return Delivered{Kind::later, "outcome: " + response.error().message()};
  co_return read_outcome(response->status, response->body);
}

}  // namespace
}  // namespace lti11

Result<std::unique_ptr<Authenticator>> make_lti11(const config::Authenticator& settings,
                                                  Surroundings around) {
  auto consumers =
      lti11::Consumers::open(settings.lti11.consumers, "consumers", &config::read_lti_consumers);
  if (!consumers) return std::move(consumers).error();
  return std::unique_ptr<Authenticator>(
      std::make_unique<lti11::Lti11>(settings, std::move(around), std::move(*consumers)));
}

}  // namespace passerelle::auth
