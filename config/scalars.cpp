#include "config/scalars.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <unistd.h>

#include "base/text.hpp"
#include "config/values.hpp"

namespace passerelle::config {
namespace {

constexpr std::size_t kLongestText = 4096;
constexpr double kLeastNumber = 0.01;  // A hundredth of a core; less is a slip.

/// "between 1 and 10", "1 or more".
std::string range_text(const std::string& least, const std::string& most, bool bounded) {
  return bounded ? "between " + least + " and " + most : least + " or more";
}

bool bounded(const Key& key) {
  return key.most != std::numeric_limits<std::uint64_t>::max();
}

bool is_variable_name(std::string_view name) {
  if (name.empty() || name.size() > 256 || (name.front() >= '0' && name.front() <= '9'))
    return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

/// YAML reads an unquoted {username} as a map with one key and no value.
std::optional<std::string> forgotten_quotes(const Value& value) {
  if (value.kind != Value::Kind::map || value.entries.size() != 1) return std::nullopt;
  const Entry& entry = value.entries.front();
  if (entry.value.kind != Value::Kind::null) return std::nullopt;
  return "{" + entry.key + "}";
}

}  // namespace

bool is_identifier(std::string_view name) noexcept {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > 63 || !alphanumeric(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

bool has_control(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

std::size_t character_count(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

void Scalars::wrong(Mark at, const std::string& path, std::string_view why) {
  problems_.error(at, path + ": " + std::string(why));
}

void Scalars::read(const Key& key, const Value& value, const Slot& slot, const std::string& path) {
  using Texts = std::map<std::string, std::string>;
  switch (key.kind) {
    case Kind::translated:
      return translated(value, *std::get<Texts*>(slot), path);
    case Kind::environment:
      return environment(value, *std::get<Texts*>(slot), path);
    case Kind::texts:
      return texts(key, value, *std::get<std::vector<std::string>*>(slot), path);
    case Kind::values:
    case Kind::text_list:
    case Kind::command:
    case Kind::networks:
      return text_list(key, value, *std::get<std::vector<std::string>*>(slot), path);
    default:
      break;
  }
  const auto given = text(value, path);
  if (!given) return;
  const auto put = [&](auto result, auto& out) {
    if (!result) return wrong(value.mark, path, result.error().message());
    out = std::move(*result);
  };
  switch (key.kind) {
    case Kind::choice:
      return choice(key, *given, value.mark, slot, path);
    case Kind::boolean:
      return put(parse_boolean(*given), *std::get<bool*>(slot));
    case Kind::count:
      return count(key, *given, value.mark, *std::get<std::uint32_t*>(slot), path);
    case Kind::number:
      return number(key, *given, value.mark, *std::get<double*>(slot), path);
    case Kind::duration:
      return duration(key, *given, value.mark, *std::get<seconds*>(slot), path);
    case Kind::size:
      return size(key, *given, value.mark, *std::get<std::uint64_t*>(slot), path);
    case Kind::moment:
      return put(parse_moment(*given), *std::get<std::optional<Instant>*>(slot));
    case Kind::listen:
      return put(parse_listen(*given), *std::get<Listen*>(slot));
    case Kind::link:
      return put(parse_link(*given), *std::get<std::string*>(slot));
    case Kind::colour:
      return put(parse_colour(*given), *std::get<std::string*>(slot));
    case Kind::below_path:
      return below_path(*given, value.mark, *std::get<std::string*>(slot), path);
    case Kind::file:
      return file(*given, value.mark, *std::get<std::string*>(slot), path);
    case Kind::image:
      return image(*given, value.mark, *std::get<std::string*>(slot), path);
    case Kind::directory:
      return directory(*given, value.mark, *std::get<std::string*>(slot), path);
    default:
      return plain_text(key, *given, value.mark, *std::get<std::string*>(slot), path);
  }
}

std::optional<std::string> Scalars::text(const Value& value, const std::string& path) {
  if (const auto template_text = forgotten_quotes(value)) {
    wrong(value.mark, path,
          "a text that begins with `{` needs quotes; write \"" + *template_text + "\"");
  } else if (value.kind == Value::Kind::null) {
    wrong(value.mark, path, "has no value; write one, or remove it");
  } else if (value.kind != Value::Kind::scalar) {
    wrong(value.mark, path, "one value must stand here; write no list and no keys");
  } else if (value.text.empty()) {
    wrong(value.mark, path, "is empty; write a value, or remove the key");
  } else if (value.text.size() > kLongestText || has_control(value.text)) {
    wrong(value.mark, path,
          "has a line break or control character in it, or is longer than 4096 bytes; write one "
          "line");
  } else {
    return value.text;
  }
  return std::nullopt;
}

void Scalars::plain_text(
    const Key& key, const std::string& given, Mark at, std::string& out, const std::string& path) {
  if (key.kind == Kind::identifier && !is_identifier(given)) {
    return wrong(at, path, shown(given) + " is no name; write " + std::string(kIdentifierRule));
  }
  if (key.kind == Kind::public_url) {
    if (const auto url = parse_public_url(given); !url)
      return wrong(at, path, url.error().message());
  }
  if (key.kind == Kind::provider_url) {
    if (const auto url = parse_provider_url(given); !url)
      return wrong(at, path, url.error().message());
  }
  if (key.kind == Kind::text && bounded(key) && character_count(given) > key.most) {
    return wrong(at, path,
                 "is longer than " + std::to_string(key.most) + " characters; shorten it");
  }
  out = given;
}

void Scalars::translated(const Value& value,
                         std::map<std::string, std::string>& out,
                         const std::string& path) {
  const std::vector<std::string_view> languages(std::begin(kLanguages), std::end(kLanguages));
  if (value.kind != Value::Kind::map) {
    const auto given = text(value, path);
    if (given) {
      for (const std::string_view language : languages) out.emplace(language, *given);
    }
    return;
  }
  for (const Entry& entry : value.entries) {
    if (std::find(languages.begin(), languages.end(), entry.key) == languages.end()) {
      wrong(entry.mark, path,
            "unknown language " + shown(entry.key) + "; the languages are " + one_of(languages));
    } else if (const auto given = text(entry.value, path + '.' + entry.key)) {
      out[entry.key] = *given;
    }
  }
  if (value.entries.empty())
    wrong(value.mark, path, "is empty; write `{en: ..., fr: ...}` or one text");
  // Whoever shows it finds every language: one that is missing gets the first that was written.
  if (out.empty()) return;
  const std::string first = out.begin()->second;
  for (const std::string_view language : languages) out.emplace(language, first);
}

void Scalars::choice(
    const Key& key, const std::string& given, Mark at, const Slot& slot, const std::string& path) {
  const auto known = text::split(key.choices, ' ');
  if (std::find(known.begin(), known.end(), given) == known.end()) {
    return wrong(
        at, path,
        shown(given) + " is not possible" + did_you_mean(given, known, "write " + one_of(known)));
  }
  if (Transport* const* transport = std::get_if<Transport*>(&slot)) {
    **transport = given == "tcp" ? Transport::tcp : Transport::unix_socket;
  } else {
    *std::get<std::string*>(slot) = given;
  }
}

void Scalars::count(const Key& key,
                    const std::string& given,
                    Mark at,
                    std::uint32_t& out,
                    const std::string& path) {
  const auto number = parse_count(given);
  if (!number) return wrong(at, path, number.error().message());
  if (*number < key.least || *number > key.most) {
    return wrong(at, path,
                 shown(given) + " is out of range; write a number " +
                     range_text(std::to_string(key.least), std::to_string(key.most), bounded(key)));
  }
  out = static_cast<std::uint32_t>(*number);
}

void Scalars::number(
    const Key& key, const std::string& given, Mark at, double& out, const std::string& path) {
  const auto number = parse_number(given);
  if (!number) return wrong(at, path, number.error().message());
  if (*number < kLeastNumber || *number > static_cast<double>(key.most)) {
    return wrong(at, path,
                 shown(given) + " is out of range; write a number of at least 0.01, at most " +
                     std::to_string(key.most) + ", or remove the key");
  }
  out = *number;
}

void Scalars::duration(
    const Key& key, const std::string& given, Mark at, seconds& out, const std::string& path) {
  const auto duration = parse_duration(given);
  if (!duration) return wrong(at, path, duration.error().message());
  const auto count = static_cast<std::uint64_t>(duration->count());
  if (count < key.least || count > key.most) {
    const auto as_text = [](std::uint64_t value) {
      return duration_text(seconds(static_cast<seconds::rep>(value)));
    };
    return wrong(
        at, path,
        shown(given) + " is out of range; write a duration " +
            range_text(as_text(key.least), bounded(key) ? as_text(key.most) : "", bounded(key)));
  }
  out = *duration;
}

void Scalars::size(const Key& key,
                   const std::string& given,
                   Mark at,
                   std::uint64_t& out,
                   const std::string& path) {
  const auto size = parse_size(given);
  if (!size) return wrong(at, path, size.error().message());
  if (*size < key.least) {
    return wrong(at, path,
                 shown(given) + " is too little; write " + size_text(key.least) +
                     " or more, or remove the key");
  }
  out = *size;
}

void Scalars::texts(const Key& key,
                    const Value& value,
                    std::vector<std::string>& out,
                    const std::string& path) {
  if (value.kind == Value::Kind::list) return text_list(key, value, out, path);
  if (auto given = text(value, path)) out.push_back(std::move(*given));
}

void Scalars::text_list(const Key& key,
                        const Value& value,
                        std::vector<std::string>& out,
                        const std::string& path) {
  if (value.kind != Value::Kind::list) {
    const std::string given =
        value.kind == Value::Kind::scalar && key.kind != Kind::command ? value.text : std::string();
    const std::string example = given.empty() ? std::string(key.example) : "[" + given + "]";
    return wrong(value.mark, path, "a list must stand here; write `" + example + "`");
  }
  if (value.items.size() < key.least ||
      value.items.size() > std::min<std::uint64_t>(key.most, 1000)) {
    return wrong(value.mark, path,
                 value.items.empty()
                     ? "is empty; write for example `" + std::string(key.example) + "`"
                     : "has too many entries");
  }
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const Value& item = value.items[i];
    const std::string here = path + '[' + std::to_string(i) + ']';
    const bool empty_argument =
        key.kind == Kind::command && i > 0 && item.kind == Value::Kind::scalar && item.text.empty();
    const auto given = empty_argument ? std::optional<std::string>("") : text(item, here);
    if (!given) continue;
    marks_.set(path + '[' + std::to_string(out.size()) + ']', item.mark);
    if (key.kind == Kind::networks) {
      const auto network = parse_network(*given);
      network ? out.push_back(*network) : wrong(item.mark, here, network.error().message());
    } else if (key.kind == Kind::text_list && !key.star && *given == "*") {
      wrong(item.mark, here,
            "`*` is no pattern here; write `all` for everybody, where that is possible");
    } else {
      out.push_back(*given);
    }
  }
}

void Scalars::environment(const Value& value,
                          std::map<std::string, std::string>& out,
                          const std::string& path) {
  if (value.kind != Value::Kind::map) {
    return wrong(value.mark, path, "names and their values must stand here; write `{NAME: value}`");
  }
  for (const Entry& entry : value.entries) {
    if (!is_variable_name(entry.key)) {
      wrong(entry.mark, path,
            shown(entry.key) +
                " is no name of a variable; write letters, digits and `_`, no digit first");
    } else if (entry.value.kind != Value::Kind::scalar ||
               entry.value.text.find('\0') != std::string::npos) {
      wrong(entry.mark, path + '.' + entry.key,
            "must be a text; put it in quotes (`\"\"` for an empty one)");
    } else {
      out[entry.key] = entry.value.text;
    }
  }
}

void Scalars::below_path(const std::string& given,
                         Mark at,
                         std::string& out,
                         const std::string& path) {
  const std::string_view trimmed = std::string_view(given).substr(given.starts_with('/') ? 1 : 0);
  const auto segments = text::split(trimmed.substr(0, trimmed.find_first_of("?#")), '/');
  const bool leaves = std::find(segments.begin(), segments.end(), "..") != segments.end() ||
                      trimmed.starts_with('/');
  if (leaves || trimmed.find("://") != std::string_view::npos ||
      trimmed.find_first_of(" \\") != std::string_view::npos) {
    return wrong(
        at, path,
        shown(given) +
            " is no path below the server's prefix; write for example `lab` or `tree?reset`");
  }
  out = trimmed;
}

void Scalars::file(const std::string& given, Mark at, std::string& out, const std::string& path) {
  const std::string whole = absolute(given);
  std::error_code error;
  const bool plain = std::filesystem::is_regular_file(whole, error);
  if (plain && access(whole.c_str(), R_OK) == 0) {
    out = whole;
    return;
  }
  const std::string why = error    ? error.message()
                          : !plain ? "not a file"
                                   : std::generic_category().message(errno);
  wrong(at, path,
        shown(given) + " cannot be read (" + why + "); relative paths start at " + directory_);
}

void Scalars::image(const std::string& given, Mark at, std::string& out, const std::string& path) {
  const std::string file = absolute(given);
  const std::string extension = text::ascii_lower(std::filesystem::path(file).extension().string());
  if (extension != ".svg" && extension != ".png")
    return wrong(at, path, shown(given) + " is neither .svg nor .png; convert it");
  std::error_code error;
  const auto bytes = std::filesystem::file_size(file, error);
  if (error)
    return wrong(at, path,
                 shown(given) + " cannot be read (" + error.message() +
                     "); relative paths start at " + directory_);
  if (bytes > (256U << 10U))
    return wrong(at, path,
                 shown(given) + " is larger than 256 KiB; make it smaller, every page shows it");
  out = file;
}

void Scalars::directory(const std::string& given,
                        Mark at,
                        std::string& out,
                        const std::string& path) {
  const std::string whole = absolute(given);
  if (whole == "/")
    return wrong(at, path,
                 "the root directory cannot be ours; write for example `/var/lib/passerelle`");
  out = whole;
}

std::string Scalars::absolute(const std::string& given) const {
  std::string whole = (std::filesystem::path(directory_) / given).lexically_normal().string();
  if (whole.size() > 1 && whole.ends_with('/')) whole.pop_back();
  return whole;
}

}  // namespace passerelle::config
