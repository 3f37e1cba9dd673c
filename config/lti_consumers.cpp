#include "config/lti_consumers.hpp"

#include <algorithm>

#include "base/files.hpp"
#include "config/side_file.hpp"

namespace passerelle::config {
namespace {

const std::vector<std::string_view> kKeys = {
    "secret", "secret_file",   "groups",        "instructor_groups", "username",
    "prefix", "frame_origins", "outcome_hosts", "signature_methods"};

std::vector<std::string> methods(SideFile& file, const Entry& entry) {
  std::vector<std::string> list = file.words(entry);
  for (std::size_t i = 0; i < list.size(); ++i)
    if (list[i] != "HMAC-SHA1" && list[i] != "HMAC-SHA256")
      file.wrong(entry.value.items[i].mark,
                 "signature_methods: there are `HMAC-SHA1` and `HMAC-SHA256`");
  return list;
}

void one_key(SideFile& file, const Entry& entry, LtiConsumer& consumer) {
  if (entry.key == "secret")
    consumer.secret.value = file.word(entry);
  else if (entry.key == "secret_file")
    consumer.secret.value = file.secret_from_file(entry);
  else if (entry.key == "outcome_hosts")
    consumer.outcome_hosts = file.words(entry);
  else if (entry.key == "signature_methods")
    consumer.signature_methods = methods(file, entry);
  else if (!file.grant(entry, consumer))
    file.unknown(entry, kKeys);
}

}  // namespace

Result<LtiConsumers> parse_lti_consumers(std::string_view text, const std::string& file) {
  LtiConsumers consumers;
  const auto each = [&](SideFile& reader, const Entry& entry) {
    LtiConsumer consumer;
    for (const Entry& key : entry.value.entries) one_key(reader, key, consumer);
    if (consumer.secret.empty())
      reader.wrong(entry.mark, shown(entry.key) + ": needs `secret` or `secret_file`");
    consumers.emplace(entry.key, std::move(consumer));
  };
  if (auto read = read_side_file(text, file, each); !read) return std::move(read).error();
  return consumers;
}

Result<LtiConsumers> read_lti_consumers(const std::string& path) {
  auto text = files::read(path, kLargestFile);
  if (!text) return std::move(text).error().within(path);
  return parse_lti_consumers(*text, path);
}

}  // namespace passerelle::config
