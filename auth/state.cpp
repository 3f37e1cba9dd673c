#include "auth/state.hpp"

#include <nlohmann/json.hpp>

#include "base/log.hpp"

namespace passerelle::auth {
namespace {

constexpr std::string_view kHintPurpose = "sign-out-hint";

std::string purpose_of(std::string_view authenticator, std::string_view subject) {
  return "auth-state:" + std::string(authenticator) + '\0' + std::string(subject);
}

}  // namespace

std::string to_text(const AuthState& state) {
  using Json = nlohmann::json;
  // What a provider sends need not be UTF-8 everywhere: it is replaced rather than thrown at.
  return Json{{"attributes", state.attributes}, {"secret", state.secret}}.dump(
      -1, ' ', false, Json::error_handler_t::replace);
}

Result<AuthState> state_from_text(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return Error(Errc::invalid, "no auth state");
  try {
    AuthState state;
    state.attributes = json.at("attributes").get<decltype(state.attributes)>();
    state.secret = json.at("secret").get<std::string>();
    return state;
  } catch (const nlohmann::json::exception& thrown) {
    return Error(Errc::invalid, thrown.what());
  }
}

Task<Result<void>> States::put(std::string authenticator, std::string subject, AuthState state) {
  std::string sealed = sealer_.seal(to_text(state), purpose_of(authenticator, subject));
  auto done =
      co_await store_.put_state(std::move(authenticator), std::move(subject), std::move(sealed));
  co_return done;
}

Task<Result<std::optional<AuthState>>> States::find(std::string authenticator,
                                                    std::string subject) {
  const std::string purpose = purpose_of(authenticator, subject);
  auto sealed = co_await store_.state(authenticator, std::move(subject));
  if (!sealed && sealed.error().code() != Errc::not_found) co_return std::move(sealed).error();
  if (!sealed) co_return std::optional<AuthState>();
  auto plain = sealer_.open(*sealed, purpose);
  auto state = plain ? state_from_text(*plain) : Result<AuthState>(plain.error());
  if (state) co_return std::optional<AuthState>(std::move(*state));
  log::warn("auth", "what an authenticator kept of somebody cannot be opened: was a key removed?",
            {{"authenticator", authenticator}, {"error", state.error().message()}});
  co_return std::optional<AuthState>();
}

Task<Result<void>> States::erase(std::string authenticator, std::string subject) {
  auto done = co_await store_.erase_state(std::move(authenticator), std::move(subject));
  co_return done;
}

std::string States::seal_hint(std::string_view hint) const {
  return hint.empty() ? std::string() : sealer_.seal(hint, kHintPurpose);
}

std::string States::open_hint(std::string_view sealed) const {
  if (sealed.empty()) return {};
  auto hint = sealer_.open(sealed, kHintPurpose);
  return hint ? std::move(*hint) : std::string();
}

}  // namespace passerelle::auth
