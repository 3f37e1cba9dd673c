// Which field name is whose: a perfect hash over the names somebody here decides about, searched
// for at compile time. Inlined into the head scanner.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "proxy/head.hpp"

namespace passerelle::proxy {

namespace names {

struct Known {
  std::string_view name;
  FieldId id;
};

inline constexpr Known kKnown[] = {
    {"accept-language", FieldId::accept_language},
    {"alt-svc", FieldId::alt_svc},
    {"authorization", FieldId::authorization},
    {"clear-site-data", FieldId::clear_site_data},
    {"connection", FieldId::connection},
    {"content-length", FieldId::content_length},
    {"content-security-policy", FieldId::content_security_policy},
    {"content-type", FieldId::content_type},
    {"cookie", FieldId::cookie},
    {"date", FieldId::date},
    {"expect", FieldId::expect},
    {"forwarded", FieldId::forwarded},
    {"host", FieldId::host},
    {"http2-settings", FieldId::http2_settings},
    {"keep-alive", FieldId::keep_alive},
    {"location", FieldId::location},
    {"max-forwards", FieldId::max_forwards},
    {"nel", FieldId::nel},
    {"origin", FieldId::origin},
    {"proxy-authenticate", FieldId::proxy_authenticate},
    {"proxy-authorization", FieldId::proxy_authorization},
    {"proxy-connection", FieldId::proxy_connection},
    {"referer", FieldId::referer},
    {"report-to", FieldId::report_to},
    {"sec-fetch-mode", FieldId::sec_fetch_mode},
    {"sec-fetch-site", FieldId::sec_fetch_site},
    {"sec-websocket-accept", FieldId::sec_websocket_accept},
    {"sec-websocket-key", FieldId::sec_websocket_key},
    {"sec-websocket-version", FieldId::sec_websocket_version},
    {"server", FieldId::server},
    {"service-worker", FieldId::service_worker},
    {"service-worker-allowed", FieldId::service_worker_allowed},
    {"set-cookie", FieldId::set_cookie},
    {"strict-transport-security", FieldId::strict_transport_security},
    {"te", FieldId::te},
    {"traceparent", FieldId::traceparent},
    {"trailer", FieldId::trailer},
    {"transfer-encoding", FieldId::transfer_encoding},
    {"upgrade", FieldId::upgrade},
    {"user-agent", FieldId::user_agent},
    {"via", FieldId::via},
    {"x-forwarded-for", FieldId::x_forwarded_for},
    {"x-forwarded-host", FieldId::x_forwarded_host},
    {"x-forwarded-port", FieldId::x_forwarded_port},
    {"x-forwarded-proto", FieldId::x_forwarded_proto},
    {"x-frame-options", FieldId::x_frame_options},
    {"x-real-ip", FieldId::x_real_ip},
    {"x-scheme", FieldId::x_scheme},
};

inline constexpr std::size_t kSlots = 256;
inline constexpr std::uint8_t kEmpty = 0xff;

/// Length, first and last two characters tell all known names apart; setting bit 5 folds the case.
constexpr std::size_t slot_of(std::string_view name, std::uint32_t factor) noexcept {
  const auto at = [name](std::size_t i) {
    return static_cast<std::uint32_t>(name[i] | 0x20) & 0xffU;
  };
  const std::uint32_t key = static_cast<std::uint32_t>(name.size()) | at(0) << 8U |
                            at(name.size() - 1) << 16U | at(name.size() - 2) << 24U;
  return (key * factor) >> 24U;
}

struct Table {
  std::uint32_t factor = 0;
  std::array<std::uint8_t, kSlots> index{};
};

consteval Table make_table() {
  for (std::uint32_t factor = 0x9e3779b1U;; factor += 2) {
    Table table{factor, {}};
    table.index.fill(kEmpty);
    bool clash = false;
    for (std::size_t i = 0; i < std::size(kKnown) && !clash; ++i) {
      std::uint8_t& slot = table.index[slot_of(kKnown[i].name, factor)];
      clash = slot != kEmpty;
      slot = static_cast<std::uint8_t>(i);
    }
    if (!clash) return table;
  }
}

inline constexpr Table kTable = make_table();
inline constexpr std::string_view kXForwarded = "x-forwarded-";

template <class Word>
Word load(const char* at) noexcept {
  Word word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// By words, the last of which may overlap the one before; both are at least a word long.
template <class Word>
bool same_words(const char* name, const char* lower, std::size_t size) noexcept {
  constexpr auto kFold = static_cast<Word>(0x2020202020202020U);
  for (std::size_t i = 0; i + sizeof(Word) < size; i += sizeof(Word)) {
    if ((load<Word>(name + i) | kFold) != load<Word>(lower + i)) return false;
  }
  const std::size_t last = size - sizeof(Word);
  return (load<Word>(name + last) | kFold) == load<Word>(lower + last);
}

}  // namespace names

/// Both are token characters; `lower` is written in lower case with letters, digits and "-" only.
inline bool is_name(std::string_view name, std::string_view lower) noexcept {
  const std::size_t size = lower.size();
  if (name.size() != size) return false;
  if (size >= 8) return names::same_words<std::uint64_t>(name.data(), lower.data(), size);
  if (size >= 4) return names::same_words<std::uint32_t>(name.data(), lower.data(), size);
  for (std::size_t i = 0; i < size; ++i) {
    if (static_cast<char>(name[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

/// Any case. `name` must consist of token characters (RFC 9110, 5.6.2); the scanner has seen to
/// that.
inline FieldId identify_field(std::string_view name) noexcept {
  if (name.size() < 2) return FieldId::other;
  const std::uint8_t index = names::kTable.index[names::slot_of(name, names::kTable.factor)];
  if (index != names::kEmpty && is_name(name, names::kKnown[index].name))
    return names::kKnown[index].id;
  const bool forwarded = name.size() > names::kXForwarded.size() &&
                         is_name(name.substr(0, names::kXForwarded.size()), names::kXForwarded);
  return forwarded ? FieldId::x_forwarded_any : FieldId::other;
}

}  // namespace passerelle::proxy
