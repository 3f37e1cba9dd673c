// Which bytes may stand where in a head (RFC 9110, 5.5 and 5.6.2), and searches for the first one
// that may not: 16 bytes at a time where SSE2 exists. Private to the proxy; small enough to be
// inlined where every request passes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace passerelle::proxy {

/// plain: letters, digits and "-"; odd: what else a token may have.
enum class Token : std::uint8_t { none, odd, plain };

constexpr std::array<Token, 256> make_tokens() {
  std::array<Token, 256> tokens{};
  for (const char c : std::string_view("!#$%&'*+.^_`|~"))
    tokens[static_cast<unsigned char>(c)] = Token::odd;
  for (unsigned c = '0'; c <= '9'; ++c) tokens[c] = Token::plain;
  for (unsigned c = 'a'; c <= 'z'; ++c) tokens[c] = tokens[c - 0x20] = Token::plain;
  tokens['-'] = Token::plain;
  return tokens;
}
inline constexpr std::array<Token, 256> kTokens = make_tokens();

inline Token token_of(char c) noexcept {
  return kTokens[static_cast<unsigned char>(c)];
}

inline bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

inline bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

/// Without the blanks around it (and line ends, for text that is no head's).
inline std::string_view trimmed(std::string_view text) noexcept {
  const auto is_space = [](char c) { return is_blank(c) || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

#ifdef __SSE2__
/// Of 16 bytes, those that lie in [first, last].
inline __m128i between(__m128i bytes, char first, char last) noexcept {
  const __m128i above = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
  return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8(static_cast<char>(last - first))), above);
}

inline __m128i load16(const char* at) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}
#endif

/// The first control character, or `end`.
inline const char* find_control(const char* at, const char* end) noexcept {
#ifdef __SSE2__
  const __m128i below = _mm_set1_epi8(0x1f);
  const __m128i del = _mm_set1_epi8(0x7f);
  if (end - at >= 16) {
    const char* const last = end - 16;
    do {
      const __m128i bytes = load16(at);
      const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, below), bytes);
      const int hits = _mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(bytes, del)));
      if (hits != 0) return at + static_cast<unsigned>(__builtin_ctz(static_cast<unsigned>(hits)));
      at += 16;
    } while (at <= last);
  }
#endif
  while (at != end && !is_control(*at)) ++at;
  return at;
}

/// The first byte that is not Token::plain, or `end`.
inline const char* find_not_plain(const char* at, const char* end) noexcept {
#ifdef __SSE2__
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = load16(at);
    const __m128i letters = between(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
    const __m128i others =
        _mm_or_si128(between(bytes, '0', '9'), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));
    const int plain = _mm_movemask_epi8(_mm_or_si128(letters, others));
    if (plain != 0xffff)
      return at + static_cast<unsigned>(__builtin_ctz(~static_cast<unsigned>(plain)));
  }
#endif
  while (at != end && token_of(*at) == Token::plain) ++at;
  return at;
}

/// The first byte that is no visible ASCII character, or `end`.
inline const char* find_not_visible(const char* at, const char* end) noexcept {
#ifdef __SSE2__
  for (; end - at >= 16; at += 16) {
    const int visible = _mm_movemask_epi8(between(load16(at), '!', '~'));
    if (visible != 0xffff)
      return at + static_cast<unsigned>(__builtin_ctz(~static_cast<unsigned>(visible)));
  }
#endif
  while (at != end && *at > ' ' && *at < 0x7f) ++at;
  return at;
}

}  // namespace passerelle::proxy
