#include "web/render.hpp"

#include <kainjow/mustache.hpp>

#include "base/files.hpp"
#include "base/log.hpp"
#include "base/secrets.hpp"
#include "base/text.hpp"
#include "web/assets.hpp"
#include "web/branding.hpp"
#include "web/template.hpp"

namespace passerelle::web {
namespace {

namespace mustache = kainjow::mustache;

constexpr std::size_t kLargestLogo = 256U << 10U;
constexpr std::size_t kHashDigits = 12;
constexpr std::string_view kStatic = "static/";
constexpr std::string_view kTemplates = "templates/";

std::string_view content_type(std::string_view path) {
  if (path.ends_with(".css")) return "text/css; charset=utf-8";
  if (path.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (path.ends_with(".svg")) return "image/svg+xml";
  return path.ends_with(".png") ? "image/png" : "application/octet-stream";
}

StaticFile make_file(std::string content, std::string_view type) {
  std::string hash = secrets::sha256_hex(content).substr(0, kHashDigits);
  return {std::move(content), std::string(type), std::move(hash)};
}

// Mustache takes an empty string for true; a page never means that.
mustache::data to_mustache(const Json& value) {
  if (value.is_object()) {
    mustache::data out;
    for (const auto& [key, item] : value.items()) out.set(key, to_mustache(item));
    return out;
  }
  if (value.is_array()) {
    mustache::data out(mustache::data::type::list);
    for (const Json& item : value) out << to_mustache(item);
    return out;
  }
  if (value.is_string() && !value.get_ref<const std::string&>().empty())
    return value.get<std::string>();
  if (value.is_number()) return value.dump();
  return value.is_boolean() && value.get<bool>();
}

bool safe_link(std::string_view url) {
  const bool known =
      url.starts_with("https://") || url.starts_with("http://") || url.starts_with("mailto:");
  return known || (url.starts_with('/') && text::safe_next(url));
}

struct Page {
  Contract contract;
  std::map<std::string_view, mustache::mustache, std::less<>> by_language;
};

}  // namespace

struct Renderer::Parts {
  std::string base_url;
  config::Branding branding;
  Messages messages;
  Contract frame;
  std::map<std::string, StaticFile, std::less<>> files;
  std::map<std::string, Page, std::less<>> pages;

