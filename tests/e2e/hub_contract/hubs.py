"""The two sides of replay_test.py: Debian's JupyterHub 3.0.0 with its own proxy's place taken by ours (`passerelle proxy`), and the
gateway; both with the same people, one group, one service, light servers."""

import http.client
import json
import os
import re
import sys
import urllib.parse
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "drivers"))
from gateway import PASSWORD, TEST_SERVER, Answer, Gateway, steady_port, wait_until  # noqa: E402
from real_jupyterhub import RealJupyterHub  # noqa: E402

PEOPLE = ["teacher", "alice", "bob"]
CONFIG = """
c.Authenticator.admin_users = {{"teacher"}}
c.Spawner.cmd = ["/usr/bin/python3", "{here}/light_server.py"]
c.JupyterHub.allow_named_servers = True
c.JupyterHub.load_groups = {{"crew": ["alice"]}}
c.JupyterHub.services = [{{"name": "setup", "api_token": "{setup}"}},
                         {{"name": "watch", "api_token": "{service}", "url": "http://127.0.0.1:{watch}"}}]
c.JupyterHub.load_roles = [{{"name": "admin", "services": ["setup"]}}]
"""


class Side:
    """One hub: asked at `port`, with the credentials of everybody."""

    def __init__(self):
        self.tokens = {"wrong": "0123456789abcdef0123456789abcdef"}
        self.captured = {"service": uuid.uuid4().hex}
        self.tokens["service"] = self.captured["service"]
        self.cookies = {}

    def ask(self, method, path, body=None, headers=None, token=None, cookies=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        everything = {"Host": f"127.0.0.1:{self.port}", **(headers or {})}
        if token:
            everything["Authorization"] = "token " + token
        if cookies:
            everything["Cookie"] = "; ".join(f"{k}={v}" for k, v in cookies.items())
        try:
            connection.request(method, path, body, everything)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def api(self, method, path, body=None, token=None):
        answer = self.ask(method, "/hub/api" + path, None if body is None else json.dumps(body),
                          {"Content-Type": "application/json"}, token or self.tokens["admin"])
        assert answer.status < 300, (method, path, answer.status, answer.text)
        return json.loads(answer.body) if answer.body else None

    def sign_in_browser(self, login, **fields):
        page = self.ask("GET", "/hub/login")
        self.keep(page)
        xsrf = re.search(r'name="_xsrf" value="([^"]+)"', page.text)
        form = urllib.parse.urlencode({**fields, **({"_xsrf": xsrf.group(1)} if xsrf else {})})
        answer = self.ask("POST", login, form, {"Content-Type": "application/x-www-form-urlencoded",
                                                "Origin": f"http://127.0.0.1:{self.port}"}, cookies=self.cookies)
        assert answer.status in (302, 303), (answer.status, answer.text[:1000])
        self.keep(answer)

    def keep(self, answer):
        for name, value in answer.headers:
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.split(";")[0]

    def state_of(self, key):
        user, _, name = key.partition("/")
        model = self.api("GET", f"/users/{user}")
        return model["servers"].get(name)

    def wait(self, what):
        word, _, key = what.partition(" ")
        if word == "ready":
            wait_until(what, lambda: (self.state_of(key) or {}).get("ready"))
        else:
            wait_until(what, lambda: self.state_of(key) is None)

    def narrow(self):
        self.tokens["reader"] = self.api("POST", "/users/alice/tokens", {"scopes": ["read:users:name!user=alice"]},
                                         self.tokens["alice"])["token"]


class JupyterHub(Side):
    name = "JupyterHub 3.0.0"

    def __enter__(self):
        setup = uuid.uuid4().hex
        self.hub = RealJupyterHub(CONFIG.format(watch=steady_port(), here=HERE, setup=setup, service=self.tokens["service"]))
        self.hub.__enter__()
        self.port, self.folder = self.hub.port, self.hub.folder
        self.tokens["admin"] = setup
        self.api("POST", "/users", {"usernames": [name for name in PEOPLE if name != "teacher"]})
        for name in PEOPLE:
            self.tokens["admin" if name == "teacher" else name] = self.api("POST", f"/users/{name}/tokens", {}, setup)["token"]
        self.sign_in_browser("/hub/login", username="alice", password="x")
        self.narrow()
        return self

    def __exit__(self, *why):
        self.hub.__exit__(*why)


class Ours(Side):
    name = "passerelle"

    def __enter__(self):
        self.gateway = Gateway(profiles={"light": {"command": [TEST_SERVER, "serve"]}}, extra=self.extra())
        self.gateway.__enter__()
        self.port = self.gateway.port
        for name in PEOPLE:
            self.cookies = {}
            self.sign_in_browser("/hub/auth/room/login", username=name, password=PASSWORD)
            page = self.ask("GET", "/hub/home", cookies=self.cookies)
            xsrf = re.search(r'name="_xsrf" value="([^"]+)"', page.text).group(1)
            made = self.ask("POST", f"/hub/api/users/{name}/tokens", "{}",
                            {"Content-Type": "application/json", "X-XSRFToken": xsrf, "Origin": f"http://127.0.0.1:{self.port}"},
                            cookies=self.cookies)
            assert made.status == 201, made.text
            self.tokens["admin" if name == "teacher" else name] = made.json()["token"]
        self.cookies = {}
        self.sign_in_browser("/hub/auth/room/login", username="alice", password=PASSWORD)
        self.narrow()
        return self

    def extra(self):
        return (f"services: {{watch: {{api_token: '{self.tokens['service']}', url: 'http://127.0.0.1:{steady_port()}'}}}}\n"
                "groups: {crew: {users: [alice]}}\nlimits: {servers_per_user: 3}\n")

    def __exit__(self, *why):
        self.gateway.__exit__(*why)
