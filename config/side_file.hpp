// A YAML file beside the configuration: a map of names, each with keys below it. What reading LTI
// consumers and LTI platforms has in common.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/document.hpp"
#include "config/lti_grants.hpp"
#include "config/problem.hpp"

namespace passerelle::config {

/// Reads values and collects what is wrong with them. `directory`: where the files are that it
/// names.
class SideFile {
 public:
  SideFile(std::string directory, Problems& problems)
      : directory_(std::move(directory)), problems_(problems) {}

  std::string word(const Entry& entry);
  std::vector<std::string> words(const Entry& entry);
  std::string secret_from_file(const Entry& entry);
  /// https or http, with nothing behind the host.
  std::vector<std::string> origins(const Entry& entry);
  /// https; http for this machine only.
  std::string url(const Entry& entry);
  /// Whether the key was one of LtiGrants, which has it now.
  bool grant(const Entry& entry, LtiGrants& grants);
  void unknown(const Entry& entry, const std::vector<std::string_view>& known);
  void wrong(const Mark& mark, std::string words);

 private:
  std::string directory_;
  Problems& problems_;
};

/// Parses `text`, calls `each` for every entry of its map. Errc::invalid holds every problem of the
/// file, one a line as "file:line:column: what"; never a secret.
Result<void> read_side_file(std::string_view text,
                            const std::string& file,
                            const std::function<void(SideFile&, const Entry&)>& each);

}  // namespace passerelle::config
