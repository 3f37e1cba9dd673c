// The one table of what the hub answers: method, path below base_url, who may call, and the
// handler. Most specific first. Handlers stand in hub/pages (HTML) and hub/api (JSON).
#pragma once

#include <span>

#include "hub/call.hpp"

namespace passerelle::hub {

struct Server;

std::span<const Endpoint> endpoints() noexcept;

namespace pages {
Task<Answer> root(Parts&, Call&);
Task<Answer> sign_in(Parts&, Call&);
Task<Answer> authenticator(Parts&, Call&);
Task<Answer> ask_sign_out(Parts&, Call&);
Task<Answer> sign_out(Parts&, Call&);
Task<Answer> signed_out(Parts&, Call&);
Task<Answer> home(Parts&, Call&);
Task<Answer> choose(Parts&, Call&);
Task<Answer> spawn(Parts&, Call&);
Task<Answer> pending(Parts&, Call&);
Task<Answer> chart_form(Parts&, Call&);
Task<Answer> notes(Parts&, Call&);
Task<Answer> remove_release(Parts&, Call&);
Task<Answer> start_chart(Parts&, Call&);
Task<Answer> launch_link(Parts&, Call&);
Task<Answer> stop(Parts&, Call&);
Task<Answer> keep(Parts&, Call&);
Task<Answer> sessions(Parts&, Call&);
Task<Answer> end_session(Parts&, Call&);
Task<Answer> end_other_sessions(Parts&, Call&);
Task<Answer> language(Parts&, Call&);
Task<Answer> static_file(Parts&, Call&);
Task<Answer> user_redirect(Parts&, Call&);
Task<Answer> devices_of(Parts&, Call&);
Task<Answer> tokens(Parts&, Call&);
Task<Answer> make_token(Parts&, Call&);
Task<Answer> revoke_token(Parts&, Call&);
Task<Answer> admin(Parts&, Call&);
Task<Answer> admin_act(Parts&, Call&);
Task<Answer> admin_add(Parts&, Call&);
Task<Answer> admin_stop(Parts&, Call&);
Task<Answer> admin_open(Parts&, Call&);
Task<Answer> below_hub(Parts&, Call&);
Task<Answer> ask_share(Parts&, Call&);
Task<Answer> accept_share(Parts&, Call&);
Task<Answer> end_device_of(Parts&, Call&);
Task<Answer> not_running(Parts&, Call&);
Task<Answer> origin_ticket(Parts&, Call&);
/// Answers in place of the table at a person's origin, but for our static files.
Task<Answer> persons_origin(Parts&, Call&);
/// The same at a server's own name.
Task<Answer> server_name(Parts&, Call&);
/// What a server's own name answers when the gate does not forward to that server.
proxy::HubResponse not_there(Parts&, const Call&, const Server&);
proxy::HubResponse at_its_origin(Parts&, const Call&, const std::string& username);
proxy::HubResponse at_its_name(Parts&, const Call&, const Server& server);
Task<Answer> lti_launch(Parts&, Call&);
Task<Answer> lti11_config(Parts&, Call&);
Task<Answer> lti_ready(Parts&, Call&);
Task<Answer> lti_continue(Parts&, Call&);
Task<Answer> lti13_login(Parts&, Call&);
Task<Answer> lti13_callback(Parts&, Call&);
Task<Answer> lti13_config(Parts&, Call&);
Task<Answer> lti13_keys(Parts&, Call&);
Task<Answer> grades(Parts&, Call&);
Task<Answer> send_grade_again(Parts&, Call&);
Task<Answer> authorize(Parts&, Call&);
}  // namespace pages

namespace api {
Task<Answer> version(Parts&, Call&);
Task<Answer> health(Parts&, Call&);
Task<Answer> metrics(Parts&, Call&);
Task<Answer> info_user(Parts&, Call&);
Task<Answer> user(Parts&, Call&);
Task<Answer> start_server(Parts&, Call&);
Task<Answer> stop_server(Parts&, Call&);
Task<Answer> progress(Parts&, Call&);
Task<Answer> tokens(Parts&, Call&);
Task<Answer> make_token(Parts&, Call&);
Task<Answer> revoke_token(Parts&, Call&);
Task<Answer> identities(Parts&, Call&);
Task<Answer> link_identity(Parts&, Call&);
Task<Answer> unlink_identity(Parts&, Call&);
Task<Answer> block(Parts&, Call&);
Task<Answer> unblock(Parts&, Call&);
Task<Answer> sessions(Parts&, Call&);
Task<Answer> end_sessions(Parts&, Call&);
Task<Answer> auth_token(Parts&, Call&);
Task<Answer> give_grade(Parts&, Call&);
Task<Answer> grades(Parts&, Call&);
Task<Answer> info(Parts&, Call&);
Task<Answer> users(Parts&, Call&);
Task<Answer> create_users(Parts&, Call&);
Task<Answer> create_user(Parts&, Call&);
Task<Answer> modify_user(Parts&, Call&);
Task<Answer> delete_user(Parts&, Call&);
Task<Answer> server(Parts&, Call&);
Task<Answer> token(Parts&, Call&);
Task<Answer> groups(Parts&, Call&);
Task<Answer> create_groups(Parts&, Call&);
Task<Answer> group(Parts&, Call&);
Task<Answer> create_group(Parts&, Call&);
Task<Answer> delete_group(Parts&, Call&);
Task<Answer> add_members(Parts&, Call&);
Task<Answer> remove_members(Parts&, Call&);
Task<Answer> set_group_properties(Parts&, Call&);
Task<Answer> services(Parts&, Call&);
Task<Answer> service(Parts&, Call&);
Task<Answer> add_service(Parts&, Call&);
Task<Answer> remove_service(Parts&, Call&);
Task<Answer> proxy_routes(Parts&, Call&);
Task<Answer> check_routes(Parts&, Call&);
Task<Answer> shutdown(Parts&, Call&);
Task<Answer> csp_report(Parts&, Call&);
Task<Answer> oauth_token(Parts&, Call&);
Task<Answer> activity(Parts&, Call&);
Task<Answer> shares(Parts&, Call&);
Task<Answer> grant_share(Parts&, Call&);
Task<Answer> revoke_share(Parts&, Call&);
Task<Answer> revoke_shares(Parts&, Call&);
Task<Answer> share_codes(Parts&, Call&);
Task<Answer> make_share_code(Parts&, Call&);
Task<Answer> revoke_share_codes(Parts&, Call&);
Task<Answer> shared_with_user(Parts&, Call&);
Task<Answer> shared_with_group(Parts&, Call&);
Task<Answer> share_of_user(Parts&, Call&);
Task<Answer> share_of_group(Parts&, Call&);
Task<Answer> leave_share(Parts&, Call&);
Task<Answer> group_leaves_share(Parts&, Call&);
Task<Answer> audit(Parts&, Call&);
Task<Answer> arrived(Parts&, Call&);
Task<Answer> options(Parts&, Call&);
Task<Answer> unknown(Parts&, Call&);
}  // namespace api

}  // namespace passerelle::hub
