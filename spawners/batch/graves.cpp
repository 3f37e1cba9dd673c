// What nobody wants any more: a job to delete, a folder to remove. Each is a file of ours until it
// is done, so that a gateway that ends before leaves nothing behind but work for the next one.
#include <filesystem>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/files.hpp"
#include "base/log.hpp"
#include "spawners/batch/cluster.hpp"
#include "spawners/batch/submit/order.hpp"

namespace passerelle::spawners::batch {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kAskAgain{10};  ///< What shows no effect is repeated after that long
constexpr seconds kGhosts{600};   ///< A job that may still appear is waited for that long
constexpr int kMostCleanings = 6;
constexpr int kMostDiggers = 2;  ///< Of four hands: those who stop never keep those who start

}  // namespace

/// Empty: a name that somebody else gave, and that may not become a file's.
std::string Cluster::file_of(const Grave& grave) const {
  return submit::is_launch(grave.launch) ? graves_directory_ + "/" + grave.launch : std::string();
}

void Cluster::bury(std::string name, std::string id, std::string user, std::string launch) {
  Grave grave;
  grave.name = std::move(name);
  grave.id = std::move(id);
  grave.user = std::move(user);
  grave.launch = std::move(launch);
  const std::string file = file_of(grave);
  const json about = {{"name", grave.name}, {"id", grave.id}, {"user", grave.user}};
  if (!file.empty())
    if (auto kept = files::write_durable(file, about.dump(), 0600); !kept)
      log::warn("batch", "what is to be removed is not written down",
                {{"launch", grave.launch}, {"why", kept.error().message()}});
  bury(std::move(grave));
}

void Cluster::bury(Grave grave) {
  for (const GravePtr& one : graves_)
    if (one->name == grave.name && !one->closed) return;
  grave.watch = watch(grave.name, grave.id, grave.user);
  grave.since = steady_clock::now();
  graves_.push_back(std::make_shared<Grave>(std::move(grave)));
}

void Cluster::recall() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(graves_directory_, error)) {
    Grave grave;
    grave.launch = entry.path().filename().string();
    const auto content = files::read(entry.path().string());
    const json about = content ? json::parse(*content, nullptr, false) : json();
    if (!about.is_object() || !submit::is_launch(grave.launch)) continue;
    try {
      grave.name = about.at("name").get<std::string>();
      grave.id = about.at("id").get<std::string>();
      grave.user = about.at("user").get<std::string>();
    } catch (const json::exception&) {
      continue;
    }
    bury(std::move(grave));
  }
}

bool Cluster::is_over(const Grave& grave) {
  const bool ghost = grave.id.empty() && steady_clock::now() - grave.since < kGhosts;
  return grave.watch->ended || (grave.watch->gone && !ghost);
}

void Cluster::tend_graves() {
  std::erase_if(graves_, [](const GravePtr& one) { return one->closed; });
  while (digging_ < kMostDiggers && next_grave()) {
    ++digging_;
    auto self = shared_from_this();
    asio::co_spawn(
        pause_.get_executor(), [self]() -> Task<void> { return self->dig(); }, asio::detached);
  }
}

/// One that something can be done for now.
Cluster::GravePtr Cluster::next_grave() {
  for (const GravePtr& one : graves_) {
    if (one->busy || one->closed) continue;
    if (one->asked && steady_clock::now() - *one->asked < kAskAgain && !is_over(*one)) continue;
    if (one->cleanings > 0 && steady_clock::now() - *one->asked < kAskAgain) continue;
    if (one->id.empty()) one->id = one->watch->id;
    if (is_over(*one) || (!one->id.empty() && !silent_since_)) return one;
    one->watch->gone = false;  // a ghost may appear yet
  }
  return nullptr;
}

Task<void> Cluster::dig() {
  const auto self = shared_from_this();
  for (GravePtr grave = next_grave(); grave; grave = next_grave()) {
    grave->busy = true;
    co_await tend(grave);
    grave->busy = false;
  }
  --digging_;
}

Task<void> Cluster::tend(GravePtr grave) {
  const bool over = is_over(*grave);
  grave->asked = steady_clock::now();
  json order = {{"verb", "delete"}, {"job", grave->id}};
  if (over) order = {{"verb", "clean"}, {"launch", grave->launch}};
  auto done = co_await act(std::move(order), grave->user);
  grave->asked = steady_clock::now();
  if (!done)
    log::warn("batch",
              over ? "a job's folder cannot be removed yet" : "a job cannot be deleted yet",
              {{"job", grave->id}, {"launch", grave->launch}, {"why", done.error().message()}});
  if (!over) co_return;
  const bool refused = !done && done.error().code() != Errc::timeout &&
                       done.error().code() != Errc::unavailable &&
                       done.error().code() != Errc::exhausted;
  if (!done && !refused && ++grave->cleanings < kMostCleanings) co_return;
  grave->closed = true;
  std::error_code ignored;
  if (const std::string file = file_of(*grave); !file.empty())
    std::filesystem::remove(file, ignored);
}

}  // namespace passerelle::spawners::batch
