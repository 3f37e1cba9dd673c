// Messages: every sentence a person reads, by key, in each language. The texts stand in
// web/messages.<language>.json; this file looks them up and fills in their {placeholders}. Which
// language a person reads is decided by negotiate().
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace passerelle::web {

/// The first one is spoken to people whose language we do not have.
inline constexpr std::array<std::string_view, 2> kLanguages = {"en", "fr"};

/// The cookie that remembers a person's choice; the hub sets it in answer to /hub/language (see
/// Frame::path).
inline constexpr std::string_view kLanguageCookie = "passerelle-lang";

/// `cookie` (the value of kLanguageCookie) wins if it names a language we have; else
/// Accept-Language by its weights (RFC 9110, 12.5.4; "fr-CA" is served French); else English. Never
/// fails, whatever a browser sends.
std::string_view negotiate(std::string_view accept_language, std::string_view cookie) noexcept;

class Messages {
 public:
  using Values = std::map<std::string, std::string, std::less<>>;

  /// Reads the embedded files. Errc::internal names the key when languages differ in keys or
  /// placeholders.
  static Result<Messages> load();

  /// Nothing if there is no such key. `language` is one of kLanguages, any other is read as
  /// English.
  const std::string* find(std::string_view language, std::string_view key) const noexcept;
  /// The sentence with its placeholders filled in, as plain text (not HTML). An unknown key is
  /// shown as it is: a plug-in's message that lacks a translation must not take a page down.
  /// Unknown placeholders stay empty.
  std::string text(std::string_view language,
                   std::string_view key,
                   const Values& values = {}) const;
  std::vector<std::string_view> keys() const;

 private:
  using Texts = std::map<std::string, std::string, std::less<>>;
  std::array<Texts, kLanguages.size()> texts_;
};

/// The names between braces, in order of appearance: "Hello {name}" -> name.
std::vector<std::string> placeholders(std::string_view text);

}  // namespace passerelle::web
