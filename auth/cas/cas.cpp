// The authenticator "cas": the browser goes to the CAS server and comes back with a ticket, which
// we hand to the server ourselves and learn who it is (CAS protocol 2.0 and 3.0). Our address there
// ("service") is made of public_url alone, never of what a request says (CVE-2022-39369).

#include <algorithm>

#include "auth/authenticator.hpp"
#include "auth/cas/flow.hpp"
#include "auth/cas/response.hpp"
#include "auth/name.hpp"
#include "base/log.hpp"
#include "base/secrets.hpp"

namespace passerelle::auth {
namespace cas {
namespace {

constexpr std::string_view kCallback = "callback";
constexpr std::size_t kLongestGroup = 256;
constexpr std::size_t kMostGroups = 1000;
constexpr std::size_t kMostAnswer = 256U * 1024U;
constexpr std::chrono::milliseconds kPatience{10'000};
constexpr int kOk = 200;
constexpr int kBadRequest = 400;
constexpr int kForbidden = 403;

class Cas final : public Authenticator {
 public:
  Cas(const config::Authenticator& settings, Surroundings around)
      : name_(settings.name),
        settings_(settings.cas),
        groups_(settings.groups),
        around_(std::move(around)) {
    while (settings_.url.ends_with('/')) settings_.url.pop_back();
  }

  const std::string& name() const noexcept override { return name_; }
  SignInOffer offer() const override;
  bool takes_foreign_post(std::string_view path) const noexcept override {
    return path == kCallback;
  }
  Task<Result<AuthAnswer>> handle(AuthRequest request) override;
  std::string sign_out_url(const std::string& hint, const std::string& back) const override;
  Task<std::vector<Finding>> check() override;

 private:
  std::string service_of(std::string_view state) const;
  HttpRequest validation_of(std::string_view ticket, const std::string& service) const;
  Task<Result<Validation>> ask_server(std::string ticket, std::string service);
  Redirect begin(const AuthRequest& request) const;
  AuthAnswer end_session(const AuthRequest& request) const;
  Task<Result<AuthAnswer>> come_back(AuthRequest request);
  Result<AuthAnswer> sign_in(Validated person, const std::string& ticket, FoundFlow flow) const;
  std::vector<std::string> groups_of(const Validated& person) const;

  const std::string name_;
  config::CasAuthenticator settings_;
  const std::vector<std::string> groups_;
  const Surroundings around_;
};

ShowForm refusal(std::string_view code, FoundFlow flow) {
  ShowForm form;
  form.status = kForbidden;
  form.code = code;
  form.message = "sign-in.cas." + std::string(code);
  form.next = std::move(flow.next);
  form.set_cookies = std::move(flow.set_cookies);
  return form;
}

/// The field of that name, if it is there once: of two, servers and we might take different ones.
std::string_view only_field(const text::Form& form, std::string_view name) {
  const auto named = [name](const auto& field) { return field.first == name; };
  return std::count_if(form.begin(), form.end(), named) == 1 ? text::field(form, name)
                                                             : std::string_view();
}

/// The only value of that attribute, or empty.
std::string only_value(const Validated& person, const std::string& attribute) {
  const auto at = person.attributes.find(attribute);
  return at == person.attributes.end() || at->second.size() != 1 ? "" : at->second.front();
}

SignInOffer Cas::offer() const {
  SignInOffer offer;
  offer.kind = SignInOffer::Kind::button;
  return offer;
}

std::string Cas::service_of(std::string_view state) const {
  return around_.origin + around_.path + std::string(kCallback) + "?state=" + std::string(state);
}

Redirect Cas::begin(const AuthRequest& request) const {
  BegunFlow flow = begin_flow(request.next, request, around_.clock.now());
  Redirect there;
  there.url = settings_.url + "/login?service=" + text::percent_encode(service_of(flow.state));
  if (settings_.renew) there.url += "&renew=true";
  if (settings_.gateway) there.url += "&gateway=true";
  there.set_cookies = std::move(flow.set_cookies);
  return there;
}

Task<Result<AuthAnswer>> Cas::handle(AuthRequest request) {
  const bool post = request.method == "POST";
  if (request.path == "login") {
    if (post) co_return AuthAnswer(ShowForm{});
    co_return AuthAnswer(begin(request));
  }
  if (request.path != kCallback) co_return Error(Errc::not_found, "no such page");
  if (post) co_return end_session(request);
  auto answer = co_await come_back(std::move(request));
  co_return answer;
}

// The request proves nothing but that its sender knows a ticket, which only the browser, the server
// and we ever saw. We keep its hash alone, and answer a stranger and the server alike.
AuthAnswer Cas::end_session(const AuthRequest& request) const {
  auto ticket = read_logout_request(text::field(request.form, "logoutRequest"));
  if (!ticket) {
    log::info(
        "auth", "what should end a session is no CAS logout request",
        {{"authenticator", name_}, {"peer", request.peer}, {"why", ticket.error().message()}});
    return Reply{kBadRequest, "text/plain; charset=utf-8", "no logout request\n", false};
  }
  EndSessions over;
  over.provider_session = secrets::sha256_hex(*ticket);
  return over;
}

Task<Result<AuthAnswer>> Cas::come_back(AuthRequest request) {
  const std::string state(only_field(request.query, "state"));
  auto flow = find_flow(state, request, around_.clock.now());
  if (!flow) co_return AuthAnswer(refusal("state-unknown", {}));
  const std::string ticket(only_field(request.query, "ticket"));
  // With `gateway` the server sends people back without one.
  if (ticket.empty()) co_return AuthAnswer(refusal("no-ticket", std::move(*flow)));
  Result<Validation> answer = Validation(NotValidated{"INVALID_TICKET"});
  if (is_ticket(ticket)) {
    std::string service = service_of(state);
    answer = co_await ask_server(ticket, std::move(service));
  }
  if (!answer) co_return std::move(answer).error();
  if (const auto* refused = std::get_if<NotValidated>(&*answer)) {
    const bool ours = refused->code.starts_with("INVALID_TICKET");
    ShowForm form = refusal(ours ? "ticket-invalid" : "service-refused", std::move(*flow));
    form.failed = ours;
    form.detail = refused->code;
    co_return AuthAnswer(std::move(form));
  }
  co_return sign_in(std::get<Validated>(std::move(*answer)), ticket, std::move(*flow));
}

HttpRequest Cas::validation_of(std::string_view ticket, const std::string& service) const {
  HttpRequest request;
  request.url = settings_.url + (settings_.version == "2" ? "" : "/p3") +
                "/serviceValidate?service=" + text::percent_encode(service) +
                "&ticket=" + text::percent_encode(ticket);
  if (settings_.renew) request.url += "&renew=true";
  request.headers = {{"Accept", "application/xml, text/xml"}};
  request.timeout = kPatience;
  request.most_body = kMostAnswer;
  request.ca_file = settings_.ca_file;
  return request;
}

// "Could not tell" in all its forms; why, is for the operators.
Task<Result<Validation>> Cas::ask_server(std::string ticket, std::string service) {
  HttpRequest request = validation_of(ticket, service);
  auto response = co_await around_.http.fetch(std::move(request));
  std::string why;
  if (!response) {
    why = response.error().message();
  } else if (response->status != kOk) {
    why = "status " + std::to_string(response->status);
  } else {
    auto read = read_validation(response->body);
    if (read) co_return read;
    why = read.error().message();
  }
  log::warn("auth", "the CAS server could not tell who somebody is",
            {{"authenticator", name_}, {"server", settings_.url}, {"why", why}});
  co_return Error(Errc::unavailable, "the CAS server does not answer as it should");
}

std::vector<std::string> Cas::groups_of(const Validated& person) const {
  std::vector<std::string> groups = groups_;
  const auto given = person.attributes.find(settings_.groups_attribute);
  if (settings_.groups_attribute.empty() || given == person.attributes.end()) return groups;
  for (const std::string& group : given->second) {
    if (group.empty() || group.size() > kLongestGroup || groups.size() == kMostGroups) continue;
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
  }
  return groups;
}

Result<AuthAnswer> Cas::sign_in(Validated person, const std::string& ticket, FoundFlow flow) const {
  if (!is_subject(person.user)) return AuthAnswer(refusal("user-invalid", std::move(flow)));
  SignedIn in;
  in.identity.authenticator = name_;
  in.identity.subject = settings_.case_sensitive ? person.user : text::ascii_lower(person.user);
  in.identity.username_hint = in.identity.subject;
  if (!settings_.username_attribute.empty()) {
    in.identity.username_hint = only_value(person, settings_.username_attribute);
    if (in.identity.username_hint.empty())
      return AuthAnswer(refusal("username-missing", std::move(flow)));
  }
  in.identity.display_name = cut_name(only_value(person, settings_.name_attribute));
  if (in.identity.display_name.empty()) in.identity.display_name = cut_name(person.user);
  in.identity.groups = groups_of(person);
  AuthState state;
  state.attributes = std::move(person.attributes);
  in.state = std::move(state);
  in.provider_session = secrets::sha256_hex(ticket);
  in.next = std::move(flow.next);
  in.set_cookies = std::move(flow.set_cookies);
  return AuthAnswer(std::move(in));
}

std::string Cas::sign_out_url(const std::string& /*hint*/, const std::string& back) const {
  if (!settings_.sign_out) return {};
  return settings_.url + "/logout?service=" + text::percent_encode(back);
}

// A ticket that cannot be: the server must say so, and it must know our address.
Task<std::vector<Finding>> Cas::check() {
  const std::string service = service_of("check");
  HttpRequest request = validation_of("ST-passerelle-check", service);
  auto response = co_await around_.http.fetch(std::move(request));
  Finding finding;
  finding.what = "validation: " + settings_.url;
  finding.level = Finding::Level::wrong;
  std::vector<Finding> findings;
  if (!response) {
    finding.advice = response.error().message() + "; check `url`, `ca_file` and the network";
  } else if (auto read = read_validation(response->body); response->status != kOk || !read) {
    finding.advice = "status " + std::to_string(response->status) +
                     ", and no CAS answer; check `url` (without `/login`) and `version`";
  } else if (const auto* refused = std::get_if<NotValidated>(&*read);
             refused != nullptr && refused->code.starts_with("INVALID_TICKET")) {
    finding.level = Finding::Level::good;
  } else {
    finding.advice = "it answers " + (refused == nullptr ? "a success" : refused->code) +
                     " to a made-up ticket; register " + service_of("") +
                     " with anything behind it as a service there";
  }
  findings.push_back(std::move(finding));
  co_return findings;
}

}  // namespace
}  // namespace cas

Result<std::unique_ptr<Authenticator>> make_cas(const config::Authenticator& settings,
                                                Surroundings around) {
  if (around.origin.empty())
    return Error(Errc::invalid, "authenticator " + settings.name + ": cas needs `public_url`");
  return std::unique_ptr<Authenticator>(std::make_unique<cas::Cas>(settings, std::move(around)));
}

}  // namespace passerelle::auth
