// The authenticator "header": a web server in front has signed the person in and says who it is in
// header fields. That they come from there is checked before we see them (headers_from); here, that
// each is there once, in one spelling, and that the web server knows the secret, if there is one.

#include <algorithm>

#include "auth/authenticator.hpp"
#include "auth/name.hpp"
#include "base/field_name.hpp"
#include "base/secrets.hpp"

namespace passerelle::auth {
namespace header {
namespace {

constexpr std::size_t kLongestGroup = 256;
constexpr std::size_t kMostGroups = 1000;
constexpr int kForbidden = 403;

using Headers = std::vector<std::pair<std::string, std::string>>;

/// A field's value, if it came once.
struct Field {
  bool there = false;
  bool doubtful = false;  ///< Twice, or in a spelling that other programs take for it.
  std::string value;
};

std::string utf8_from_latin1(std::string_view raw) {
  constexpr unsigned kAscii = 0x80;
  constexpr unsigned kLead = 0xc0;
  constexpr unsigned kTail = 0x3f;
  constexpr unsigned kTailBits = 6;
  std::string out;
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < kAscii) {
      out += c;
    } else {
      out += static_cast<char>(kLead | (byte >> kTailBits));
      out += static_cast<char>(kAscii | (byte & kTail));
    }
  }
  return out;
}

ShowForm refusal(std::string_view code, std::string detail = "") {
  ShowForm form;
  form.status = kForbidden;
  form.code = code;
  form.message = "sign-in.header." + std::string(code);
  form.detail = std::move(detail);
  return form;
}

class Header final : public Authenticator {
 public:
  explicit Header(const config::Authenticator& settings)
      : name_(settings.name), settings_(settings.header), groups_(settings.groups) {}

  const std::string& name() const noexcept override { return name_; }
  SignInOffer offer() const override;
  std::vector<std::string> headers_from() const override { return settings_.from; }
  Task<Result<AuthAnswer>> handle(AuthRequest request) override;
  std::string sign_out_url(const std::string& hint, const std::string& back) const override;

 private:
  Field field_of(const Headers& headers, const std::string& name) const;
  bool knows_secret(const Headers& headers) const;
  AuthAnswer sign_in(const Headers& headers) const;
  std::vector<std::string> groups_of(const std::string& joined) const;

  const std::string name_;
  const config::HeaderAuthenticator settings_;
  const std::vector<std::string> groups_;
};

SignInOffer Header::offer() const {
  SignInOffer offer;
  offer.kind = SignInOffer::Kind::button;
  return offer;
}

Task<Result<AuthAnswer>> Header::handle(AuthRequest request) {
  if (request.path != "login") co_return Error(Errc::not_found, "no such page");
  if (request.method == "POST") co_return AuthAnswer(ShowForm{});
  AuthAnswer answer = sign_in(request.headers);
  if (auto* form = std::get_if<ShowForm>(&answer)) form->next = request.next;
  co_return answer;
}

Field Header::field_of(const Headers& headers, const std::string& name) const {
  Field field;
  if (name.empty()) return field;
  for (const auto& [key, value] : headers) {
    if (!field_name::alike(key, name)) continue;
    field.doubtful = field.doubtful || field.there || !text::iequals(key, name);
    field.there = true;
    field.value = text::trim(value);
  }
  if (settings_.encoding == "latin-1") field.value = utf8_from_latin1(field.value);
  if (!field.value.empty() && !text::is_utf8(field.value)) field.doubtful = true;
  return field;
}

bool Header::knows_secret(const Headers& headers) const {
  if (settings_.secret.empty()) return true;
  const Field said = field_of(headers, settings_.secret_header);
  return said.there && !said.doubtful && secrets::equal(said.value, settings_.secret.value);
}

// shibd joins values with the separator and writes "\;" for one inside a value.
std::vector<std::string> Header::groups_of(const std::string& joined) const {
  const char separator = settings_.groups_separator.front();
  std::vector<std::string> groups = groups_;
  std::string word;
  const auto finish = [&] {
    const std::string group(text::trim(word));
    word.clear();
    if (group.empty() || group.size() > kLongestGroup || groups.size() == kMostGroups) return;
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
  };
  for (std::size_t i = 0; i < joined.size(); ++i) {
    if (joined[i] == '\\' && i + 1 < joined.size() && joined[i + 1] == separator)
      word += joined[++i];
    else if (joined[i] == separator)
      finish();
    else
      word += joined[i];
  }
  finish();
  return groups;
}

AuthAnswer Header::sign_in(const Headers& headers) const {
  if (headers.empty()) return refusal("not-from-there");
  if (!knows_secret(headers)) {
    ShowForm guess = refusal("secret-wrong");
    guess.failed = true;
    return guess;
  }
  const Field user = field_of(headers, settings_.user_header);
  const Field shown = field_of(headers, settings_.name_header);
  const Field mail = field_of(headers, settings_.mail_header);
  const Field groups = field_of(headers, settings_.groups_header);
  for (const auto& [field, name] :
       {std::pair{&user, &settings_.user_header}, std::pair{&shown, &settings_.name_header},
        std::pair{&mail, &settings_.mail_header}, std::pair{&groups, &settings_.groups_header}})
    if (field->doubtful) return refusal("doubtful", *name);
  if (!user.there || user.value.empty()) return refusal("absent", settings_.user_header);
  if (!is_subject(user.value)) return refusal("user-invalid");
  SignedIn in;
  in.identity.authenticator = name_;
  in.identity.subject = settings_.case_sensitive ? user.value : text::ascii_lower(user.value);
  in.identity.username_hint = in.identity.subject;
  in.identity.display_name = cut_name(shown.value.empty() ? user.value : shown.value);
  in.identity.groups = groups_of(groups.value);
  AuthState state;
  if (!mail.value.empty()) state.attributes["mail"] = {mail.value};
  in.state = std::move(state);
  return in;
}

std::string Header::sign_out_url(const std::string& /*hint*/, const std::string& back) const {
  constexpr std::string_view kBack = "{back}";
  std::string url = settings_.sign_out_url;
  if (const std::size_t at = url.find(kBack); at != std::string::npos)
    url.replace(at, kBack.size(), text::percent_encode(back));
  return url;
}

}  // namespace
}  // namespace header

Result<std::unique_ptr<Authenticator>> make_header(const config::Authenticator& settings,
                                                   Surroundings /*around*/) {
  if (settings.header.from.empty() || settings.header.user_header.empty() ||
      settings.header.groups_separator.size() != 1)
    return Error(Errc::invalid,
                 "authenticator " + settings.name + ": `from` or `user_header` is missing");
  return std::unique_ptr<Authenticator>(std::make_unique<header::Header>(settings));
}

}  // namespace passerelle::auth
