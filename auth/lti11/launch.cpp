#include "auth/lti11/launch.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "auth/lti11/oauth.hpp"
#include "auth/name.hpp"
#include "base/secrets.hpp"

namespace passerelle::auth::lti11 {
namespace {

constexpr std::size_t kLongestUserId = 255;
constexpr std::size_t kLongestNonce = 255;
constexpr std::size_t kLongestTimestamp = 12;

std::optional<Method> method_of(std::string_view name, const config::LtiConsumer& consumer) {
  const auto& allowed = consumer.signature_methods;
  if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), name) == allowed.end())
    return std::nullopt;
  if (name == "HMAC-SHA1") return Method::hmac_sha1;
  if (name == "HMAC-SHA256") return Method::hmac_sha256;
  return std::nullopt;
}

bool printable(std::string_view text) {
  return text::is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
         });
}

std::string cut(std::string_view text) {
  return printable(text) ? cut_name(text) : std::string("(not printable)");
}

class Check {
 public:
  Check(const Incoming& request, const config::LtiConsumers& consumers, Instant now, seconds window)
      : request_(request), consumers_(consumers), now_(now), window_(window) {
    fields_ = request.query;
    fields_.insert(fields_.end(), request.form.begin(), request.form.end());
  }

  std::variant<Launch, Refusal> run() {
    for (const auto step : {&Check::form, &Check::consumer, &Check::signature, &Check::time,
                            &Check::message, &Check::person})
      if (auto refused = (this->*step)()) return *std::move(refused);
    launch_.nonce = value("oauth_nonce");
    launch_.fields = std::move(fields_);
    return std::move(launch_);
  }

 private:
  using Outcome = std::optional<Refusal>;

  std::string_view value(std::string_view name) const { return only_field(fields_, name); }

  Outcome form() {
    if (request_.method != "POST") return Refusal{"LTI-METHOD", "a launch is a POST"};
    for (const std::string_view name : {"oauth_consumer_key", "oauth_signature_method",
                                        "oauth_timestamp", "oauth_nonce", "oauth_signature"})
      if (value(name).empty())
        return Refusal{"LTI-FIELD", std::string(name) + " is missing, or there twice"};
    if (value("oauth_nonce").size() > kLongestNonce)
      return Refusal{"LTI-FIELD", "oauth_nonce is too long"};
    const std::string_view version = value("oauth_version");
    if (!version.empty() && version != "1.0")
      return Refusal{"LTI-VERSION", "oauth_version is " + cut(version)};
    return std::nullopt;
  }

  Outcome consumer() {
    const auto found = consumers_.find(value("oauth_consumer_key"));
    if (found == consumers_.end())
      return Refusal{"LTI-KEY", "no consumer " + cut(value("oauth_consumer_key"))};
    launch_.consumer = found->first;
    launch_.settings = &found->second;
    return std::nullopt;
  }

  Outcome signature() {
    const std::string_view name = value("oauth_signature_method");
    const auto method = method_of(name, *launch_.settings);
    if (!method) return Refusal{"LTI-METHOD", "oauth_signature_method is " + cut(name)};
    if (signed_for(request_.origin, *method)) return std::nullopt;
    std::string detail = "consumer " + launch_.consumer + ", expected for " +
                         base_uri(request_.origin, request_.path);
    for (const std::string& origin : request_.other_origins)
      if (origin != request_.origin && signed_for(origin, *method))
        detail += "; the signature would match with " + base_uri(origin, request_.path) +
                  ": check public_url, and the address that the course launches";
    return Refusal{"LTI-SIG", std::move(detail)};
  }

  bool signed_for(const std::string& origin, Method method) const {
    const std::string text = base_string(request_.method, base_uri(origin, request_.path), fields_);
    return secrets::equal(sign(method, text, launch_.settings->secret.value),
                          value("oauth_signature"));
  }

  Outcome time() {
    const std::string_view text = value("oauth_timestamp");
    std::int64_t at = 0;
    const char* end = text.data() + text.size();
    const bool digits = text.find_first_not_of("0123456789") == std::string_view::npos;
    if (text.size() > kLongestTimestamp || !digits ||
        std::from_chars(text.data(), end, at).ptr != end)
      return Refusal{"LTI-TIME", "oauth_timestamp is no whole number of seconds"};
    const std::int64_t ours = to_micros(now_) / 1'000'000;
    if (std::abs(at - ours) > window_.count())
      return Refusal{"LTI-TIME", "the launch's clock is " + std::to_string(at - ours) +
                                     " s from ours; " + std::to_string(window_.count()) +
                                     " s are allowed"};
    launch_.signed_at = from_micros(at * 1'000'000);
    return std::nullopt;
  }

  Outcome message() {
    const std::string_view type = value("lti_message_type");
    if (type != "basic-lti-launch-request")
      return Refusal{"LTI-MESSAGE", "lti_message_type is " + cut(type)};
    const std::string_view version = value("lti_version");
    if (version != "LTI-1p0") return Refusal{"LTI-VERSION", "lti_version is " + cut(version)};
    if (value("resource_link_id").empty())
      return Refusal{"LTI-FIELD", "resource_link_id is missing"};
    return std::nullopt;
  }

  Outcome person() {
    const std::string_view id = value("user_id");
    if (id.empty()) return Refusal{"LTI-USER", "user_id is missing, or there twice"};
    if (id.size() > kLongestUserId || !printable(id))
      return Refusal{"LTI-USER", "user_id is too long, or no printable text"};
    launch_.user_id = id;
    return std::nullopt;
  }

  const Incoming& request_;
  const config::LtiConsumers& consumers_;
  const Instant now_;
  const seconds window_;
  text::Form fields_;
  Launch launch_;
};

}  // namespace

std::string_view only_field(const text::Form& fields, std::string_view name) noexcept {
  const std::string* found = nullptr;
  for (const auto& [key, value] : fields) {
    if (key != name) continue;
    if (found != nullptr && *found != value) return {};
    found = &value;
  }
  return found == nullptr ? std::string_view() : std::string_view(*found);
}

std::variant<Launch, Refusal> verify(const Incoming& request,
                                     const config::LtiConsumers& consumers,
                                     Instant now,
                                     seconds window) {
  return Check(request, consumers, now, window).run();
}

}  // namespace passerelle::auth::lti11
