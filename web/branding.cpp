#include "web/branding.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace passerelle::web {
namespace {

constexpr double kLegible =
    4.6;  // A little above the 4.5 that is asked for: colours are rounded to 8 bits.
constexpr Colour kWhite{1, 1, 1};
constexpr Colour kBlack{0, 0, 0};
// The surfaces of static/style.css on which the accent is used as a text colour, the least
// favourable of each theme.
constexpr Colour kLightSurface{0.933, 0.945, 0.953};
constexpr Colour kDarkSurface{0.133, 0.153, 0.176};

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

double linear(double channel) noexcept {
  return channel <= 0.04045 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
}

double luminance(Colour c) noexcept {
  return 0.2126 * linear(c.red) + 0.7152 * linear(c.green) + 0.0722 * linear(c.blue);
}

Colour mix(Colour from, Colour to, double share) noexcept {
  const auto channel = [share](double a, double b) { return a + (b - a) * share; };
  return {channel(from.red, to.red), channel(from.green, to.green), channel(from.blue, to.blue)};
}

// The least change towards black or white that is legible on that surface.
Colour towards(Colour colour, Colour end, Colour surface) noexcept {
  for (double share = 0; share < 1; share += 0.02) {
    const Colour candidate = mix(colour, end, share);
    if (contrast(candidate, surface) >= kLegible) return candidate;
  }
  return end;
}

std::string theme(Colour accent, Colour strong, Colour on_accent, Colour soft) {
  return "--accent:" + to_text(accent) + ";--accent-strong:" + to_text(strong) +
         ";--on-accent:" + to_text(on_accent) + ";--accent-soft:" + to_text(soft);
}

}  // namespace

std::optional<Colour> parse_colour(std::string_view text) noexcept {
  if ((text.size() != 7 && text.size() != 4) || text[0] != '#') return std::nullopt;
  const std::size_t digits = (text.size() - 1) / 3;
  std::array<double, 3> channels{};
  for (std::size_t i = 0; i < 3; ++i) {
    const int high = hex_digit(text[1 + i * digits]);
    const int low = hex_digit(text[i * digits + digits]);
    if (high < 0 || low < 0) return std::nullopt;
    channels[i] = (high * 16 + low) / 255.0;
  }
  return Colour{channels[0], channels[1], channels[2]};
}

std::string to_text(Colour colour) {
  const auto byte = [](double channel) {
    return static_cast<int>(std::lround(std::clamp(channel, 0.0, 1.0) * 255));
  };
  std::array<char, 8> out{};
  std::snprintf(out.data(), out.size(), "#%02x%02x%02x", byte(colour.red) & 0xFF,
                byte(colour.green) & 0xFF, byte(colour.blue) & 0xFF);
  return out.data();
}

double contrast(Colour a, Colour b) noexcept {
  const double la = luminance(a) + 0.05;
  const double lb = luminance(b) + 0.05;
  return la > lb ? la / lb : lb / la;
}

std::string branding_css(Colour colour) {
  const Colour light = towards(colour, kBlack, kLightSurface);
  const Colour dark = towards(colour, kWhite, kDarkSurface);
  const Colour on_dark = contrast(dark, kBlack) > contrast(dark, kWhite) ? kBlack : kWhite;
  return ":root{" + theme(light, mix(light, kBlack, 0.18), kWhite, mix(light, kWhite, 0.88)) +
         "}\n@media (prefers-color-scheme:dark){:root{" +
         theme(dark, mix(dark, kWhite, 0.2), mix(on_dark, colour, 0.08),
               mix(kDarkSurface, dark, 0.14)) +
         "}}\n";
}

}  // namespace passerelle::web