  Result<void> add_files();
  Result<void> add_logo();
  Result<void> add_picture(const std::string& name, const std::string& path);
  Result<void> add_page(const std::string& name, const AssetUrl& asset_url);
  Json frame_view(const Frame& frame) const;
};

Result<void> Renderer::Parts::add_files() {
  for (std::size_t i = 0; i < kAssetCount; ++i) {
    if (!kAssets[i].path.starts_with(kStatic)) continue;
    const std::string path(kAssets[i].path.substr(kStatic.size()));
    files[path] = make_file(std::string(kAssets[i].content), content_type(path));
  }
  const std::optional<Colour> colour = parse_colour(branding.colour);
  if (!colour)
    return Error(Errc::invalid,
                 "branding.colour: not a colour such as #1f5fbf: " + branding.colour);
  files["branding.css"] = make_file(branding_css(*colour), "text/css; charset=utf-8");
  for (const config::Link& link : branding.links)
    if (!safe_link(link.url))
      return Error(Errc::invalid, "branding.links: not a web or mail address: " + link.url);
  return add_logo();
}

Result<void> Renderer::Parts::add_logo() {
  if (branding.logo.empty()) {
    files["logo"] = files["logo.svg"];
    return {};
  }
  if (Result<void> added = add_picture("logo", branding.logo); !added)
    return std::move(added).error().within("branding.logo");
  return {};
}

Result<void> Renderer::Parts::add_picture(const std::string& name, const std::string& path) {
  Result<std::string> content = files::read(path, kLargestLogo);
  if (!content) return Error(Errc::invalid, content.error().message());
  const bool is_png = content->starts_with("\x89PNG");
  files[name] = make_file(std::move(*content), is_png ? "image/png" : "image/svg+xml");
  return {};
}

Result<void> Renderer::Parts::add_page(const std::string& name, const AssetUrl& asset_url) {
  Page page;
  for (const std::string_view language : kLanguages) {
    Result<Source> source = read_template(name, language, messages, asset_url, frame);
    if (!source) return std::move(source).error();
    mustache::mustache parsed(source->text);
    if (!parsed.is_valid())
      return Error(Errc::internal, name + ".mustache: " + parsed.error_message());
    parsed.set_custom_escape([](const std::string& raw) { return text::html_escape(raw); });
    page.by_language.emplace(language, std::move(parsed));
    page.contract = std::move(source->contract);
  }
  pages.emplace(name, std::move(page));
  return {};
}

Json Renderer::Parts::frame_view(const Frame& frame_in) const {
  Json view = {{"base", base_url},           {"own_logo", !branding.logo.empty()},
               {"brand", branding.name},     {"csrf", frame_in.csrf},
               {"csrf_field", kCsrfField},   {"next", text::percent_encode(frame_in.path)},
               {"languages", Json::array()}, {"links", Json::array()}};
  for (const std::string_view language : kLanguages)
    view["languages"].push_back({{"code", language},
                                 {"name", *messages.find(language, "language.name")},
                                 {"current", language == frame_in.language}});
  for (const config::Link& link : branding.links)
    view["links"].push_back({{"url", link.url}, {"text", words(link.text, link.url)}});
  if (frame_in.person) {
    const Frame::Person& person = *frame_in.person;
    view["person"] = {{"name", person.display_name.empty() ? person.username : person.display_name},
                      {"admin", person.admin}};
  }
  if (frame_in.notice)
    view["notice"] = {{"level", frame_in.notice->level}, {"words", frame_in.notice->text}};
  return view;
}

Renderer::Renderer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Renderer::~Renderer() = default;

std::string content_security_policy(std::string_view frame_ancestors, std::string_view posts_to) {
  std::string policy =
      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src "
      "'self'; form-action 'self'";
  if (!posts_to.empty()) policy.append(" ").append(posts_to);
  return policy.append("; base-uri 'none'; frame-ancestors ").append(frame_ancestors);
}

Result<std::unique_ptr<Renderer>> Renderer::make(
    const std::string& base_url,
    const config::Branding& branding,
    const std::map<std::string, std::string>& pictures) {
  Result<Messages> messages = Messages::load();
  if (!messages) return std::move(messages).error();
  Result<Contract> frame = read_contract("_head");
  if (!frame) return std::move(frame).error();
  auto parts = std::make_unique<Parts>();
  parts->base_url = base_url;
  parts->branding = branding;
  parts->messages = std::move(*messages);
  parts->frame = std::move(*frame);
  const Result<void> files = parts->add_files();
  if (!files) return files.error();
  for (const auto& [name, path] : pictures)
    if (Result<void> added = parts->add_picture(name, path); !added)
      return std::move(added).error().within(name);
  std::unique_ptr<Renderer> renderer(new Renderer(std::move(parts)));
  const AssetUrl asset_url = [&renderer](std::string_view path) {
    return renderer->file(path) ? renderer->asset_url(path) : std::string();
  };
  for (std::size_t i = 0; i < kAssetCount; ++i) {
    std::string_view name = kAssets[i].path;
    if (!name.starts_with(kTemplates) || name.starts_with("templates/_")) continue;
    name = name.substr(kTemplates.size());
    const Result<void> added =
        renderer->parts_->add_page(std::string(name.substr(0, name.find('.'))), asset_url);
    if (!added) return added.error();
  }
  return renderer;
}

std::string Renderer::page(std::string_view name, const Frame& frame, const Json& view) {
  const auto found = parts_->pages.find(name);
  if (found == parts_->pages.end()) {
    log::error("web", "no such page", {{"page", name}});
    return {};
  }
  for (const std::string& complaint : complaints(name, view))
    log::error("web", "view does not fit its page", {{"page", name}, {"complaint", complaint}});
  Json all = view;
  all["frame"] = parts_->frame_view(frame);
  const auto template_of = found->second.by_language.find(frame.language);
  auto& parsed = template_of == found->second.by_language.end()
                     ? found->second.by_language.begin()->second
                     : template_of->second;
  std::string html;
  parsed.render(to_mustache(resolve(all, parts_->messages, frame.language, frame.now)),
                [&html](const std::string& piece) { html += piece; });
  return html;
}

std::vector<std::string> Renderer::complaints(std::string_view name, const Json& view) const {
  const auto found = parts_->pages.find(name);
  if (found == parts_->pages.end()) return {"no such page: " + std::string(name)};
  return found->second.contract.complaints(view);
}

const StaticFile* Renderer::file(std::string_view path) const noexcept {
  const auto found = parts_->files.find(path);
  return found == parts_->files.end() ? nullptr : &found->second;
}

std::string Renderer::asset_url(std::string_view path) const {
  const StaticFile* const found = file(path);
  return parts_->base_url + "hub/static/" + std::string(path) + "?v=" + (found ? found->hash : "");
}

const Messages& Renderer::messages() const noexcept {
  return parts_->messages;
}

}  // namespace passerelle::web
