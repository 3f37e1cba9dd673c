// Templates: reads web/templates/*.mustache and makes one ready Mustache source per page and
// language. Beyond Mustache:
//   {{> name}}          the file templates/_name.mustache stands here (expanded once, at start)
//   [[home.title]]      the message of that key; its {placeholders} become {{tags}} of the view
//   [[asset style.css]] the address of a file of web/static, with the hash of its content
// Unescaped tags ("{{{", "{{&") are refused, so is every tag that the page's contract does not
// name.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "web/contract.hpp"
#include "web/messages.hpp"

namespace passerelle::web {

struct Source {
  std::string text;
  Contract contract;
};

/// Empty: there is no such file.
using AssetUrl = std::function<std::string(std::string_view path)>;

/// The page of that name ("home") in that language. `frame` declares what every page is told under
/// "frame.".
Result<Source> read_template(std::string_view page,
                             std::string_view language,
                             const Messages& messages,
                             const AssetUrl& asset_url,
                             const Contract& frame);

/// The contract at the head of templates/<file>.mustache alone.
Result<Contract> read_contract(std::string_view file);

}  // namespace passerelle::web
