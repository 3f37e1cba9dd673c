#include "auth/lti13/tool_keys.hpp"

#include "auth/json.hpp"
#include "auth/jwk.hpp"
#include "base/log.hpp"

namespace passerelle::auth::lti13 {
namespace {

using Json = nlohmann::json;

constexpr const char* kOwner = "lti13";  // one set, however many authenticators there are
constexpr const char* kName = "tool-keys";
constexpr std::string_view kPurpose = "lti13-tool-keys";
constexpr std::size_t kMostBytes = 256U << 10U;
constexpr std::chrono::hours kReplaced{24 * 90};
constexpr std::chrono::hours kOverlap{24};

}  // namespace

Result<std::vector<ToolKeys::Kept>> ToolKeys::read(const std::string& sealed) const {
  const auto raw = jwt::decode_base64url(sealed);
  auto plain = around_.sealer.open(raw.value_or(""), kPurpose);
  if (!plain) return std::move(plain).error().within("the keys of LTI 1.3");
  const auto list = parse_json(*plain, kMostBytes);
  if (!list || !list->is_array()) return Error(Errc::invalid, "the keys of LTI 1.3 are damaged");
  std::vector<Kept> keys;
  for (const Json& one : *list) {
    Kept kept;
    kept.pem = text_member(one, "pem");
    auto key = jwt::read_private_key(kept.pem);
    if (!key) return std::move(key).error().within("the keys of LTI 1.3");
    kept.key = std::move(*key);
    kept.key.id = text_member(one, "kid");
    kept.made = from_micros(one.value("made", std::int64_t{0}));
    keys.push_back(std::move(kept));
  }
  return keys;
}

std::string ToolKeys::seal(const std::vector<Kept>& keys) const {
  Json list = Json::array();
  for (const Kept& kept : keys)
    list.push_back({{"pem", kept.pem}, {"kid", kept.key.id}, {"made", to_micros(kept.made)}});
  return secrets::to_base64url(around_.sealer.seal(list.dump(), kPurpose));
}

Task<Result<ToolKeys::Kept>> ToolKeys::make() {
  std::function<Result<std::string>()> work = [] { return jwt::make_rsa_key(); };
  auto pem = co_await around_.workers.run(std::move(work));
  if (!pem) co_return std::move(pem).error();
  auto key = jwt::read_private_key(*pem);
  if (!key) co_return std::move(key).error();
  Kept kept;
  kept.pem = std::move(*pem);
  kept.key = std::move(*key);
  kept.key.id = secrets::random_hex(8);
  kept.made = around_.clock.now();
  co_return kept;
}

Task<Result<void>> ToolKeys::refresh() {
  const Instant now = around_.clock.now();
  if (keys_.empty()) {
    auto stored = co_await around_.kept->find(kOwner, kName);
    if (!stored && stored.error().code() != Errc::not_found) co_return std::move(stored).error();
    if (!stored) {
      auto first = co_await make();
      if (!first) co_return std::move(first).error();
      std::vector<Kept> one;
      one.push_back(std::move(*first));
      std::string sealed = seal(one);
      stored = co_await around_.kept->put_first(kOwner, kName, std::move(sealed));
      if (!stored) co_return std::move(stored).error();
    }
    auto keys = read(*stored);
    if (!keys) co_return std::move(keys).error();
    keys_ = std::move(*keys);
  }
  if (keys_.empty()) co_return Error(Errc::invalid, "the keys of LTI 1.3 are damaged");
  const auto age = now - keys_.back().made;
  const bool stale = keys_.size() > 1 && age > 2 * kOverlap;
  if (age <= kReplaced && !stale) co_return Result<void>();
  std::vector<Kept> keys = keys_;
  if (stale) keys.erase(keys.begin(), keys.end() - 1);
  if (age > kReplaced) {
    auto next = co_await make();
    if (!next) co_return std::move(next).error();
    keys.push_back(std::move(*next));
    log::info("lti", "a new key of ours will sign from tomorrow", {{"kid", keys.back().key.id}});
  }
  std::string sealed = seal(keys);
  auto put = co_await around_.kept->put(kOwner, kName, std::move(sealed));
  if (!put) co_return put;
  keys_ = std::move(keys);
  co_return Result<void>();
}

Task<Result<jwt::Key>> ToolKeys::signing() {
  auto fresh = co_await refresh();
  if (!fresh) co_return std::move(fresh).error();
  const bool new_one_waits = keys_.size() > 1 && around_.clock.now() - keys_.back().made < kOverlap;
  co_return new_one_waits ? keys_[keys_.size() - 2].key : keys_.back().key;
}

Task<Result<std::string>> ToolKeys::published() {
  auto fresh = co_await refresh();
  if (!fresh) co_return std::move(fresh).error();
  Json set = {{"keys", Json::array()}};
  for (const Kept& kept : keys_) {
    auto jwk = jwt::public_jwk(kept.key);
    if (!jwk) co_return std::move(jwk).error();
    set["keys"].push_back(std::move(*jwk));
  }
  co_return set.dump();
}

}  // namespace passerelle::auth::lti13
