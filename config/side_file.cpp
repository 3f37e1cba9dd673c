#include "config/side_file.hpp"

#include <filesystem>

#include "base/text.hpp"
#include "config/secret_source.hpp"
#include "config/values.hpp"

namespace passerelle::config {
namespace {
constexpr std::size_t kLongestName = 255;
constexpr std::size_t kMostEntries = 10'000;

bool stays_here(std::string_view url) {
  for (const std::string_view host : {"http://127.0.0.1", "http://localhost", "http://[::1]"})
    if (url.starts_with(host) &&
        (url.size() == host.size() || url[host.size()] == ':' || url[host.size()] == '/'))
      return true;
  return false;
}
}  // namespace

void SideFile::wrong(const Mark& mark, std::string words) {
  problems_.error(mark, std::move(words));
}

std::string SideFile::word(const Entry& entry) {
  if (entry.value.kind != Value::Kind::scalar || entry.value.text.empty())
    wrong(entry.mark, entry.key + ": must be a text");
  return entry.value.text;
}

std::vector<std::string> SideFile::words(const Entry& entry) {
  std::vector<std::string> list;
  if (entry.value.kind != Value::Kind::list) wrong(entry.mark, entry.key + ": must be a list");
  for (const Value& item : entry.value.items) {
    if (item.kind != Value::Kind::scalar || item.text.empty())
      wrong(item.mark, entry.key + ": an item is no text");
    list.push_back(item.text);
  }
  return list;
}

std::string SideFile::secret_from_file(const Entry& entry) {
  const auto file = read_secret_file((std::filesystem::path(directory_) / word(entry)).string());
  if (file && !file->value.empty()) return file->value;
  wrong(entry.mark, entry.key + ": " + (file ? "is empty" : file.error().message()));
  return "?";  // one problem is enough
}

std::vector<std::string> SideFile::origins(const Entry& entry) {
  std::vector<std::string> list = words(entry);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto url = parse_public_url(list[i]);
    if (!url || url->base_url != "/")
      wrong(entry.value.items[i].mark,
            entry.key + ": write an origin, such as `https://courses.example.org`");
    else
      list[i] = origin_of(list[i]);
  }
  return list;
}

std::string SideFile::url(const Entry& entry) {
  std::string url = word(entry);
  const bool printable = std::all_of(url.begin(), url.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7F;
  });
  if (!printable || (!url.starts_with("https://") && !stays_here(url)))
    wrong(entry.mark, entry.key + ": must be an https address");
  return url;
}

bool SideFile::grant(const Entry& entry, LtiGrants& grants) {
  if (entry.key == "groups")
    grants.groups = words(entry);
  else if (entry.key == "instructor_groups")
    grants.instructor_groups = words(entry);
  else if (entry.key == "username")
    grants.username = word(entry);
  else if (entry.key == "prefix")
    grants.prefix = entry.value.text;
  else if (entry.key == "frame_origins")
    grants.frame_origins = origins(entry);
  else
    return false;
  return true;
}

void SideFile::unknown(const Entry& entry, const std::vector<std::string_view>& known) {
  wrong(entry.mark,
        "unknown key " + shown(entry.key) + did_you_mean(entry.key, known, "remove it"));
}

Result<void> read_side_file(std::string_view text,
                            const std::string& file,
                            const std::function<void(SideFile&, const Entry&)>& each) {
  Problems problems;
  const auto document = parse_document(text, problems);
  SideFile reader(std::filesystem::path(file).parent_path().string(), problems);
  if (document && document->kind != Value::Kind::map) {
    problems.error(document->mark, "must be a map of names");
  } else if (document) {
    if (document->entries.size() > kMostEntries)
      problems.error(document->mark, "more than 10,000 entries");
    for (const Entry& entry : document->entries) {
      if (entry.key.empty() || entry.key.size() > kLongestName || !text::is_utf8(entry.key))
        problems.error(entry.mark, "a name has 1 to 255 bytes");
      if (entry.value.kind == Value::Kind::map)
        each(reader, entry);
      else
        problems.error(entry.mark, shown(entry.key) + ": write its keys below it");
    }
  }
  if (problems.errors() == 0) return {};
  std::string told;
  for (const Problem& problem : problems.take())
    told += (told.empty() ? "" : "\n") + to_string(problem, file);
  return Error(Errc::invalid, told);
}

}  // namespace passerelle::config
