#include "auth/oidc/kept.hpp"

#include "auth/json.hpp"

namespace passerelle::auth::oidc {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostClaims = 16U << 10U;  // kept for everybody who ever signed in

}  // namespace

std::string to_text(const Kept& kept) {
  Json json = {{"access", kept.tokens.access},
               {"refresh", kept.tokens.refresh},
               {"nonce", kept.nonce},
               {"subject", kept.subject}};
  if (kept.tokens.expires) json["expires"] = to_micros(*kept.tokens.expires);
  if (kept.id_token.is_object() && kept.id_token.dump().size() <= kMostClaims)
    json["id_token"] = kept.id_token;
  return json.dump();
}

std::optional<Kept> kept_from_text(std::string_view text) {
  const auto json = parse_json(text, 4 * jwt::kLongest);
  if (!json || !json->is_object()) return std::nullopt;
  Kept kept;
  kept.tokens.access = text_member(*json, "access");
  kept.tokens.refresh = text_member(*json, "refresh");
  kept.nonce = text_member(*json, "nonce");
  kept.subject = text_member(*json, "subject");
  if (json->contains("expires") && (*json)["expires"].is_number_integer())
    kept.tokens.expires = from_micros((*json)["expires"].get<std::int64_t>());
  if (json->contains("id_token")) kept.id_token = (*json)["id_token"];
  return kept;
}

}  // namespace passerelle::auth::oidc
