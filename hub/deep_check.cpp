#include "hub/deep_check.hpp"

#include <filesystem>
#include <ostream>

#include <boost/asio/co_spawn.hpp>

#include "auth/authenticator.hpp"
#include "config/values.hpp"
#include "spawners/spawner.hpp"

namespace passerelle::hub {
namespace {

using auth::Finding;

constexpr auto kPatience = std::chrono::seconds(30);
constexpr std::size_t kWorkers = 2;

/// A database that is gone afterwards: the real one may belong to a gateway that runs.
class PassingStore {
 public:
  PassingStore() {
    std::string path =
        (std::filesystem::temp_directory_path() / "passerelle-check.XXXXXX").string();
    if (mkdtemp(path.data()) != nullptr) folder_ = path;
  }
  ~PassingStore() {
    store_.reset();
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  PassingStore(const PassingStore&) = delete;
  PassingStore& operator=(const PassingStore&) = delete;
  Result<store::Store*> open() {
    if (folder_.empty()) return Error(Errc::unavailable, "no temporary folder can be made");
    auto opened = store::open_sqlite(folder_ + "/check.sqlite");
    if (!opened) return std::move(opened).error();
    store_ = std::move(*opened);
    return store_.get();
  }
  const std::string& folder() const noexcept { return folder_; }

 private:
  std::string folder_;
  std::unique_ptr<store::Store> store_;
};

Task<Result<std::vector<Finding>>> all_findings(auth::Authenticator& method) {
  auto found = co_await method.check();
  co_return found;
}

std::vector<Finding> findings_of(auth::Authenticator& method, asio::io_context& loop) {
  std::vector<Finding> found;
  asio::co_spawn(loop, with_timeout(all_findings(method), kPatience, "the whole check"),
                 [&](const std::exception_ptr& thrown, Result<std::vector<Finding>> outcome) {
                   if (!thrown && outcome)
                     found = std::move(*outcome);
                   else
                     found = {{Finding::Level::wrong,
                               thrown ? "the check broke off" : outcome.error().message(),
                               "look whether the provider answers from this machine at all"}};
                 });
  loop.restart();
  loop.run();
  return found;
}

void print(const Finding& finding, std::ostream& out) {
  const char* const mark = finding.level == Finding::Level::good      ? "  good     "
                           : finding.level == Finding::Level::warning ? "  warning  "
                                                                      : "  WRONG    ";
  out << mark << finding.what << "\n";
  if (!finding.advice.empty()) out << "           " << finding.advice << "\n";
}

bool any_wrong(const std::vector<Finding>& found) {
  return std::any_of(found.begin(), found.end(),
                     [](const Finding& one) { return one.level == Finding::Level::wrong; });
}

}  // namespace

namespace {

/// Whether what runs servers elsewhere answers at all. Local ones need nobody.
Finding ask_spawner(const config::Spawner& entry, spawners::Surroundings around) {
  asio::io_context& loop = around.loop;
  auto made = spawners::make_spawner(entry, std::move(around));
  if (!made) return {Finding::Level::wrong, made.error().message(), ""};
  Finding said{Finding::Level::wrong, "the check broke off", ""};
  auto asking = with_timeout((*made)->found(), kPatience, "the answer");
  asio::co_spawn(loop, std::move(asking), [&](const std::exception_ptr& thrown, auto outcome) {
    if (!thrown && outcome) said = {Finding::Level::good, "answers", ""};
    if (!thrown && !outcome)
      said = {Finding::Level::wrong, outcome.error().message(),
              "run its commands by hand, as the gateway's user, on this machine"};
    loop.stop();
  });
  loop.restart();
  loop.run();
  return said;
}

}  // namespace

bool deep_check(const config::Settings& settings, std::ostream& out) {
  PassingStore passing;
  auto store = passing.open();
  if (!store) {
    out << store.error().message() << "\n";
    return false;
  }
  asio::io_context loop(1);
  WorkerPool workers(kWorkers);
  SystemClock clock;
  HttpClient http(loop);
  const secrets::Sealer sealer({secrets::random_bytes(32)});  // nothing of it leaves
  bool good = true;
  for (const config::Authenticator& entry : settings.authenticators) {
    out << "authenticators." << entry.name << " (" << entry.type << ")" << std::endl;
    auth::Surroundings around{(*store)->users(),
                              workers,
                              clock,
                              http,
                              sealer,
                              config::origin_of(settings.public_url),
                              settings.base_url + "hub/auth/" + entry.name + "/"};
    auto made = auth::make_authenticator(entry, std::move(around));
    std::vector<Finding> found;
    if (made)
      found = findings_of(**made, loop);
    else
      found = {{Finding::Level::wrong, made.error().message(), ""}};
    if (found.empty()) found = {{Finding::Level::good, "asks nobody else", ""}};
    for (const Finding& one : found) print(one, out);
    good = good && !any_wrong(found);
  }
  for (const config::Spawner& entry : settings.spawners) {
    if (entry.type == "local") continue;
    out << "spawners." << entry.name << " (" << entry.type << ")" << std::endl;
    spawners::Surroundings around{loop, workers, passing.folder(), {}, settings.public_url};
    const Finding said = ask_spawner(entry, std::move(around));
    print(said, out);
    good = good && said.level == Finding::Level::good;
  }
  return good;
}

}  // namespace passerelle::hub
