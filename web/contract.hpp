// Contract: what a page's view must hold, as the comment at the head of its template says it.
// Checked twice: when the templates are read (every tag is declared) and when a page is rendered
// (every declared thing is there).
//
//   {{!
//   Home: the person's servers.
//   view:
//     servers            list     in the order shown
//     servers.title      text
//     servers.stops_at   moment?  a question mark: may be missing
//   }}
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.hpp"

namespace passerelle::web {

class Contract {
 public:
  enum class Kind { text, number, flag, moment, elapsed, list, object };
  struct Entry {
    Kind kind = Kind::text;
    bool optional = false;
  };

  /// `comment` is the text between "{{!" and "}}"; lines up to "view:" are prose. Errc::internal
  /// names a bad line.
  static Result<Contract> parse(std::string_view comment);

  /// One sentence for each thing that is missing, of the wrong kind, or not declared. Empty: all is
  /// well.
  std::vector<std::string> complaints(const nlohmann::json& view) const;

  /// What a tag may name: "servers.title", and below moments and durations "servers.stops_at.text".
  bool declares(std::string_view path) const;
  const std::map<std::string, Entry, std::less<>>& entries() const noexcept { return entries_; }

 private:
  void check(const nlohmann::json& value,
             const std::string& path,
             std::vector<std::string>& out) const;
  void check_object(const nlohmann::json& object,
                    const std::string& prefix,
                    std::vector<std::string>& out) const;

  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace passerelle::web
