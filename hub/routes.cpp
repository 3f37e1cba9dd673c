#include "hub/routes.hpp"

#include "hub/pages/teaching.hpp"

namespace passerelle::hub {
namespace {

constexpr Endpoint kEndpoints[] = {
    // programs
    {"GET", "/hub/health", Guard::open, api::health},
    {"GET", "/hub/metrics", Guard::open, api::metrics},
    {"GET", "/hub/api", Guard::open, api::version},
    {"GET", "/hub/api/", Guard::open, api::version},
    {"GET", "/hub/api/user", Guard::api, api::info_user},
    {"GET", "/hub/api/users/:user", Guard::api, api::user},
    {"POST", "/hub/api/users/:user/server", Guard::api, api::start_server},
    {"DELETE", "/hub/api/users/:user/server", Guard::api, api::stop_server},
    {"GET", "/hub/api/users/:user/server/progress", Guard::api, api::progress},
    {"POST", "/hub/api/users/:user/servers/:server", Guard::api, api::start_server},
    {"DELETE", "/hub/api/users/:user/servers/:server", Guard::api, api::stop_server},
    {"GET", "/hub/api/users/:user/servers/:server/progress", Guard::api, api::progress},
    {"GET", "/hub/api/users/:user/tokens", Guard::api, api::tokens},
    {"POST", "/hub/api/users/:user/tokens", Guard::api, api::make_token},
    {"DELETE", "/hub/api/users/:user/tokens/:token", Guard::api, api::revoke_token},
    {"GET", "/hub/api/users/:user/identities", Guard::api, api::identities},
    {"POST", "/hub/api/users/:user/identities", Guard::api, api::link_identity},
    {"DELETE", "/hub/api/users/:user/identities/:authenticator/:subject", Guard::api,
     api::unlink_identity},
    {"PUT", "/hub/api/users/:user/block", Guard::api, api::block},
    {"DELETE", "/hub/api/users/:user/block", Guard::api, api::unblock},
    {"GET", "/hub/api/users/:user/sessions", Guard::api, api::sessions},
    {"DELETE", "/hub/api/users/:user/sessions", Guard::api, api::end_sessions},
    {"GET", "/hub/api/user/auth-token", Guard::open, api::auth_token},
    {"POST", "/hub/api/lti/grade", Guard::api, api::give_grade},
    {"GET", "/hub/api/lti/grades", Guard::api, api::grades},
    {"GET", "/hub/api/audit", Guard::api, api::audit},
    {"POST", "/hub/api/launches/:launch/arrived", Guard::open, api::arrived},
    {"*", "/hub/api/*", Guard::open, api::unknown},

    // people
    {"GET", "/", Guard::open, pages::root},
    {"GET", "/hub", Guard::open, pages::root},
    {"GET", "/hub/", Guard::open, pages::root},
    {"GET", "/hub/login", Guard::open, pages::sign_in},
    {"GET", "/hub/auth/:method/*", Guard::open, pages::authenticator},
    {"POST", "/hub/auth/:method/*", Guard::open, pages::authenticator},
    {"GET", "/hub/lti/launch", Guard::open, pages::lti_launch},
    {"POST", "/hub/lti/launch", Guard::open, pages::lti_launch},
    {"GET", "/hub/lti/ready", Guard::open, pages::lti_ready},
    {"POST", "/hub/lti/continue", Guard::open, pages::lti_continue},
    {"GET", "/hub/lti/grades", Guard::page, pages::grades},
    {"POST", "/hub/lti/grades/:activity/again", Guard::page, pages::send_grade_again},
    {"GET", "/hub/lti/roster/:activity", Guard::page, pages::roster},
    {"GET", "/hub/lti/platforms", Guard::page, pages::platforms},
    {"POST", "/hub/lti/platforms", Guard::page, pages::invite_platform},
    {"POST", "/hub/lti/platforms/:method/:platform/withdraw", Guard::page,
     pages::withdraw_platform},
    {"GET", "/hub/lti13/register/:method", Guard::open, pages::register_platform},
    {"GET", "/hub/lti11/config", Guard::open, pages::lti11_config},
    {"GET", "/hub/lti13/oauth_login", Guard::open, pages::lti13_login},
    {"POST", "/hub/lti13/oauth_login", Guard::open, pages::lti13_login},
    {"GET", "/hub/lti13/oauth_callback", Guard::open, pages::lti13_callback},
    {"POST", "/hub/lti13/oauth_callback", Guard::open, pages::lti13_callback},
    {"GET", "/hub/lti13/config", Guard::open, pages::lti13_config},
    {"GET", "/hub/lti13/jwks.json", Guard::open, pages::lti13_keys},
    {"GET", "/hub/lti13/jwks", Guard::open, pages::lti13_keys},
    {"GET", "/hub/logout", Guard::open, pages::ask_sign_out},
    {"POST", "/hub/logout", Guard::page, pages::sign_out},
    {"GET", "/hub/signed-out", Guard::open, pages::signed_out},
    {"GET", "/hub/home", Guard::page, pages::home},
    {"GET", "/hub/spawn", Guard::page, pages::choose},
    {"POST", "/hub/spawn", Guard::page, pages::spawn},
    {"GET", "/hub/spawn/:user", Guard::page, pages::choose},
    {"POST", "/hub/spawn/:user", Guard::page, pages::spawn},
    {"GET", "/hub/spawn/:user/:server", Guard::page, pages::choose},
    {"POST", "/hub/spawn/:user/:server", Guard::page, pages::spawn},
    {"GET", "/hub/spawn-pending/:user", Guard::page, pages::pending},
    {"GET", "/hub/spawn-pending/:user/:server", Guard::page, pages::pending},
    {"POST", "/hub/stop/:user", Guard::page, pages::stop},
    {"POST", "/hub/stop/:user/:server", Guard::page, pages::stop},
    {"GET", "/hub/sessions/:user", Guard::page, pages::devices_of},
    {"POST", "/hub/sessions/:user/end", Guard::page, pages::end_device_of},
    {"GET", "/hub/sessions", Guard::page, pages::sessions},
    {"POST", "/hub/sessions/end", Guard::page, pages::end_session},
    {"POST", "/hub/sessions/end-others", Guard::page, pages::end_other_sessions},
    {"GET", "/hub/language", Guard::open, pages::language},
    {"GET", "/hub/origin", Guard::page, pages::origin_ticket},
    {"GET", "/hub/static/*", Guard::open, pages::static_file},
    {"GET", "/hub/user-redirect/*", Guard::page, pages::user_redirect},
    {"GET", "/user-redirect/*", Guard::page, pages::user_redirect},

    // a server's address while no route leads there
    {"*", "/user/*", Guard::open, pages::not_running},
};

}  // namespace

std::span<const Endpoint> endpoints() noexcept {
  return kEndpoints;
}

}  // namespace passerelle::hub
