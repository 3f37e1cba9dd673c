#include "auth/shares.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "base/secrets.hpp"

namespace passerelle::auth {
namespace {

using Json = nlohmann::json;

constexpr const char* kShares = "shares";
constexpr const char* kCodes = "share-codes";
constexpr std::size_t kMostOfServer = 1000;
constexpr std::size_t kMost = 20'000;
constexpr std::size_t kMostCodes = 100;

std::string row_name(const SharedServer& of, const Grantee& to) {
  return of.key() + (to.group ? "\ngroup:" : "\nuser:") + to.name;
}

Json to_json(const Share& share) {
  return {{"owner", share.of.owner}, {"server", share.of.server},
          {"group", share.to.group}, {"name", share.to.name},
          {"scopes", share.scopes},  {"created", to_micros(share.created)}};
}

Json to_json(const ShareCode& code) {
  Json row = {{"hash", code.hash},
              {"owner", code.of.owner},
              {"server", code.of.server},
              {"scopes", code.scopes},
              {"created", to_micros(code.created)},
              {"expires", to_micros(code.expires)},
              {"exchanges", code.exchanges}};
  if (code.last_exchange) row["last_exchange"] = to_micros(*code.last_exchange);
  return row;
}

Share share_from(const Json& row) {
  Share share;
  share.of = {row.at("owner").get<std::string>(), row.at("server").get<std::string>()};
  share.to = {row.at("group").get<bool>(), row.at("name").get<std::string>()};
  share.scopes = row.at("scopes").get<std::vector<std::string>>();
  share.created = from_micros(row.at("created").get<std::int64_t>());
  return share;
}

ShareCode code_from(const Json& row, const std::string& number) {
  ShareCode code;
  code.number = std::stoll(number);
  code.hash = row.at("hash").get<std::string>();
  code.of = {row.at("owner").get<std::string>(), row.at("server").get<std::string>()};
  code.scopes = row.at("scopes").get<std::vector<std::string>>();
  code.created = from_micros(row.at("created").get<std::int64_t>());
  code.expires = from_micros(row.at("expires").get<std::int64_t>());
  code.exchanges = row.at("exchanges").get<std::int64_t>();
  if (row.contains("last_exchange"))
    code.last_exchange = from_micros(row.at("last_exchange").get<std::int64_t>());
  return code;
}

void forget(auto& shares, auto& given, const std::pair<SharedServer, Grantee>& key) {
  shares.erase(key);
  const auto at = given.find(key.second);
  if (at == given.end()) return;
  at->second.erase(key.first);
  if (at->second.empty()) given.erase(at);
}

void add_all(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
  std::sort(to.begin(), to.end());
  to.erase(std::unique(to.begin(), to.end()), to.end());
}

}  // namespace

Task<Result<void>> Shares::load() {
  auto shares = co_await store_.all(kShares);
  if (!shares) co_return std::move(shares).error();
  auto codes = co_await store_.all(kCodes);
  if (!codes) co_return std::move(codes).error();
  try {
    for (const auto& [name, text] : *shares) {
      Share share = share_from(Json::parse(text));
      given_[share.to].insert(share.of);
      const Key key(share.of, share.to);
      shares_.emplace(key, std::move(share));
    }
    for (const auto& [name, text] : *codes) {
      ShareCode code = code_from(Json::parse(text), name);
      last_number_ = std::max(last_number_, code.number);
      codes_.emplace(code.number, std::move(code));
    }
  } catch (const std::exception& thrown) {
    co_return Error(Errc::invalid,
                    std::string("the stored shares cannot be read: ") + thrown.what());
  }
  co_return Result<void>();
}

void Shares::give(std::string_view username,
                  const std::vector<std::string>& groups,
                  std::vector<std::string>& scopes) const {
  if (given_.empty()) return;
  const auto add = [&](const Grantee& to) {
    const auto found = given_.find(to);
    if (found == given_.end()) return;
    for (const SharedServer& of : found->second) {
      const auto& more = shares_.at(Key(of, to)).scopes;
      scopes.insert(scopes.end(), more.begin(), more.end());
    }
  };
  add({false, std::string(username)});
  for (const std::string& group : groups) add({true, group});
}

// In memory first: what is taken back while the disk is asked stays taken back.
Task<Result<void>> Shares::write(Share share) {
  std::string name = row_name(share.of, share.to);
  std::string text = to_json(share).dump();
  given_[share.to].insert(share.of);
  const Key key(share.of, share.to);
  shares_[key] = std::move(share);
  auto written = co_await store_.put(kShares, std::move(name), std::move(text));
  co_return written;
}

// It ends in memory whatever the disk says; the error tells that a restart would bring it back.
Task<Result<void>> Shares::erase(Key key) {
  forget(shares_, given_, key);
  std::string name = row_name(key.first, key.second);
  auto erased = co_await store_.erase(kShares, std::move(name));
  co_return erased;
}

Task<Result<Share>> Shares::grant(SharedServer of, Grantee to, std::vector<std::string> scopes) {
  Share share{of, to, {}, clock_.now()};
  const auto known = shares_.find(Key(of, to));
  if (known != shares_.end()) share = known->second;
  if (known == shares_.end() && (shares_.size() >= kMost || of_server(of).size() >= kMostOfServer))
    co_return Error(Errc::exhausted, "this server is shared too often");
  add_all(share.scopes, scopes);
  Share written = share;
  auto done = co_await write(std::move(written));
  if (!done) {  // nobody has what is kept nowhere; a restart finds what was there before
    forget(shares_, given_, Key(of, to));
    co_return std::move(done).error();
  }
  co_return share;
}

Task<Result<std::optional<Share>>> Shares::revoke(SharedServer of,
                                                  Grantee to,
                                                  std::vector<std::string> scopes) {
  const auto known = shares_.find(Key(of, to));
  if (known == shares_.end()) co_return std::optional<Share>();
  Share left = known->second;
  std::erase_if(left.scopes, [&](const std::string& scope) {
    return scopes.empty() || std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
  });
  if (left.scopes.empty()) {
    auto erased = co_await erase(Key(of, to));
    if (!erased) co_return std::move(erased).error();
    co_return std::optional<Share>();
  }
  Share written = left;
  auto done = co_await write(std::move(written));
  if (!done) co_return std::move(done).error();
  co_return std::optional<Share>(std::move(left));
}

Task<Result<std::vector<Grantee>>> Shares::revoke_all(SharedServer of) {
  std::vector<Grantee> had;
  for (const Share& share : of_server(of)) had.push_back(share.to);
  std::vector<std::int64_t> over;
  for (const auto& [number, code] : codes_)
    if (code.of == of) over.push_back(number);
  Result<void> outcome;
  for (const Grantee& to : had) {
    auto erased = co_await erase(Key(of, to));
    if (!erased) outcome = std::move(erased);
  }
  for (const std::int64_t number : over) {
    auto erased = co_await erase_code(number);
    if (!erased) outcome = std::move(erased);
  }
  if (!outcome) co_return std::move(outcome).error();
  co_return had;
}

Task<Result<std::vector<Grantee>>> Shares::forget_user(std::string username) {
  std::vector<Grantee> had;
  std::set<SharedServer> servers;
  for (const Share& share : of_owner(username)) servers.insert(share.of);
  for (const ShareCode& code : codes_of_owner(username)) servers.insert(code.of);
  for (const SharedServer& of : servers) {
    auto ended = co_await revoke_all(of);
    if (!ended) co_return ended;
    had.insert(had.end(), ended->begin(), ended->end());
  }
  const Grantee gone{false, std::move(username)};
  for (const Share& share : with(gone)) {
    auto erased = co_await erase(Key(share.of, gone));
    if (!erased) co_return std::move(erased).error();
  }
  co_return had;
}

std::vector<Share> Shares::of_owner(std::string_view owner) const {
  std::vector<Share> list;
  const Key first{SharedServer{std::string(owner), ""}, Grantee{}};
  for (auto at = shares_.lower_bound(first); at != shares_.end() && at->second.of.owner == owner;
       ++at)
    list.push_back(at->second);
  return list;
}

std::vector<Share> Shares::of_server(const SharedServer& of) const {
  std::vector<Share> list;
  for (auto at = shares_.lower_bound(Key(of, Grantee{}));
       at != shares_.end() && at->second.of == of; ++at)
    list.push_back(at->second);
  return list;
}

std::vector<Share> Shares::with(const Grantee& to) const {
  std::vector<Share> list;
  const auto found = given_.find(to);
  if (found == given_.end()) return list;
  for (const SharedServer& of : found->second) list.push_back(shares_.at(Key(of, to)));
  return list;
}

std::optional<Share> Shares::find(const SharedServer& of, const Grantee& to) const {
  const auto found = shares_.find(Key(of, to));
  return found == shares_.end() ? std::nullopt : std::optional<Share>(found->second);
}

Task<Result<void>> Shares::write_code(ShareCode code) {
  std::string name = std::to_string(code.number);
  std::string text = to_json(code).dump();
  const std::int64_t number = code.number;
  codes_[number] = std::move(code);
  auto written = co_await store_.put(kCodes, std::move(name), std::move(text));
  if (!written) codes_.erase(number);
  co_return written;
}

Task<Result<Shares::Made>> Shares::make_code(SharedServer of,
                                             std::vector<std::string> scopes,
                                             seconds lasts) {
  const Instant now = clock_.now();
  std::vector<std::int64_t> over;
  std::size_t open = 0;
  for (const auto& [number, code] : codes_) {
    if (code.expires <= now) over.push_back(number);
    if (code.expires > now && code.of == of) ++open;
  }
  for (const std::int64_t number : over) {
    auto erased = co_await erase_code(number);
    if (!erased) co_return std::move(erased).error();
  }
  if (open >= kMostCodes) co_return Error(Errc::exhausted, "this server has too many codes");
  Made made;
  made.code = secrets::random_token();
  made.kept.number = ++last_number_;
  made.kept.hash = secrets::sha256_hex(made.code);
  made.kept.of = std::move(of);
  add_all(made.kept.scopes, scopes);
  made.kept.created = now;
  made.kept.expires = now + lasts;
  ShareCode written = made.kept;
  auto done = co_await write_code(std::move(written));
  if (!done) co_return std::move(done).error();
  co_return made;
}

std::optional<ShareCode> Shares::find_code(std::string_view code) const {
  const std::string hash = secrets::sha256_hex(code);
  for (const auto& [number, kept] : codes_)
    if (kept.hash == hash && kept.expires > clock_.now()) return kept;
  return std::nullopt;
}

std::vector<ShareCode> Shares::codes_of_owner(std::string_view owner) const {
  std::vector<ShareCode> list;
  for (const auto& [number, code] : codes_)
    if (code.of.owner == owner && code.expires > clock_.now()) list.push_back(code);
  return list;
}

Task<Result<void>> Shares::count_exchange(std::int64_t number) {
  const auto found = codes_.find(number);
  if (found == codes_.end()) co_return Error(Errc::not_found, "no such code");
  ShareCode code = found->second;
  ++code.exchanges;
  code.last_exchange = clock_.now();
  auto written = co_await write_code(std::move(code));
  co_return written;
}

Task<Result<void>> Shares::erase_code(std::int64_t number) {
  codes_.erase(number);
  std::string name = std::to_string(number);
  auto erased = co_await store_.erase(kCodes, std::move(name));
  co_return erased;
}

}  // namespace passerelle::auth
