#include "spawners/kubernetes/catalogue.hpp"

#include <algorithm>
#include <filesystem>

#include "base/files.hpp"
#include "base/log.hpp"
#include "base/secrets.hpp"
#include "base/text.hpp"
#include "spawners/kubernetes/chart/archive.hpp"
#include "spawners/kubernetes/chart/chart.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

using chart::Json;
using chart::member;
using std::chrono::steady_clock;

constexpr std::size_t kLargestIndex = 16U << 20U;
constexpr chart::Bounds kIndexBounds{kLargestIndex, 32, 20'000, 2'000'000};
constexpr std::size_t kMostCharts = 2000;
constexpr auto kFresh = std::chrono::minutes(5);
constexpr auto kPatience = std::chrono::seconds(30);
constexpr int kRedirects = 3;
constexpr mode_t kOurs = 0700;
constexpr mode_t kOurFile = 0600;

std::string text_in(const Json& object, std::string_view key) {
  const Json* value = member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

bool of(std::string_view text, std::string_view letters, std::size_t most) {
  return !text.empty() && text.size() <= most &&
         text.find_first_not_of(letters) == std::string_view::npos;
}

constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyz0123456789-";
constexpr std::string_view kVersionLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-+";

bool is_good(const CatalogueChart& chart) {
  return of(chart.name, kNameLetters, 63) && chart.name.front() != '-' &&
         of(chart.version, kVersionLetters, 64) && chart.digest.size() == 64 &&
         of(chart.digest, "0123456789abcdef", 64);
}

/// `*` is anything.
bool fits(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t from = star; from <= name.size(); ++from)
    if (fits(rest, name.substr(from))) return true;
  return false;
}

bool is_wanted(const std::string& name, const config::KubernetesProfile& wanted) {
  return wanted.charts.empty() ||
         std::any_of(wanted.charts.begin(), wanted.charts.end(),
                     [&name](const std::string& pattern) { return fits(pattern, name); });
}

/// By name, newest first, as many versions as wanted; those before a release only if there is none.
CatalogueList arranged(CatalogueList all, const config::KubernetesProfile& wanted) {
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.name != b.name ? a.name < b.name : newer(a.version, b.version);
  });
  CatalogueList kept;
  for (auto first = all.begin(); first != all.end();) {
    const auto last =
        std::find_if(first, all.end(), [&](const auto& one) { return one.name != first->name; });
    const auto released = [](const CatalogueChart& one) {
      return one.version.find('-') == std::string::npos;
    };
    const bool some = std::any_of(first, last, released);
    std::size_t taken = 0;
    for (; first != last; ++first)
      if ((!some || released(*first)) && taken < wanted.versions) {
        kept.push_back(std::move(*first));
        ++taken;
      }
  }
  return kept;
}

std::string origin_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  return text::ascii_lower(url.substr(0, url.find_first_of("/?#", scheme + 3)));
}

/// Absolute, relative to the origin, or relative to where it stands.
std::string joined(const std::string& location, const std::string& url) {
  if (url.find("://") != std::string::npos) return url;
  if (url.starts_with('/')) return origin_of(location) + url;
  return location + (location.ends_with('/') ? "" : "/") + url;
}

bool is_folder(const config::KubernetesProfile& profile) {
  return profile.catalogue.starts_with('/');
}

std::string header_of(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return {};
}

std::string base64(std::string_view raw) {
  std::string out = secrets::to_base64url(raw);
  std::replace(out.begin(), out.end(), '-', '+');
  std::replace(out.begin(), out.end(), '_', '/');
  return out.append((4 - out.size() % 4) % 4, '=');
}

}  // namespace

