#include "config/lti_consumers.hpp"

#include <filesystem>
#include <optional>

#include "base/files.hpp"
#include "base/text.hpp"
#include "config/document.hpp"
#include "config/secret_source.hpp"
#include "config/values.hpp"

namespace passerelle::config {
namespace {

constexpr std::size_t kLongestKey = 255;
constexpr std::size_t kMostConsumers = 10'000;

const std::vector<std::string_view> kKeys = {
    "secret", "secret_file",   "groups",        "instructor_groups", "username",
    "prefix", "frame_origins", "outcome_hosts", "signature_methods"};

class File {
 public:
  File(std::string directory, Problems& problems)
      : directory_(std::move(directory)), problems_(problems) {}

  LtiConsumers read(const Value& document) {
    LtiConsumers consumers;
    if (document.kind != Value::Kind::map) {
      problems_.error(document.mark, "must be a map of consumer keys");
      return consumers;
    }
    if (document.entries.size() > kMostConsumers)
      problems_.error(document.mark, "more than 10,000 consumers");
    for (const Entry& entry : document.entries) {
      if (entry.key.empty() || entry.key.size() > kLongestKey || !text::is_utf8(entry.key))
        problems_.error(entry.mark, "a consumer key has 1 to 255 bytes");
      consumers.emplace(entry.key, consumer(entry));
    }
    return consumers;
  }

 private:
  LtiConsumer consumer(const Entry& entry) {
    LtiConsumer consumer;
    if (entry.value.kind != Value::Kind::map) {
      problems_.error(entry.mark, shown(entry.key) + ": write its keys below it, `secret:` first");
      return consumer;
    }
    for (const Entry& key : entry.value.entries) one_key(key, consumer);
    if (consumer.secret.empty())
      problems_.error(entry.mark, shown(entry.key) + ": needs `secret` or `secret_file`");
    return consumer;
  }

  void one_key(const Entry& entry, LtiConsumer& consumer) {
    const Value& value = entry.value;
    if (entry.key == "secret")
      consumer.secret.value = word(entry);
    else if (entry.key == "secret_file")
      consumer.secret.value = from_file(entry);
    else if (entry.key == "groups")
      consumer.groups = words(entry);
    else if (entry.key == "instructor_groups")
      consumer.instructor_groups = words(entry);
    else if (entry.key == "username")
      consumer.username = word(entry);
    else if (entry.key == "prefix")
      consumer.prefix = value.text;
    else if (entry.key == "frame_origins")
      consumer.frame_origins = origins(entry);
    else if (entry.key == "outcome_hosts")
      consumer.outcome_hosts = words(entry);
    else if (entry.key == "signature_methods")
      consumer.signature_methods = methods(entry);
    else
      problems_.error(entry.mark, "unknown key " + shown(entry.key) +
                                      did_you_mean(entry.key, kKeys, "remove it"));
  }

  std::string word(const Entry& entry) {
    if (entry.value.kind != Value::Kind::scalar || entry.value.text.empty())
      problems_.error(entry.mark, entry.key + ": must be a text");
    return entry.value.text;
  }

  std::vector<std::string> words(const Entry& entry) {
    std::vector<std::string> list;
    if (entry.value.kind != Value::Kind::list)
      problems_.error(entry.mark, entry.key + ": must be a list");
    for (const Value& item : entry.value.items) {
      if (item.kind != Value::Kind::scalar || item.text.empty())
        problems_.error(item.mark, entry.key + ": an item is no text");
      list.push_back(item.text);
    }
    return list;
  }

  std::string from_file(const Entry& entry) {
    const auto file = read_secret_file((std::filesystem::path(directory_) / word(entry)).string());
    if (file && !file->value.empty()) return file->value;
    problems_.error(entry.mark, "secret_file: " + (file ? "is empty" : file.error().message()));
    return "?";  // one problem is enough
  }

  std::vector<std::string> origins(const Entry& entry) {
    std::vector<std::string> list = words(entry);
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto url = parse_public_url(list[i]);
      if (!url || url->base_url != "/")
        problems_.error(entry.value.items[i].mark,
                        "frame_origins: write an origin, such as `https://courses.example.org`");
      else
        list[i] = origin_of(list[i]);
    }
    return list;
  }

  std::vector<std::string> methods(const Entry& entry) {
    std::vector<std::string> list = words(entry);
    for (std::size_t i = 0; i < list.size(); ++i)
      if (list[i] != "HMAC-SHA1" && list[i] != "HMAC-SHA256")
        problems_.error(entry.value.items[i].mark,
                        "signature_methods: there are `HMAC-SHA1` and `HMAC-SHA256`");
    return list;
  }

  std::string directory_;
  Problems& problems_;
};

}  // namespace

Result<LtiConsumers> parse_lti_consumers(std::string_view text, const std::string& file) {
  Problems problems;
  LtiConsumers consumers;
  if (const auto document = parse_document(text, problems))
    consumers = File(std::filesystem::path(file).parent_path().string(), problems).read(*document);
  if (problems.errors() == 0) return consumers;
  std::string told;
  for (const Problem& problem : problems.take())
    told += (told.empty() ? "" : "\n") + to_string(problem, file);
  return Error(Errc::invalid, told);
}

Result<LtiConsumers> read_lti_consumers(const std::string& path) {
  auto text = files::read(path, kLargestFile);
  if (!text) return std::move(text).error().within(path);
  return parse_lti_consumers(*text, path);
}

}  // namespace passerelle::config
