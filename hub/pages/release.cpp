// The notes of a server that is a Helm release, and its removal for good.
#include "hub/answers.hpp"
#include "hub/parts.hpp"
#include "hub/releases.hpp"
#include "hub/routes.hpp"
#include "hub/sharing.hpp"
#include "hub/subject.hpp"
#include "spawners/kubernetes/chart_desk.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kOk = 200;
constexpr int kNotFound = 404;

/// Charts write passwords into their notes. Whoever else may look is not shown the server's.
std::string covered(std::string words, const std::string& secret) {
  constexpr std::string_view kCover = "••••••••";
  if (secret.empty()) return words;
  for (std::size_t at = words.find(secret); at != std::string::npos; at = words.find(secret, at))
    words.replace(at, secret.size(), kCover);
  return words;
}

}  // namespace

Task<Answer> notes(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "access:servers");
  if (!subject) co_return problem(parts, call, status_of(subject.error()));
  const ServerPtr server = parts.launcher.find(subject->key());
  if (!server || server->record.phase != store::Phase::running || !is_release(parts, *server))
    co_return problem(parts, call, kNotFound);
  const config::Profile* profile = find_profile(parts.settings, server->record.profile);
  auto* desk = parts.launcher.chart_desk(*profile);
  if (desk == nullptr) co_return problem(parts, call, kNotFound);
  auto words = co_await desk->notes(server->record.state);
  if (!words) co_return problem(parts, call, status_of(words.error()), words.error().message());
  const bool mine = subject->user.id == call.session->account().id;
  if (!mine) words = covered(std::move(*words), server->secret);
  Json view = {{"title", title_of(parts.settings, server->record.profile)},
               {"open_url", server->open_url},
               {"blocks", notes_view(*words)}};
  co_return page(parts, call, kOk, "notes", view);
}

Task<Answer> remove_release(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "delete:servers");
  if (!subject) co_return problem(parts, call, status_of(subject.error()));
  const ServerPtr server = parts.launcher.find(subject->key());
  if (!server || !is_release(parts, *server)) co_return problem(parts, call, kNotFound);
  auto gone = co_await uninstall(parts, server);
  if (!gone) co_return problem(parts, call, status_of(gone.error()), gone.error().message());
  auto forgotten = co_await parts.launcher.forget(subject->key());
  if (!forgotten) co_return problem(parts, call, status_of(forgotten.error()));
  auth::SharedServer of{subject->user.username, subject->server};
  Actor actor{std::string(call.username()), call.request.peer};
  auto unshared = co_await revoke_shares_of(parts, std::move(of), std::move(actor));
  if (!unshared) co_return problem(parts, call, status_of(unshared.error()));
  co_return redirect(parts.settings.base_url + "hub/home");
}

}  // namespace passerelle::hub::pages