bool newer(std::string_view a, std::string_view b) {
  const auto parts = [](std::string_view version) {
    version = version.substr(0, version.find('+'));
    if (version.starts_with('v')) version.remove_prefix(1);
    const std::size_t dash = version.find('-');
    return std::pair(text::split(version.substr(0, dash), '.'),
                     dash == std::string_view::npos ? std::vector<std::string_view>()
                                                    : text::split(version.substr(dash + 1), '.'));
  };
  const auto compare = [](std::string_view x, std::string_view y) {
    const auto digits = [](std::string_view one) {
      return !one.empty() && one.find_first_not_of("0123456789") == std::string_view::npos;
    };
    if (!digits(x) || !digits(y)) {
      if (digits(x) != digits(y)) return digits(x) ? -1 : 1;  // numbers come before words
      return x.compare(y);
    }
    while (x.size() > 1 && x.front() == '0') x.remove_prefix(1);
    while (y.size() > 1 && y.front() == '0') y.remove_prefix(1);
    if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
    return x.compare(y);
  };
  const auto compare_lists = [&compare](const auto& x, const auto& y) {
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
      if (const int order = compare(x[i], y[i]); order != 0) return order;
    return x.size() == y.size() ? 0 : x.size() < y.size() ? -1 : 1;
  };
  const auto [core_a, pre_a] = parts(a);
  const auto [core_b, pre_b] = parts(b);
  if (const int order = compare_lists(core_a, core_b); order != 0) return order > 0;
  if (pre_a.empty() != pre_b.empty()) return pre_a.empty();
  return compare_lists(pre_a, pre_b) > 0;
}

Result<CatalogueList> read_index(std::string_view yaml,
                                 const std::string& location,
                                 const config::KubernetesProfile& wanted) {
  const auto index = chart::parse_yaml(yaml, "index.yaml", kIndexBounds);
  if (!index) return index.error();
  const Json* entries = member(*index, "entries");
  if (entries == nullptr || !entries->is_object())
    return Error(Errc::invalid, "index.yaml: has no `entries`");
  CatalogueList all;
  for (const auto& [name, versions] : entries->items()) {
    if (!versions.is_array() || !is_wanted(name, wanted)) continue;
    for (const Json& one : versions) {
      const Json* urls = member(one, "urls");
      if (urls == nullptr || !urls->is_array() || urls->empty() || !urls->front().is_string())
        continue;
      const Json* old = member(one, "deprecated");
      if (old != nullptr && *old == true) continue;
      if (text_in(one, "type") == "library") continue;
      CatalogueChart chart{name, text_in(one, "version"), text_in(one, "description"),
                           joined(location, urls->front()), text_in(one, "digest")};
      if (is_good(chart)) all.push_back(std::move(chart));
    }
  }
  return arranged(std::move(all), wanted);
}

Result<CatalogueList> read_folder(const config::KubernetesProfile& wanted) {
  std::error_code error;
  CatalogueList all;
  for (const auto& entry : std::filesystem::directory_iterator(wanted.catalogue, error)) {
    if (entry.path().extension() != ".tgz" || all.size() >= kMostCharts) continue;
    const std::string file = entry.path().string();
    const auto read = chart::load_chart(file);
    const auto bytes = files::read(file, chart::kLargestArchive);
    if (!read || !bytes) {
      log::warn("kubernetes", "a chart of the catalogue cannot be read",
                {{"file", file}, {"why", (read ? bytes.error() : read.error()).message()}});
      continue;
    }
    CatalogueChart chart{read->name, read->version, text_in(read->about, "description"), file,
                         secrets::sha256_hex(*bytes)};
    if (is_good(chart) && is_wanted(chart.name, wanted)) all.push_back(std::move(chart));
  }
  if (error) return Error(Errc::unavailable, wanted.catalogue + ": " + error.message());
  return arranged(std::move(all), wanted);
}

const CatalogueChart* chosen(const CatalogueList& list,
                             const std::string& name,
                             const std::string& version) {
  for (const CatalogueChart& chart : list)
    if (chart.name == name && (version.empty() || chart.version == version)) return &chart;
  return nullptr;
}

Catalogues::Catalogues(asio::io_context& loop, WorkerPool& workers, std::string folder)
    : http_(loop), workers_(workers), folder_(std::move(folder)) {}

/// Redirects are followed, as repositories keep their archives elsewhere; the login stays at home.
Task<Result<std::string>> Catalogues::fetch(config::KubernetesProfile profile,
                                            std::string url,
                                            std::size_t most) {
  constexpr int kOk = 200;
  for (int left = kRedirects;; --left) {
    HttpRequest question;
    question.url = url;
    question.timeout = kPatience;
    question.most_body = most;
    question.ca_file = profile.catalogue_ca;
    const bool home = origin_of(url) == origin_of(profile.catalogue);
    if (home && !profile.catalogue_user.empty())
      question.headers = {{"Authorization", "Basic " + base64(profile.catalogue_user + ":" +
                                                              profile.catalogue_password.value)}};
    auto answer = co_await http_.fetch(std::move(question));
    if (!answer) co_return std::move(answer.error());
    if (answer->status == kOk) co_return std::move(answer->body);
    const std::string next = header_of(*answer, "location");
    const bool redirect = answer->status > 300 && answer->status < 309 && !next.empty();
    if (!redirect || left == 0)
      co_return Error(Errc::unavailable, url + ": HTTP " + std::to_string(answer->status));
    const bool secure = url.starts_with("https://");
    url = joined(origin_of(url), next);
    if (secure && !url.starts_with("https://"))
      co_return Error(Errc::unavailable, url + ": leads away from https");
  }
}

