// Branding: the site's own colour, made legible. A configured colour is nudged, light and dark
// theme each, until text in it and on it has the contrast that WCAG 2.2 asks for (4.5:1); the hue
// stays.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace passerelle::web {

struct Colour {
  double red = 0;  ///< 0..1, sRGB
  double green = 0;
  double blue = 0;
};

/// "#1f5fbf" or "#15b"; nothing for anything else.
std::optional<Colour> parse_colour(std::string_view text) noexcept;
std::string to_text(Colour colour);
/// WCAG's contrast ratio, 1..21.
double contrast(Colour a, Colour b) noexcept;
/// The stylesheet that sets --accent and what follows from it, in both themes.
std::string branding_css(Colour colour);

}  // namespace passerelle::web
