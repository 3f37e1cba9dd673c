"""Sign-in by a web server in front (`type: header`) through the real program: believed by its TCP connection and its secret
alone, refused from everywhere else; and what only it may say reaches no server. The web server is this script, which
connects from 127.0.0.2."""

import http.client
import json
import os
import sys

sys.path.insert(0, "tests/drivers")
from gateway import Answer, Gateway, wait_until  # noqa: E402

SECRET = "only the web server knows"
FRONT_END, SOMEBODY, PROXY = "127.0.0.2", "127.0.0.1", "127.0.0.3"


def ask(gateway, source, path, headers, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30, source_address=(source, 0))
    connection.putrequest(method, path, skip_host=True)
    for name, value in [("Host", f"127.0.0.1:{gateway.port}"), ("Accept", "text/html"), ("Accept-Language", "en")] + headers:
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    answer = Answer(response.status, response.getheaders(), response.read())
    connection.close()
    return answer


def sign_in(gateway, source, headers, secret=SECRET, path="/hub/auth/front/login"):
    return ask(gateway, source, path, ([("X-Passerelle-Secret", secret)] if secret else []) + headers)


def session_of(answer):
    assert answer.status == 303, (answer.status, answer.text)
    return next(value.split(";")[0] for name, value in answer.headers
                if name.lower() == "set-cookie" and "passerelle-session=" in value)


def who(gateway, cookie):
    return ask(gateway, SOMEBODY, "/hub/api/user", [("Cookie", cookie)]).json()


def check_believed(gateway):
    alice = [("X-Remote-User", "Alice@example.fr"), ("X-Groups", "staff;member"), ("X-Name", "Zoé".encode())]
    cookie = session_of(sign_in(gateway, FRONT_END, alice))
    model = who(gateway, cookie)
    assert model["name"] == "alice-example.fr" and set(model["groups"]) == {"room", "staff", "member"}, model
    assert "Zoé" in ask(gateway, SOMEBODY, "/hub/home", [("Cookie", cookie)]).text
    # A client behind it is one of its own words about; the connection is still the web server's.
    session_of(sign_in(gateway, FRONT_END, alice + [("X-Forwarded-For", "192.0.2.7")]))
    return cookie


def check_refused(gateway):
    alice = [("X-Remote-User", "alice@example.fr")]
    for source in (SOMEBODY, PROXY):
        for more in ([], [("X-Forwarded-For", FRONT_END)], [("Forwarded", f"for={FRONT_END}")], [("X-Real-IP", FRONT_END)]):
            answer = sign_in(gateway, source, alice + more)
            assert answer.status == 403 and "not-from-there" in answer.text, (source, more, answer.status, answer.text)
    for secret in ("", "a guess"):
        answer = sign_in(gateway, FRONT_END, alice, secret)
        assert answer.status == 403 and "secret-wrong" in answer.text, answer.text
    for headers in ([], alice * 2, alice + [("x-remote-USER", "root")], [("X-Remote-User", "")],
                    [("X-Remote-User", "zo\xe9".encode("latin-1"))]):
        assert sign_in(gateway, FRONT_END, headers).status == 403, headers
    # Other spellings that a program could take for the field never come in: the proxy drops such names.
    for spelling in ("X_Remote_User", "X.Remote.User", "x-remote_user"):
        assert sign_in(gateway, FRONT_END, [(spelling, "root")]).status == 403, spelling
        assert who(gateway, session_of(sign_in(gateway, FRONT_END, alice + [(spelling, "root")])))["name"] == "alice-example.fr"
    # Nor does Connection make the field vanish.
    session_of(sign_in(gateway, FRONT_END, alice + [("Connection", "X-Remote-User")]))
    for _ in range(3):
        assert sign_in(gateway, SOMEBODY, alice).status == 403


def check_servers_see_nothing(gateway, cookie):
    """What only the web server may say reaches no server, from whomever and however it is spelt."""
    page = ask(gateway, SOMEBODY, "/hub/home", [("Cookie", cookie)]).text
    token = page.split('name="_xsrf" value="')[1].split('"')[0]
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    connection.request("POST", "/hub/spawn", f"_xsrf={token}&profile=light", {
        "Host": f"127.0.0.1:{gateway.port}", "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded",
        "Origin": f"http://127.0.0.1:{gateway.port}"})
    assert connection.getresponse().status == 303
    connection.close()
    path = "/user/alice-example.fr/fields"
    more = [("Cookie", cookie), ("X-Remote-User", "root"), ("x-groups", "staff"), ("X_Remote_User", "root"), ("X-Name", "Root"),
            ("X-Passerelle-Secret", SECRET), ("X-Other", "goes on")]
    for source in (SOMEBODY, FRONT_END):
        wait_until("the server answers", lambda: ask(gateway, source, path, more).status == 200)
        seen = {name.lower(): value for name, value in ask(gateway, source, path, more).json()}
        assert seen["x-other"] == "goes on", seen
        assert not {"x-remote-user", "x_remote_user", "x-groups", "x-name", "x-passerelle-secret"} & set(seen), seen


def check_sign_out(gateway):
    answer = sign_in(gateway, FRONT_END, [("X-Remote-User", "bob@example.fr")])
    cookie = session_of(answer)
    page = ask(gateway, SOMEBODY, "/hub/logout", [("Cookie", cookie)]).text
    token = page.split('name="_xsrf" value="')[1].split('"')[0]
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    connection.request("POST", "/hub/logout", f"_xsrf={token}", {
        "Host": f"127.0.0.1:{gateway.port}", "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded",
        "Origin": f"http://127.0.0.1:{gateway.port}"})
    response = connection.getresponse()
    assert "/Shibboleth.sso/Logout?return=http%3A%2F%2F127.0.0.1" in response.read().decode(), response.getheaders()
    connection.close()


def main():
    method = ("  front: {type: header, from: [127.0.0.2], user_header: X-Remote-User, groups_header: X-Groups, name_header: X-Name, "
              f"secret: {json.dumps(SECRET)}, groups: [room], sign_out_url: '/Shibboleth.sso/Logout?return={{back}}'}}\n")
    echo = {"light": {"command": ["/usr/bin/python3", os.path.abspath("tests/drivers/echo_server.py")]}}
    with Gateway(profiles=echo, authenticators=method, extra="trusted_proxies: [127.0.0.2, 127.0.0.3]\npublic_url: 'http://127.0.0.1:8000'\n"
                 "proxy: {hosts: ['127.0.0.1']}") as gateway:
        check_servers_see_nothing(gateway, check_believed(gateway))
        check_refused(gateway)
        check_sign_out(gateway)
        assert SECRET not in gateway.log()
    print("ok")


if __name__ == "__main__":
    main()
