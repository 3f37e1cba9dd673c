#include "spawners/kubernetes/exec_plugin.hpp"

#include <array>
#include <ctime>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.hpp"
#include "spawners/kubernetes/object.hpp"
#include "spawners/kubernetes/process.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

using nlohmann::json;
using std::chrono::system_clock;

constexpr std::size_t kMost = 64U << 10U;
constexpr auto kLimit = std::chrono::seconds(30);
constexpr auto kBefore = std::chrono::seconds(60);  // clocks differ

/// Memory that a program may write into, and not more than kMost of it.
class Paper {
 public:
  Paper() : file_(::memfd_create("said", MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
    if (file_ < 0) return;
    bounded_ = ::ftruncate(file_, kMost) == 0 &&
               ::fcntl(file_, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) == 0;
  }
  ~Paper() {
    if (file_ >= 0) ::close(file_);
  }
  Paper(const Paper&) = delete;
  Paper& operator=(const Paper&) = delete;

  bool good() const { return file_ >= 0 && bounded_; }
  int file() const { return file_; }
  std::string text() const {
    std::string all(kMost, '\0');
    const auto got = ::pread(file_, all.data(), all.size(), 0);
    all.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return all.substr(0, all.find('\0'));
  }

 private:
  int file_;
  bool bounded_ = false;
};

/// "2026-11-22T20:00:00Z", as Kubernetes writes it.
std::optional<system_clock::time_point> time_of(const std::string& text) {
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr || text.back() != 'Z') return std::nullopt;
  return system_clock::from_time_t(::timegm(&parts));
}

}  // namespace

Result<ExecCredential> exec_credential(std::string_view written, const std::string& api_version) {
  const json document = json::parse(written, nullptr, false);
  if (text_in(document, "kind") != "ExecCredential" ||
      text_in(document, "apiVersion") != api_version)
    return Error(Errc::invalid, "it wrote no ExecCredential of " + api_version);
  const json& status = part(document, "status");
  ExecCredential credential{text_in(status, "token"), text_in(status, "clientCertificateData"),
                            text_in(status, "clientKeyData")};
  if (credential.cert_pem.empty() != credential.key_pem.empty())
    return Error(Errc::invalid, "it wrote a certificate without a key, or a key without one");
  if (credential.token.empty() && credential.cert_pem.empty())
    return Error(Errc::invalid, "it wrote neither a token nor a certificate");
  if (const std::string end = text_in(status, "expirationTimestamp"); !end.empty()) {
    const auto until = time_of(end);
    if (!until) return Error(Errc::invalid, "it wrote an expirationTimestamp that is none");
    credential.until = *until;
  }
  return credential;
}

bool ExecPlugin::is_fresh() const {
  return known_ && system_clock::now() < credential_.until - kBefore;
}

Task<Result<ExecCredential>> ExecPlugin::run() {
  const Paper said;
  const Paper complained;
  if (!said.good() || !complained.good())
    co_return Error(Errc::exhausted, Cause::spawner_down, "no memory for a program's words");
  const json info = {{"apiVersion", settings_.api_version},
                     {"kind", "ExecCredential"},
                     {"spec", {{"interactive", false}}}};
  Program program{settings_.words, {}, {{said.file(), 1}, {complained.file(), 2}}};
  for (char** one = environ; *one != nullptr; ++one) program.variables.emplace_back(*one);
  for (const auto& [name, value] : settings_.variables) {
    std::erase_if(program.variables,
                  [&name](const std::string& one) { return one.starts_with(name + "="); });
    program.variables.push_back(name + "=" + value);
  }
  program.variables.push_back("KUBERNETES_EXEC_INFO=" + info.dump());
  const auto pid = start_program(std::move(program));
  if (!pid) co_return pid.error();
  const int status = co_await until_program_ended(*pid, kLimit);
  if (status == 0) co_return exec_credential(said.text(), settings_.api_version);
  std::string last(text::trim(complained.text()));
  constexpr std::size_t kLongest = 300;
  if (last.size() > kLongest) last = last.substr(last.size() - kLongest);
  co_return Error(Errc::unavailable, Cause::spawner_down,
                  "it ended with " + std::to_string(status) + ": " + last);
}

/// Goes on when those who wait are cancelled: somebody has to see the process end.
Task<void> ExecPlugin::ask(std::shared_ptr<ExecPlugin> self) {
  auto told = co_await self->run();
  self->known_ = static_cast<bool>(told);
  if (told) {
    self->credential_ = std::move(*told);
    self->last_ = {};
  } else {
    self->last_ = Error(Errc::unavailable, Cause::spawner_down,
                        self->settings_.words[0] + ": " + told.error().message());
  }
  self->running_ = false;
  for (const auto& one : std::exchange(self->waiting_, {})) one->cancel();
}

Task<Result<void>> ExecPlugin::ready() {
  if (is_fresh()) co_return Result<void>();
  const auto executor = co_await asio::this_coro::executor;
  if (!std::exchange(running_, true))
    asio::co_spawn(executor, ask(shared_from_this()), asio::detached);
  if (!running_) co_return last_;  // it could not even be started
  auto turn = std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
  waiting_.push_back(turn);
  boost::system::error_code woken;
  auto token = asio::redirect_error(asio::use_awaitable, woken);
  co_await turn->async_wait(token);
  if (running_) co_return Error(Errc::cancelled, "cancelled");
  co_return last_;
}

void ExecPlugin::put_on(HttpRequest& request, HttpStreamOptions& options) const {
  if (!credential_.token.empty())
    request.headers.emplace_back("Authorization", "Bearer " + credential_.token);
  if (credential_.cert_pem.empty()) return;
  options.cert_pem = credential_.cert_pem;
  options.key_pem = credential_.key_pem;
}

}  // namespace passerelle::spawners::kubernetes
