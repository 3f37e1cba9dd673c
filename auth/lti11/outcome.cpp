#include "auth/lti11/outcome.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <openssl/evp.h>

#include "auth/lti11/oauth.hpp"
#include "auth/lti_services.hpp"
#include "auth/name.hpp"
#include "base/xml.hpp"
#include "config/values.hpp"

namespace passerelle::auth::lti11 {
namespace {

using Kind = Delivered::Kind;

constexpr std::size_t kMostAnswer = 64U << 10U;

std::string base64(std::string_view raw) {
  std::string out(4 * ((raw.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(raw.data()),
                                     static_cast<int>(raw.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

std::string body_hash(Method method, std::string_view body) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  EVP_Digest(body.data(), body.size(), digest.data(), &length,
             method == Method::hmac_sha256 ? EVP_sha256() : EVP_sha1(), nullptr);
  return base64({reinterpret_cast<const char*>(digest.data()), length});
}

// The older one unless the operators ruled it out: every platform knows it.
Method method_for(const config::LtiConsumer& settings) {
  const auto& allowed = settings.signature_methods;
  const bool older =
      allowed.empty() || std::find(allowed.begin(), allowed.end(), "HMAC-SHA1") != allowed.end();
  return older ? Method::hmac_sha1 : Method::hmac_sha256;
}

std::string decimal(double value) {
  std::array<char, 32> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(),
                                     std::clamp(value, 0.0, 1.0), std::chars_format::fixed, 6);
  return {text.data(), written.ptr};
}

// Whatever namespace the platform puts its answer in.
const XmlElement* below(const XmlElement* element, std::string_view name) {
  if (element == nullptr) return nullptr;
  for (const XmlElement& child : element->children)
    if (child.name == name) return &child;
  return nullptr;
}

}  // namespace

std::string replace_result(std::string_view message_id,
                           std::string_view sourced_id,
                           double result) {
  std::string xml = R"(<?xml version="1.0" encoding="UTF-8"?>)";
  xml +=
      R"(<imsx_POXEnvelopeRequest xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0">)";
  xml += "<imsx_POXHeader><imsx_POXRequestHeaderInfo><imsx_version>V1.0</imsx_version>";
  xml += "<imsx_messageIdentifier>" + text::html_escape(message_id) + "</imsx_messageIdentifier>";
  xml += "</imsx_POXRequestHeaderInfo></imsx_POXHeader>";
  xml += "<imsx_POXBody><replaceResultRequest><resultRecord><sourcedGUID><sourcedId>";
  xml += text::html_escape(sourced_id);
  xml += "</sourcedId></sourcedGUID><result><resultScore><language>en</language><textString>";
  xml += decimal(result);
  xml +=
      "</textString></resultScore></result></resultRecord></replaceResultRequest></imsx_POXBody>";
  xml += "</imsx_POXEnvelopeRequest>";
  return xml;
}

std::string authorization(std::string_view url,
                          std::string_view body,
                          std::string_view consumer,
                          const config::LtiConsumer& settings,
                          const Stamp& stamp) {
  const Method method = method_for(settings);
  const text::Form oauth = {
      {"oauth_body_hash", body_hash(method, body)},
      {"oauth_consumer_key", std::string(consumer)},
      {"oauth_nonce", stamp.nonce},
      {"oauth_signature_method", method == Method::hmac_sha1 ? "HMAC-SHA1" : "HMAC-SHA256"},
      {"oauth_timestamp", stamp.timestamp},
      {"oauth_version", "1.0"}};
  const std::string origin = config::origin_of(url);
  const std::string_view whole = url.substr(0, url.find('#'));
  const std::size_t mark = std::min(whole.find('?'), whole.size());
  const std::size_t path = std::min(whole.find('/', whole.find("://") + 3), mark);
  text::Form parameters = oauth;
  if (mark < whole.size())
    if (const auto query = text::parse_form(whole.substr(mark + 1)))
      parameters.insert(parameters.end(), query->begin(), query->end());
  const std::string text =
      base_string("POST", base_uri(origin, whole.substr(path, mark - path)), parameters);
  std::string header = "OAuth realm=\"\"";
  for (const auto& [name, value] : oauth)
    header.append(", ").append(name).append("=\"").append(text::percent_encode(value)).append("\"");
  header.append(", oauth_signature=\"")
      .append(text::percent_encode(sign(method, text, settings.secret.value)))
      .append("\"");
  return header;
}

HttpRequest outcome_request(const store::ActivityRow& row,
                            const config::LtiConsumer& settings,
                            const Stamp& stamp) {
  const double result = row.score.maximum > 0 ? static_cast<double>(row.score.score) /
                                                    static_cast<double>(row.score.maximum)
                                              : 0.0;
  HttpRequest request;
  request.method = "POST";
  request.url = row.activity.grade_url;
  request.body = replace_result(stamp.nonce, row.activity.grade_reference, result);
  request.headers = {{"Content-Type", "application/xml"},
                     {"Authorization", authorization(request.url, request.body,
                                                     row.activity.platform, settings, stamp)}};
  request.most_body = kMostAnswer;
  return request;
}

Delivered read_outcome(int status, std::string_view body) {
  if (status != 200) {
    Delivered outcome = lti::delivered(status, "outcome");
    if (outcome.kind != Kind::taken) return outcome;
  }
  const auto root = read_xml(body);
  if (!root) return {Kind::refused, "outcome: the answer is no envelope"};
  const XmlElement* info = below(
      below(below(&*root, "imsx_POXHeader"), "imsx_POXResponseHeaderInfo"), "imsx_statusInfo");
  const XmlElement* code = below(info, "imsx_codeMajor");
  if (code == nullptr) return {Kind::refused, "outcome: the answer is no envelope"};
  const std::string major = text::ascii_lower(text::trim(code->text));
  if (major == "success") return {Kind::taken, ""};
  if (major == "processing") return {Kind::later, "outcome: the platform is still at it"};
  const XmlElement* words = below(info, "imsx_description");
  return {Kind::refused,
          "outcome: " + cut_name(major) +
              (words == nullptr ? std::string() : ": " + cut_name(text::trim(words->text)))};
}

}  // namespace passerelle::auth::lti11
