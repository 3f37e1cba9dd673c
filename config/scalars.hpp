// Scalars: reads the value of one key that is no section: texts, numbers, times, paths, and lists
// of them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "config/document.hpp"
#include "config/keys.hpp"
#include "config/marks.hpp"
#include "config/problem.hpp"

namespace passerelle::config {

inline constexpr std::string_view kIdentifierRule =
    "lower-case letters, digits, `-`, `_` and `.`, at most 63, a letter or digit first";
bool is_identifier(std::string_view name) noexcept;
bool has_control(std::string_view text) noexcept;
std::size_t character_count(std::string_view text) noexcept;

class Scalars {
 public:
  /// All must outlive it. `directory`: where relative paths start.
  Scalars(const std::string& directory, Problems& problems, Marks& marks)
      : directory_(directory), problems_(problems), marks_(marks) {}

  /// Puts the value into `slot`, or says what is wrong with it. `value` is not null.
  void read(const Key& key, const Value& value, const Slot& slot, const std::string& path);

 private:
  std::optional<std::string> text(const Value& value, const std::string& path);
  void plain_text(
      const Key& key, const std::string& given, Mark at, std::string& out, const std::string& path);
  void translated(const Value& value,
                  std::map<std::string, std::string>& out,
                  const std::string& path);
  void choice(
      const Key& key, const std::string& given, Mark at, const Slot& slot, const std::string& path);
  void count(const Key& key,
             const std::string& given,
             Mark at,
             std::uint32_t& out,
             const std::string& path);
  void number(
      const Key& key, const std::string& given, Mark at, double& out, const std::string& path);
  void duration(
      const Key& key, const std::string& given, Mark at, seconds& out, const std::string& path);
  void size(const Key& key,
            const std::string& given,
            Mark at,
            std::uint64_t& out,
            const std::string& path);
  void texts(const Key& key,
             const Value& value,
             std::vector<std::string>& out,
             const std::string& path);
  void text_list(const Key& key,
                 const Value& value,
                 std::vector<std::string>& out,
                 const std::string& path);
  void environment(const Value& value,
                   std::map<std::string, std::string>& out,
                   const std::string& path);
  void below_path(const std::string& given, Mark at, std::string& out, const std::string& path);
  void file(const std::string& given, Mark at, std::string& out, const std::string& path);
  void image(const std::string& given, Mark at, std::string& out, const std::string& path);
  void directory(const std::string& given, Mark at, std::string& out, const std::string& path);
  std::string absolute(const std::string& given) const;
  void wrong(Mark at, const std::string& path, std::string_view why);

  const std::string& directory_;
  Problems& problems_;
  Marks& marks_;
};

}  // namespace passerelle::config
