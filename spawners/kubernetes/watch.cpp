#include "spawners/kubernetes/watch.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "base/secrets.hpp"
#include "base/text.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

constexpr std::size_t kLongestLine = 4U << 20U;
constexpr int kGone = 410;

std::string text_at(const Json& object, const char* part, const char* key) {
  const auto inner = object.find(part);
  if (inner == object.end() || !inner->is_object()) return {};
  const auto value = inner->find(key);
  return value != inner->end() && value->is_string() ? value->get<std::string>() : std::string();
}

/// Not all gateways and watches at the same moment.
std::chrono::milliseconds with_jitter(std::chrono::milliseconds time) {
  const auto byte = static_cast<unsigned char>(secrets::random_bytes(1)[0]);
  return time + time * byte / 512;
}

}  // namespace

Watch::Watch(Api& api, std::string path, std::string selector, Listener& listener)
    : api_(api), path_(std::move(path)), selector_(std::move(selector)), listener_(listener) {}

std::string Watch::address(const std::string& more) const {
  std::string made = path_ + "?" + more;
  if (!selector_.empty()) made += "&labelSelector=" + text::percent_encode(selector_);
  return made;
}

Task<void> Watch::run() {
  constexpr auto kShortest = std::chrono::milliseconds(100);
  constexpr auto kLongest = std::chrono::milliseconds(5'000);
  auto pause = kShortest;
  for (;;) {
    Result<void> done;
    if (version_.empty())
      done = co_await list();
    else
      done = co_await follow();
    if (done) {
      pause = kShortest;
      continue;
    }
    if (done.error().code() == Errc::cancelled) co_return;
    ++figures_.errors;
    if (pause == kShortest)
      log::warn("kubernetes", "the watch is broken; it goes on where it was",
                {{"path", path_}, {"why", done.error().message()}});
    co_await sleep_for(with_jitter(pause));
    pause = std::min(pause * 2, kLongest);
  }
}

Task<Result<void>> Watch::list() {
  ++figures_.lists;
  std::map<std::string, std::string> found;
  std::string version;
  std::string further;
  do {
    std::string question = "limit=500";
    if (!further.empty())
      question += "&continue=" + text::percent_encode(further);
    else if (!listed_)
      question += "&resourceVersion=0";  // out of the server's cache
    auto page = co_await api_.get(address(question));
    if (!page) co_return std::move(page.error());
    const auto items = page->find("items");
    if (items == page->end() || !items->is_array())
      co_return Error(Errc::unavailable, "Kubernetes: a list without items");
    for (const Json& item : *items) take(item, found);
    version = text_at(*page, "metadata", "resourceVersion");
    further = text_at(*page, "metadata", "continue");
  } while (!further.empty());
  for (const auto& [uid, old] : std::exchange(known_, std::move(found)))
    if (!known_.contains(uid)) listener_.gone(uid);
  version_ = std::move(version);
  listed_ = true;
  listener_.synced();
  co_return Result<void>();
}

void Watch::take(const Json& object, std::map<std::string, std::string>& known) {
  const std::string uid = text_at(object, "metadata", "uid");
  const std::string version = text_at(object, "metadata", "resourceVersion");
  if (uid.empty()) return;
  const auto before = known_.find(uid);
  const bool same = before != known_.end() && before->second == version;
  known[uid] = version;
  if (!same) listener_.seen(uid, object);
}

Task<Result<void>> Watch::follow() {
  ++figures_.watches;
  const auto minutes = 300 + static_cast<unsigned char>(secrets::random_bytes(1)[0]);
  auto opened = co_await api_.watch(
      address("watch=1&allowWatchBookmarks=true&timeoutSeconds=" + std::to_string(minutes) +
              "&resourceVersion=" + version_));
  if (!opened) {
    if (opened.error().code() == Errc::conflict) version_.clear();
    co_return std::move(opened.error());
  }
  const std::unique_ptr<HttpStream> stream = std::move(*opened);
  std::string rest;
  for (;;) {
    auto piece = co_await stream->next();
    if (!piece) co_return std::move(piece.error());
    if (piece->empty()) co_return Result<void>();
    rest += *piece;
    std::size_t begin = 0;
    for (std::size_t end = rest.find('\n'); end != std::string::npos;
         end = rest.find('\n', begin)) {
      auto taken = take_line(std::string_view(rest).substr(begin, end - begin));
      if (!taken) co_return taken;
      begin = end + 1;
    }
    rest.erase(0, begin);
    if (rest.size() > kLongestLine) co_return Error(Errc::exhausted, "an event without an end");
  }
}

Result<void> Watch::take_line(std::string_view line) {
  const Json event = Json::parse(line, nullptr, false);
  if (!event.is_object() || !event.contains("type") || !event.contains("object"))
    return Error(Errc::unavailable, "Kubernetes: a watch that sends no events");
  const Json& object = event["object"];
  if (event["type"] == "ERROR") {
    // 410 Expired; and "too large resource version" after the server lost some of its past.
    version_.clear();
    const auto code = object.find("code");
    const bool number = code != object.end() && code->is_number_integer();
    const Error why = refusal(number ? code->get<int>() : kGone, object.dump());
    return Error(Errc::unavailable, why.message());
  }
  ++figures_.events;
  if (const std::string version = text_at(object, "metadata", "resourceVersion"); !version.empty())
    version_ = version;
  if (event["type"] == "BOOKMARK") return {};
  if (event["type"] != "DELETED") {
    take(object, known_);
    return {};
  }
  const std::string uid = text_at(object, "metadata", "uid");
  if (known_.erase(uid) != 0) listener_.gone(uid);
  return {};
}

}  // namespace passerelle::spawners::kubernetes
