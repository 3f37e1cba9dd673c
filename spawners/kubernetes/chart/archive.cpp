#include "spawners/kubernetes/chart/archive.hpp"

#include <filesystem>
#include <map>
#include <memory>

#include <archive.h>
#include <archive_entry.h>

#include "base/files.hpp"
#include "base/text.hpp"

namespace passerelle::spawners::chart {
namespace {

constexpr std::size_t kMostEntries = 10'000;
constexpr const char* kAbout = "Chart.yaml";
constexpr const char* kValues = "values.yaml";
constexpr const char* kSchema = "values.schema.json";

struct Close {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, Close>;

/// "minilab/values.yaml" is {"minilab", "values.yaml"}. Nothing for a name that leads elsewhere.
struct Name {
  std::string root;
  std::string rest;
};

std::optional<Name> name_of(std::string_view raw) {
  while (raw.starts_with("./")) raw.remove_prefix(2);
  while (raw.ends_with('/')) raw.remove_suffix(1);
  if (raw.empty() || raw == ".") return Name{};
  if (raw.starts_with('/') || raw.find('\\') != std::string_view::npos) return std::nullopt;
  for (const std::string_view part : text::split(raw, '/'))
    if (part.empty() || part == "." || part == "..") return std::nullopt;
  const std::size_t slash = raw.find('/');
  if (slash == std::string_view::npos) return Name{std::string(raw), {}};
  return Name{std::string(raw.substr(0, slash)), std::string(raw.substr(slash + 1))};
}

class Unpacking {
 public:
  explicit Unpacking(const std::string& path) : path_(path), reader_(archive_read_new()) {
    archive_read_support_filter_gzip(reader_.get());
    archive_read_support_format_tar(reader_.get());
  }

  Result<std::map<std::string, std::string>> run() {
    if (archive_read_open_filename(reader_.get(), path_.c_str(), 64U << 10U) != ARCHIVE_OK)
      return bad("is not a chart archive (.tgz)");
    for (;;) {
      archive_entry* entry = nullptr;
      const int code = archive_read_next_header(reader_.get(), &entry);
      if (code == ARCHIVE_EOF) return std::move(found_);
      if (code != ARCHIVE_OK) return bad("is damaged, or not a chart archive (.tgz)");
      if (auto taken = take(entry); !taken) return std::move(taken.error());
    }
  }

 private:
  Error bad(const std::string& why) const { return {Errc::invalid, path_ + ": " + why}; }
  Error too_much(const std::string& why) const { return {Errc::exhausted, path_ + ": " + why}; }

  Result<void> take(archive_entry* entry) {
    if (++entries_ > kMostEntries) return too_much("has too many files");
    const char* raw = archive_entry_pathname(entry);
    const auto name = raw == nullptr ? std::nullopt : name_of(raw);
    if (!name) return bad("has a file whose name leads out of the chart");
    if (!name->root.empty() && root_.empty()) root_ = name->root;
    if (!name->root.empty() && name->root != root_)
      return bad("has more than one folder at its top");
    const auto size = archive_entry_size_is_set(entry) != 0 ? archive_entry_size(entry) : 0;
    if (size < 0) return bad("is damaged");
    unpacked_ += static_cast<std::size_t>(size);
    if (static_cast<std::size_t>(size) > kLargestUnpacked || unpacked_ > kLargestUnpacked ||
        archive_filter_bytes(reader_.get(), 0) > static_cast<la_int64_t>(kLargestUnpacked))
      return too_much("unpacks to more than " + std::to_string(kLargestUnpacked) + " bytes");
    const bool wanted = name->rest == kAbout || name->rest == kValues || name->rest == kSchema;
    return wanted ? keep(entry, name->rest, static_cast<std::size_t>(size)) : Result<void>();
  }

  Result<void> keep(archive_entry* entry, const std::string& name, std::size_t size) {
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr)
      return bad(name + " is not a file");
    if (size > kLargestMember)
      return too_much(name + " is larger than " + std::to_string(kLargestMember) + " bytes");
    if (found_.contains(name)) return bad("holds " + name + " twice");
    std::string content(size, '\0');
    const auto got = archive_read_data(reader_.get(), content.data(), content.size());
    if (got != static_cast<la_ssize_t>(size)) return bad("is damaged");
    found_[name] = std::move(content);
    return {};
  }

  const std::string& path_;
  Reader reader_;
  std::string root_;
  std::size_t entries_ = 0;
  std::size_t unpacked_ = 0;
  std::map<std::string, std::string> found_;
};

Result<std::map<std::string, std::string>> read_folder(const std::string& path) {
  std::map<std::string, std::string> found;
  for (const char* name : {kAbout, kValues, kSchema}) {
    auto content = files::read(path + "/" + name, kLargestMember);
    if (content)
      found[name] = std::move(*content);
    else if (content.error().code() != Errc::not_found)
      return std::move(content.error());
  }
  return found;
}

Result<std::map<std::string, std::string>> read_archive(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return Error(Errc::not_found, path + ": there is no such chart");
  if (size > kLargestArchive)
    return Error(Errc::exhausted,
                 path + ": larger than " + std::to_string(kLargestArchive) + " bytes");
  return Unpacking(path).run();
}

}  // namespace

Result<Files> read_chart_files(const std::string& path) {
  auto found = std::filesystem::is_directory(path) ? read_folder(path) : read_archive(path);
  if (!found) return std::move(found.error());
  if (!found->contains(kAbout)) return Error(Errc::invalid, path + ": is no chart: no Chart.yaml");
  Files files{(*found)[kAbout], (*found)[kValues], std::nullopt};
  if (const auto schema = found->find(kSchema); schema != found->end())
    files.schema = schema->second;
  return files;
}

}  // namespace passerelle::spawners::chart