Task<Result<CatalogueListPtr>> Catalogues::read(config::KubernetesProfile profile) {
  if (is_folder(profile)) {
    auto look = [profile] { return read_folder(profile); };
    auto found = co_await workers_.run(std::move(look));
    if (!found) co_return std::move(found.error());
    co_return std::make_shared<const CatalogueList>(std::move(*found));
  }
  std::string url = joined(profile.catalogue, "index.yaml");
  auto fetched = co_await fetch(profile, std::move(url), kLargestIndex);
  auto take = [profile, fetched = std::move(fetched),
               file = folder_ + "/index/" + secrets::sha256_hex(profile.catalogue) + ".yaml",
               folder = folder_]() -> Result<CatalogueListPtr> {
    Result<std::string> text = fetched ? *fetched : files::read(file, kLargestIndex);
    if (!text) return fetched.error();
    auto list = read_index(*text, profile.catalogue, profile);
    if (!list) return std::move(list.error());
    if (fetched) {
      auto kept = files::make_directory(folder + "/index", kOurs);
      if (kept) kept = files::write_durable(file, *text, kOurFile);
      if (!kept) log::warn("kubernetes", "an index is not kept", {{"why", kept.error().message()}});
    } else {
      log::warn("kubernetes", "a catalogue does not answer; shown as it was",
                {{"catalogue", profile.catalogue}, {"why", fetched.error().message()}});
    }
    return std::make_shared<const CatalogueList>(std::move(*list));
  };
  auto list = co_await workers_.run(std::move(take));
  co_return list;
}

Task<Result<CatalogueListPtr>> Catalogues::list(config::KubernetesProfile profile) {
  std::string key = profile.catalogue + "\n" + std::to_string(profile.versions);
  for (const std::string& pattern : profile.charts) key += "\n" + pattern;
  Known& known = known_[key];
  if (known.list && steady_clock::now() - known.at < kFresh) co_return known.list;
  auto list = co_await read(std::move(profile));
  if (!list && known.list) co_return known.list;
  if (!list) co_return std::move(list.error());
  known_[key] = {*list, steady_clock::now()};
  co_return *list;
}

Task<Result<std::string>> Catalogues::archive(config::KubernetesProfile profile,
                                              CatalogueChart chart) {
  const std::string file = folder_ + "/charts/" + chart.digest + ".tgz";
  auto look = [file, digest = chart.digest] {
    auto bytes = files::read(file, chart::kLargestArchive);
    return Result<bool>(bytes && secrets::sha256_hex(*bytes) == digest);
  };
  auto there = co_await workers_.run(std::move(look));
  if (there && *there) co_return file;
  Result<std::string> bytes = Error(Errc::unavailable, "");
  if (is_folder(profile)) {
    auto read = [place = chart.place] { return files::read(place, chart::kLargestArchive); };
    bytes = co_await workers_.run(std::move(read));
  } else {
    bytes = co_await fetch(profile, chart.place, chart::kLargestArchive);
  }
  if (!bytes) co_return std::move(bytes.error());
  auto keep = [file, folder = folder_, chart, bytes = std::move(*bytes)]() -> Result<std::string> {
    const std::string digest = secrets::sha256_hex(bytes);
    if (digest != chart.digest)
      return Error(Errc::forbidden, chart.place + ": its SHA-256 is " + digest +
                                        " and not the one that the catalogue tells");
    auto kept = files::make_directory(folder + "/charts", kOurs);
    if (kept) kept = files::write_durable(file, bytes, kOurFile);
    if (!kept) return kept.error();
    return file;
  };
  auto kept = co_await workers_.run(std::move(keep));
  co_return kept;
}

}  // namespace passerelle::spawners::kubernetes
