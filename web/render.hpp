// Renderer: views in, HTML out; and the files that the pages fetch. It knows no HTTP: the hub
// serves what file() gives below {base_url}hub/static/, sends content_security_policy() with every
// page, and tells each page its Frame.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "config/settings.hpp"
#include "web/messages.hpp"
#include "web/view.hpp"

namespace passerelle::web {

/// For every HTML answer. Pages hold no inline script or style. `frame_ancestors`: who may show it
/// in a frame ("'none'"; sources with spaces between). `posts_to`: another site's origin that a
/// form may go to; empty: none.
std::string content_security_policy(std::string_view frame_ancestors,
                                    std::string_view posts_to = {});

/// The hidden field of every POST form of ours that carries Frame::csrf (JupyterHub's name for it).
inline constexpr std::string_view kCsrfField = "_xsrf";

/// What every page is told, whatever it is about.
struct Frame {
  struct Person {
    std::string username;
    std::string display_name;  ///< Empty: the username is shown.
    bool admin = false;        ///< The page of everybody is theirs to see.
  };
  /// A line above the page's content: "You are signed out."
  struct Notice {
    std::string_view level = "info";  ///< "info", "success", "warning", "failure"
    Json text;                        ///< say(...), words(...) or a string
  };

  std::string language = "en";  ///< From negotiate().
  /// Path and query under which a GET shows this page again (after a POST: the page that has the
  /// form). The language links lead to {base_url}hub/language?to=fr&next=<this>; the hub answers
  /// them with 303 to safe_next(next) and Set-Cookie kLanguageCookie=<to> (Path={base_url};
  /// Max-Age=31536000; SameSite=Lax; HttpOnly; Secure under https).
  std::string path;
  std::string csrf;  ///< For the form field kCsrfField.
  std::optional<Person>
      person;  ///< Signed in: the header shows who, their devices, and the sign-out button.
  std::optional<Notice> notice;
  Instant now{};  ///< "5 min ago" is told from here.
};

/// One thing that browsers fetch; lives as long as the Renderer.
struct StaticFile {
  std::string content;
  std::string content_type;
  std::string
      hash;  ///< Of the content: ETag, and the ?v= of asset_url (with it: cache for a year).
};

class Renderer {
 public:
  /// Reads all templates and messages. `base_url` has both slashes. Errc::invalid for branding that
  /// cannot be used (colour, logo file, link), Errc::internal for a template or message that is
  /// wrong. `pictures`: further files by the name they get below hub/static/, SVG or PNG.
  static Result<std::unique_ptr<Renderer>> make(
      const std::string& base_url,
      const config::Branding& branding,
      const std::map<std::string, std::string>& pictures = {});
  ~Renderer();
  Renderer(const Renderer&) = delete;
  Renderer& operator=(const Renderer&) = delete;

  /// `name` is a file of web/templates ("home"); what `view` must hold stands at its head. Always
  /// gives a page: what is wrong with the view is logged and left out of the page. One thread at a
  /// time.
  std::string page(std::string_view name, const Frame& frame, const Json& view);

  /// What page() would log: things missing from the view, or not in the page's contract. For tests.
  std::vector<std::string> complaints(std::string_view name, const Json& view) const;

  /// By its path below hub/static/ ("style.css", "branding.css", "logo"); nothing if there is none.
  const StaticFile* file(std::string_view path) const noexcept;
  /// "/hub/static/style.css?v=3f0c..."
  std::string asset_url(std::string_view path) const;
  const Messages& messages() const noexcept;

 private:
  struct Parts;
  explicit Renderer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace passerelle::web
