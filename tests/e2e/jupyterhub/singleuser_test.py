"""Debian's jupyterhub-singleuser 3.0.0 under `access: jupyterhub`, over jupyter_server and over notebook, and a service
written with JupyterHub's own package: the whole OAuth dance, whose server it is, what tokens open, and that a sign-out or a
revocation acts at once, on open WebSockets too."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, "tests/drivers")
from gateway import Gateway, Person, Program, raw_websocket, steady_port, wait_until  # noqa: E402
from notebook import connect, execute, open_kernel  # noqa: E402

SINGLE = "/usr/bin/jupyterhub-singleuser"
PROFILES = {
    "server": {"command": [SINGLE], "access": "jupyterhub", "ready_path": "api", "start_timeout": "120s",
               "environment": {"JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp"}},
    "notebook": {"command": [SINGLE], "access": "jupyterhub", "ready_path": "api", "start_timeout": "120s",
                 "environment": {"JUPYTERHUB_SINGLEUSER_APP": "notebook.notebookapp.NotebookApp"}},
}
SECRET = "a service of the tests, 32 bytes.."


class Browser(Person):
    """Follows redirects with a jar that knows paths, as the cookies of servers are bound to them."""

    def __init__(self, gateway, name):
        super().__init__(gateway, name)
        self.jar = {}

    def visit(self, path, limit=15):
        hops = []
        while limit:
            limit -= 1
            cookies = dict(self.cookies)
            cookies.update({name: value for (name, where), value in self.jar.items() if path.startswith(where)})
            kept, self.cookies = self.cookies, cookies
            answer = self.request("GET", path)
            self.cookies = kept
            for header, value in answer.headers:
                if header.lower() != "set-cookie":
                    continue
                pair, *attributes = [part.strip() for part in value.split(";")]
                name, _, content = pair.partition("=")
                where = next((a.split("=", 1)[1] for a in attributes if a.lower().startswith("path=")), "/")
                if where == "/":
                    self.cookies[name] = content
                else:
                    self.jar[name, where] = content
            hops.append((answer.status, path))
            if answer.status not in (301, 302, 303):
                return answer, hops
            path = urllib.parse.urljoin(path, answer.header("location"))
            path = path.replace(f"http://127.0.0.1:{self.gateway.port}", "")
        raise AssertionError(hops)

    def cookie_line(self, path):
        pairs = dict(self.cookies)
        pairs.update({name: value for (name, where), value in self.jar.items() if path.startswith(where)})
        return "; ".join(f"{name}={value}" for name, value in pairs.items())


def page_of(app):
    """What only a signed-in visitor sees."""
    return "/user/alice/" + ("tree" if app == "notebook" else "files/none.txt")


def dance(alice, app):
    answer, hops = alice.visit(page_of(app))
    paths = [path for _, path in hops]
    if app == "notebook":
        assert answer.status == 200, (answer.status, hops, answer.text[:500])
        authorize = next(path for path in paths if path.startswith("/hub/api/oauth2/authorize"))
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(authorize).query)
        assert query["client_id"] == ["jupyterhub-user-alice"], query
        assert query["redirect_uri"] == ["/user/alice/oauth_callback"], query
        assert any(path.startswith("/user/alice/oauth_callback?code=") for path in paths), hops
        assert any(name == "jupyterhub-user-alice" and where == "/user/alice/" for name, where in alice.jar), alice.jar
    else:  # Debian has no JupyterLab, so there is no page behind it
        assert answer.status == 404 and any("oauth_callback?code=" in path for path in paths), (answer.status, hops)
    return answer


def kernel_by_cookie(gateway, alice):
    alice.cookies.setdefault("_xsrf", "2|0123abcd|0123abcd0123abcd0123abcd0123abcd|1700000000")  # both sides of it are ours to choose
    line = alice.cookie_line("/user/alice/api/kernels")
    xsrf = next((value for (name, where), value in alice.jar.items() if name == "_xsrf"), alice.cookies["_xsrf"])
    headers = {"Cookie": line, "Origin": f"http://127.0.0.1:{gateway.port}", "Content-Type": "application/json",
               "X-XSRFToken": xsrf}
    made = alice.request("POST", "/user/alice/api/kernels", "{}", headers)
    assert made.status == 201, (made.status, made.text[:500])
    kernel = made.json()["id"]
    channel = connect(gateway, f"/user/alice/api/kernels/{kernel}/channels?session_id=abc", [f"Cookie: {line}"])
    assert execute(channel, "6 * 7") == "42"
    return kernel, channel


def kernel_by_token(gateway, token):
    program = Program(gateway, token)
    program.name = "alice"
    made = program.request("POST", "/user/alice/api/kernels", {})
    assert made.status == 201, (made.status, made.text[:500])
    kernel, channel = open_kernel(gateway, program, [f"Authorization: token {token}"], made.json()["id"])
    assert execute(channel, "21 * 2") == "42"
    by_query = connect(gateway, f"/user/alice/api/kernels/{kernel}/channels?session_id=def&token={token}", [])
    assert execute(by_query, "'by query'") == "'by query'"
    by_query.close()
    return kernel, channel


def is_cut(channel, limit=2.0):
    """The time until the other side ends it."""
    began = time.monotonic()
    channel.settimeout(limit)
    with contextlib.suppress(Exception):
        while True:
            if channel.recv() in ("", b""):
                break
    took = time.monotonic() - began
    assert took < limit, f"still open after {took:.1f} s"
    return took


def work(gateway, app):
    alice = Browser(gateway, "alice").sign_in()
    assert alice.launch(app).status == 303
    server = alice.wait_ready(120)
    dance(alice, app)

    # The child reached the hub and says when it was used.
    wait_until("the child said that it is active", lambda: "/hub/api/users/alice/activity" in gateway.log(), 30)
    assert '"status":403' not in [l for l in gateway.log().splitlines() if "/activity" in l][0]

    kernel_id, by_cookie = kernel_by_cookie(gateway, alice)
    token = alice.token(scopes=["access:servers!user=alice"])
    _, by_token = kernel_by_token(gateway, token)
    program = Program(gateway, token)
    assert program.request("DELETE", f"/user/alice/api/kernels/{kernel_id}").status == 204

    # What the server sees of a token is a stand-in: it says who, opens that server, and nothing else.
    shown = execute(by_token, "import os; os.environ['JUPYTERHUB_API_TOKEN']").strip("'")
    own = Program(gateway, shown)
    assert own.request("GET", "/hub/api/user").json()["name"] == "alice"
    assert own.request("POST", "/hub/api/users/alice/activity", {"last_activity": "2020-01-01T00:00:00.123456Z"}).status == 200
    assert own.request("DELETE", "/hub/api/users/alice/server").status in (403, 404)
    assert own.request("POST", "/hub/api/users/alice/tokens", {}).status in (403, 404)

    # Bob is nobody here: by cookie, by token, by WebSocket.
    bob = Browser(gateway, "bob").sign_in()
    assert bob.request("GET", "/user/alice/api/contents").status == 403
    asked = bob.request("GET", "/hub/api/oauth2/authorize?client_id=jupyterhub-user-alice&response_type=code&"
                               "redirect_uri=%2Fuser%2Falice%2Foauth_callback")
    assert asked.status == 403, asked.status
    others = Program(gateway, bob.token())
    assert others.request("GET", "/user/alice/api/contents").status == 403
    assert raw_websocket(gateway, "/user/alice/api/kernels/x/channels", [f"Authorization: token {others.token}"])[1] == 403

    # An administrator is asked before they are named to somebody else's server, and once only.
    teacher = Browser(gateway, "teacher").sign_in()
    page, hops = teacher.visit(page_of(app))
    assert page.status == 200 and 'name="scopes"' in page.text, (page.status, hops, page.text[:300])
    action = hops[-1][1]
    form = urllib.parse.urlencode([("_xsrf", teacher.xsrf), ("scopes", "access:servers!server=alice/"),
                                   ("scopes", "read:users:name!user"), ("scopes", "read:users:groups!user")])
    agreed = teacher.request("POST", action, form, {"Content-Type": "application/x-www-form-urlencoded",
                                                    "Cookie": teacher.cookie_line(action),
                                                    "Origin": f"http://127.0.0.1:{gateway.port}"})
    assert agreed.status == 302 and "oauth_callback?code=" in agreed.header("location"), (agreed.status, agreed.text[:300])
    landed, hops = teacher.visit(agreed.header("location"))
    again = teacher.visit(action)[1]
    assert again[1][1].startswith("/user/alice/oauth_callback?code="), again

    # Revocation: the token's WebSocket ends within a second, and the server is out of its reach.
    listed = alice.api("GET", "/users/alice/tokens").json()["api_tokens"]
    ident = next(t["id"] for t in listed if t["scopes"] == ["access:servers!user=alice"])
    assert any(t["oauth_client"] == "jupyterhub-user-alice" for t in listed), listed
    assert alice.api("DELETE", f"/users/alice/tokens/{ident}").status == 204
    took = is_cut(by_token)
    assert program.request("GET", "/user/alice/api/kernels").status == 403
    print(f"{app}: a revoked token's WebSocket ended after {took:.2f} s")

    # Sign-out: tokens of that session are gone, the WebSocket ends, a late callback makes nothing.
    late = alice.request("GET", "/hub/api/oauth2/authorize?client_id=jupyterhub-user-alice&response_type=code&"
                                "redirect_uri=%2Fuser%2Falice%2Foauth_callback")
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(late.header("location")).query)["code"][0]
    line = alice.cookie_line("/user/alice/")
    alice.post("/hub/logout")
    took = is_cut(by_cookie)
    print(f"{app}: a signed-out browser's WebSocket ended after {took:.2f} s")
    refused = Person(gateway, "x").request("GET", "/user/alice/api/contents", headers={"Cookie": line})
    assert refused.status in (303, 403), refused.status
    exchange = urllib.parse.urlencode({"client_id": "jupyterhub-user-alice", "client_secret": shown, "code": code,
                                       "grant_type": "authorization_code", "redirect_uri": "/user/alice/oauth_callback"})
    late = Person(gateway, "x").request("POST", "/hub/api/oauth2/token", exchange,
                                        {"Content-Type": "application/x-www-form-urlencoded"})
    assert late.status == 400 and late.json()["error"] == "invalid_grant", late.text

    # The gateway is killed and comes back: the server's own token works again.
    gateway.kill()
    gateway.start()
    assert own.request("GET", "/hub/api/user").json()["name"] == "alice"
    alice = Browser(gateway, "alice").sign_in()
    dance(alice, app)
    assert alice.stop().status == 204
    assert own.request("GET", "/hub/api/user").status == 403  # it went with the server


def oauth_errors(gateway):
    """RFC 6749 by hand, for a service."""
    alice = Person(gateway, "carol").sign_in()
    base = "/hub/api/oauth2/authorize?client_id=service-whoami&redirect_uri=%2Fservices%2Fwhoami%2Foauth_callback"
    assert alice.get(base.replace("whoami&", "other&") + "&response_type=code").status == 400
    for elsewhere in ("https://evil.example/", "//evil.example/services/whoami/oauth_callback", "/services/whoami/oauth_callbackx",
                      "/services/whoami/oauth_callback/", "/services/whoami/oauth_callback?x=1", "/services/whoami/../oauth_callback",
                      "/services/WHOAMI/oauth_callback", "/services/whoami/oauth_callback\n"):
        answer = alice.get(base.split("&")[0] + "&response_type=code&redirect_uri=" + urllib.parse.quote(elsewhere, safe=""))
        assert answer.status == 400 and not answer.header("location"), (elsewhere, answer.status, answer.headers)
    wrong = alice.get(base + "&response_type=token&state=s1")
    assert wrong.status == 302 and "error=unsupported_response_type&state=s1" in wrong.header("location"), wrong.headers
    wide = alice.get(base + "&response_type=code&scope=admin:users")
    assert "error=invalid_scope" in wide.header("location")
    import base64
    import hashlib
    verifier = "v" * 50
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")

    def code(extra=""):
        location = alice.get(base + "&response_type=code" + extra).header("location")
        return urllib.parse.parse_qs(urllib.parse.urlsplit(location).query)["code"][0]

    def exchange(code, **fields):
        body = {"client_id": "service-whoami", "client_secret": SECRET, "code": code, "grant_type": "authorization_code",
                "redirect_uri": "/services/whoami/oauth_callback", **fields}
        return Person(gateway, "x").request("POST", "/hub/api/oauth2/token", urllib.parse.urlencode(body),
                                            {"Content-Type": "application/x-www-form-urlencoded"})
    assert exchange(code(), client_secret="wrong").status == 401
    once = code()
    good = exchange(once)
    assert good.status == 200 and good.json()["token_type"] == "Bearer", good.text
    assert good.header("cache-control") == "no-store"
    assert exchange(once).json() ["error"] == "invalid_grant"
    assert exchange(code(), redirect_uri="/services/whoami/other").status == 400
    pkce = f"&code_challenge={challenge}&code_challenge_method=S256"
    assert exchange(code(pkce)).status == 400
    assert exchange(code(pkce), code_verifier="w" * 50).status == 400
    assert exchange(code(pkce), code_verifier=verifier).status == 200
    assert "error=invalid_request" in alice.get(base + f"&response_type=code&code_challenge={challenge}&"
                                                "code_challenge_method=plain").header("location")
    model = Program(gateway, good.json()["access_token"]).request("GET", "/hub/api/user").json()
    assert model["name"] == "carol" and model["kind"] == "user" and model["session_id"], model
    assert "access:services!service=whoami" in model["scopes"], model
    assert set(model) == {"name", "kind", "admin", "groups", "scopes", "session_id", "token_id"}, model
    alice.post("/hub/logout")
    assert Program(gateway, good.json()["access_token"]).request("GET", "/hub/api/user").status == 403


def visits_service(gateway):
    dora = Browser(gateway, "dora").sign_in()
    answer, hops = dora.visit("/services/whoami/")
    assert answer.status == 200, (answer.status, hops, answer.text[:400])
    model = answer.json()
    assert model["name"] == "dora" and model["kind"] == "user", model
    # Its own token knows what its role says, and no more.
    service = Program(gateway, SECRET)
    me = service.request("GET", "/hub/api/user").json()
    assert me["kind"] == "service" and me["name"] == "whoami", me
    assert service.request("GET", "/hub/api/users").status == 200
    assert service.request("POST", "/hub/api/users/zoe").status == 403


def main():
    port = steady_port()
    extra = (f"services:\n  whoami: {{api_token: '{SECRET}', url: 'http://127.0.0.1:{port}', confirm: false}}\n"
             "roles:\n  lists: {scopes: ['list:users'], services: [whoami]}\n"
             "  user: {scopes: [self, 'access:services!service=whoami']}\n")
    with Gateway(PROFILES, extra=extra) as gateway:
        environment = {"PATH": os.environ["PATH"], "HOME": gateway.folder, "JUPYTERHUB_API_TOKEN": SECRET,
                       "JUPYTERHUB_CLIENT_ID": "service-whoami", "JUPYTERHUB_SERVICE_NAME": "whoami",
                       "JUPYTERHUB_SERVICE_PREFIX": "/services/whoami/", "JUPYTERHUB_BASE_URL": "/",
                       "JUPYTERHUB_API_URL": f"http://127.0.0.1:{gateway.port}/hub/api", "JUPYTERHUB_HOST": "",
                       "JUPYTERHUB_OAUTH_CALLBACK_URL": "/services/whoami/oauth_callback",
                       "JUPYTERHUB_OAUTH_ACCESS_SCOPES": json.dumps(["access:services!service=whoami",
                                                                     "access:services"]),
                       "JUPYTERHUB_OAUTH_SCOPES": json.dumps(["access:services!service=whoami", "access:services"])}
        with open(os.path.join(gateway.folder, "whoami.log"), "wb") as log:
            service = subprocess.Popen(["/usr/bin/python3", "tests/peers/jupyterhub/whoami.py", str(port)], env=environment,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        try:
            assert service.stdout.readline() == b"listening\n"
            visits_service(gateway)
            oauth_errors(gateway)
        finally:
            service.stdin.close()
            service.wait(10)
        for app in ("notebook", "server"):
            work(gateway, app)
    print("ok")


if __name__ == "__main__":
    main()
