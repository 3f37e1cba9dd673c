#include "auth/ldap/directory.hpp"

#include <algorithm>

#include <unistd.h>

#include "base/log.hpp"

namespace passerelle::auth::ldap {
namespace {

constexpr std::size_t kThreads = 4;
constexpr std::size_t kLongestQueue = 256;  // some 30 s of sign-ins; more are told to come again
constexpr seconds kShunned{60};

bool is_down(const Error& error) {
  return error.code() == Errc::unavailable || error.code() == Errc::timeout;
}

std::string system_authorities() {
  for (const char* file : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"})
    if (::access(file, R_OK) == 0) return file;
  return "/etc/ssl/certs/ca-certificates.crt";
}

}  // namespace

Result<std::vector<Target>> targets_of(const config::LdapAuthenticator& settings) {
  std::vector<Target> out;
  const bool plain = settings.tls == "none" || (settings.tls.empty() && !settings.starttls);
  for (const std::string& text : settings.uri) {
    auto uri = parse_uri(text);
    if (!uri) return Error(Errc::invalid, text + ": " + uri.error().message());
    Target target;
    target.text = text;
    target.tls = uri->scheme == Uri::Scheme::ldaps || (uri->scheme == Uri::Scheme::ldap && !plain);
    target.uri = std::move(*uri);
    target.ca_file = settings.ca_file.empty() ? system_authorities() : settings.ca_file;
    out.push_back(std::move(target));
  }
  if (out.empty()) return Error(Errc::invalid, "an ldap authenticator needs a `uri`");
  return out;
}

Directory::Directory(std::string name,
                     const config::LdapAuthenticator& settings,
                     std::vector<Target> targets,
                     const Clock& clock)
    : name_(std::move(name)),
      settings_(settings),
      targets_(std::move(targets)),
      clock_(clock),
      breaker_(clock),
      shunned_until_(targets_.size()),
      workers_(kThreads, kLongestQueue) {}

// What still waits for a thread is not begun: the hub does not stop for it.
Directory::~Directory() {
  stopping_ = true;
}

std::vector<std::size_t> Directory::order() const {
  std::vector<std::size_t> out(targets_.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = i;
  const Instant now = clock_.now();
  const std::lock_guard lock(mutex_);
  std::stable_partition(out.begin(), out.end(),
                        [&](std::size_t i) { return shunned_until_[i] <= now; });
  return out;
}

void Directory::mark(std::size_t target, bool good) {
  const std::lock_guard lock(mutex_);
  shunned_until_[target] = good ? Instant() : clock_.now() + kShunned;
}

void Directory::each_server(Deadline deadline, const Step& step, const Fail& fail) {
  if (stopping_) return fail(Error(Errc::unavailable, "the gateway stops"));
  if (std::chrono::steady_clock::now() >= deadline)
    return fail(Error(Errc::timeout, "no thread was free in time"));
  if (!breaker_.admit())
    return fail(Error(Errc::unavailable,
                      "the directory did not answer of late; it is tried again "
                      "in a few seconds"));
  for (const std::size_t i : order()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline || stopping_) break;
    auto connection =
        Connection::open(targets_[i], std::min(deadline, now + settings_.connect_timeout));
    Result<void> done = connection ? step(*connection) : Result<void>(connection.error());
    if (done || !is_down(done.error())) {
      mark(i, true);
      breaker_.succeeded();
      if (!done) fail(std::move(done).error());
      return;
    }
    mark(i, false);
    log::error("ldap", "a directory server cannot be used",
               {{"authenticator", name_}, {"why", done.error().message()}});
    fail(std::move(done).error());
  }
  breaker_.failed();
  if (breaker_.open())
    log::error("ldap", "no directory server can be used; asking rests for a while",
               {{"authenticator", name_}});
}

}  // namespace passerelle::auth::ldap
