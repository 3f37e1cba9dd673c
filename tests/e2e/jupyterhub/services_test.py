"""Services that the gateway starts itself (their environment, restarts, end), and services that are added while it runs."""

import contextlib
import json
import os
import pwd
import signal
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, "tests/drivers")
sys.path.insert(0, "tests/e2e/jupyterhub")
from gateway import PROGRAM, Gateway, Person, Program, steady_port, wait_until  # noqa: E402
from openapi import Description  # noqa: E402
from singleuser_test import Browser  # noqa: E402

TOKEN = "the-watchers-own-token-0123456789"
COURSE = "the-token-of-course101-0123456789"
ADDED = "a-token-that-was-added-0123456789"
WHOAMI = os.path.abspath("tests/peers/jupyterhub/whoami.py")
WATCHER = os.path.abspath("tests/peers/jupyterhub/watcher.py")


def alive(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    return False


class Checked(Program):
    """A program whose answers are held against the description."""
    description = Description()

    def request(self, method, path, body=None, **options):
        answer = super().request(method, path, body, **options)
        self.description.check(method, path, answer)
        return answer


CHILDREN = set()  # of watchers: nobody tells them when the gateway is killed


def told(gateway, other_than=0):
    """What the watcher says of itself, once it runs as another process than before."""
    def read():
        with contextlib.suppress(OSError, ValueError), open(os.path.join(gateway.folder, "told.json")) as file:
            what = json.load(file)
            CHILDREN.add(what["child"])
            return what if what["pid"] != other_than and alive(what["pid"]) else None
    return wait_until("the watcher runs", read)


def environment(gateway, port):
    what = told(gateway)
    assert what["cwd"] == gateway.folder, what["cwd"]
    have = what["environment"]
    # JupyterHub's names, with the values that its service would have.
    expected = {"JUPYTERHUB_SERVICE_NAME": "watch", "JUPYTERHUB_API_TOKEN": TOKEN, "JPY_API_TOKEN": TOKEN,
                "JUPYTERHUB_API_URL": f"http://127.0.0.1:{gateway.port}/hub/api", "JUPYTERHUB_BASE_URL": "/", "JUPYTERHUB_HOST": "",
                "JUPYTERHUB_CLIENT_ID": "service-watch", "JUPYTERHUB_OAUTH_CALLBACK_URL": "/services/watch/oauth_callback",
                "JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": "[]", "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}",
                "JUPYTERHUB_SERVICE_PREFIX": "/services/watch/", "JUPYTERHUB_USER": "", "JUPYTERHUB_SERVER_NAME": "",
                "JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED": "0", "JUPYTERHUB_PUBLIC_URL": "", "JUPYTERHUB_PUBLIC_HUB_URL": "",
                "COLOUR": "green"}
    wrong = {name: have.get(name) for name, value in expected.items() if have.get(name) != value}
    assert not wrong, wrong
    assert sorted(json.loads(have["JUPYTERHUB_OAUTH_ACCESS_SCOPES"])) == ["access:services", "access:services!service=watch"]
    assert "JUPYTERHUB_ACTIVITY_URL" not in have
    # An allow-list: nothing of the gateway's own environment comes along unasked.
    assert "GATEWAYS_OWN" not in have, "the gateway's environment leaks"
    descriptors = sorted(int(fd) for fd in os.listdir(f"/proc/{what['pid']}/fd"))
    assert descriptors == [0, 1, 2], descriptors
    return what


def managed(gateway, admin, port):
    first = environment(gateway, port)
    model = admin.request("GET", "/hub/api/services/watch").json()
    assert model["pid"] == first["pid"] and model["command"][0] == "/usr/bin/python3", model

    # It is killed: another one comes, and what it had started is gone.
    os.kill(first["pid"], signal.SIGKILL)
    second = told(gateway, first["pid"])
    wait_until("no straggler", lambda: not alive(first["child"]))
    wait_until("the model follows", lambda: admin.request("GET", "/hub/api/services/watch").json()["pid"] == second["pid"])

    # One that cannot run is tried again, with growing pauses, and said.
    failing = [line for line in gateway.log().splitlines() if '"service":"broken"' in line]
    assert any("cannot run its command: No such file" in line for line in failing), failing
    assert len([line for line in failing if '"message":"started"' in line]) < 8, "no pause between the attempts"


def under_another_account(admin, account):
    """`user:` names who it is, with nothing left of root."""
    pid = wait_until("it runs", lambda: admin.request("GET", "/hub/api/services/lowly").json()["pid"])
    wait_until("it runs its command", lambda: os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "sleep")
    with open(f"/proc/{pid}/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    assert set(status["Uid"].split()) == {str(account.pw_uid)} and set(status["Gid"].split()) == {str(account.pw_gid)}, status
    groups = os.getgrouplist(account.pw_name, account.pw_gid)
    assert {int(group) for group in status["Groups"].split()} == set(groups), status["Groups"]
    if account.pw_uid != 0:
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0, status
    with open(f"/proc/{pid}/environ") as file:
        have = dict(word.split("=", 1) for word in file.read().split("\0") if word)
    assert have["HOME"] == account.pw_dir and have["USER"] == account.pw_name, have


def reloaded(gateway, admin):
    """The next process has its own, the one before goes."""
    before = told(gateway)
    done = subprocess.run([PROGRAM, "reload", "--data-dir", gateway.data], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    after = told(gateway, before["pid"])
    wait_until("the one before is gone", lambda: not alive(before["pid"]) and not alive(before["child"]), 15)
    wait_until("the model follows", lambda: admin.request("GET", "/hub/api/services/watch").json()["pid"] == after["pid"])
    for pid, what in gateway.processes().items():  # the successor is not our driver's child
        if " serve " in what:
            os.kill(pid, signal.SIGTERM)
    wait_until("it ends with the successor", lambda: not alive(after["pid"]) and not alive(after["child"]), 20)


def visited(gateway):
    """Debian's HubAuthenticated service, managed: it asks us by OAuth who comes, without a token in the configuration."""
    dora = Browser(gateway, "dora").sign_in()
    wait_until("whoami listens", lambda: dora.get("/services/whoami/").status == 302)
    answer, hops = dora.visit("/services/whoami/")
    assert answer.status == 200 and answer.json()["name"] == "dora", (answer.status, hops, answer.text[:400])


def nbgrader(gateway, admin):
    """nbgrader's calls, with the token of its service; and its formgrader, which is jupyterhub-singleuser as a service."""
    course = Checked(gateway, COURSE)
    wanted = lambda answer: answer.json() if answer.status < 300 else \
        (_ for _ in ()).throw(AssertionError((answer.status, answer.text)))  # noqa: E731
    eve = Browser(gateway, "eve").sign_in()
    fred = Browser(gateway, "fred").sign_in()
    group = "nbgrader-course101"
    assert group not in [one["name"] for one in wanted(course.request("GET", "/hub/api/groups"))]
    assert wanted(course.request("POST", f"/hub/api/groups/{group}"))["name"] == group
    assert wanted(course.request("POST", f"/hub/api/groups/{group}/users", {"users": ["eve"]}))["users"] == ["eve"]
    assert wanted(course.request("POST", f"/hub/api/groups/{group}/users", {"users": ["eve"]}))["users"] == ["eve"]
    assert group in [one["name"] for one in wanted(course.request("GET", "/hub/api/groups"))]
    assert group in wanted(course.request("GET", "/hub/api/users/eve"))["groups"]
    assert wanted(course.request("DELETE", f"/hub/api/groups/{group}/users", {"users": ["eve"]}))["users"] == []
    wanted(admin.request("POST", "/hub/api/groups/formgrade-course101/users", {"users": ["fred"]}))

    def answers():
        return eve.get("/services/course101/api").status == 200
    wait_until("jupyterhub-singleuser listens", answers, 60, 0.2)
    answer, hops = fred.visit("/services/course101/api/contents")
    if answer.status == 403 and not any("authorize" in path for _, path in hops):  # APIs ask for no sign-in
        fred.visit("/services/course101/files/none.txt")
        answer, hops = fred.visit("/services/course101/api/contents")
    assert answer.status == 200 and answer.json()["type"] == "directory", (answer.status, hops, answer.text[:300])
    answer, hops = eve.visit("/services/course101/files/none.txt")  # not of the course
    assert answer.status == 403, (answer.status, hops)


def added(gateway, admin, alice):
    url = f"http://127.0.0.1:{steady_port()}"
    wish = {"url": url, "api_token": ADDED, "oauth_no_confirm": True, "info": {"team": "x"}, "oauth_client_allowed_scopes": []}
    code = lambda answer, status: (answer.json() if answer.body else None) if answer.status == status else \
        (_ for _ in ()).throw(AssertionError((answer.status, answer.text)))  # noqa: E731
    code(alice.request("POST", "/hub/api/services/late", wish), 403)
    model = code(admin.request("POST", "/hub/api/services/late", wish), 201)
    assert model["name"] == "late" and model["url"] == url and model["info"] == {"team": "x"} and not model["admin"], model
    assert "api_token" not in model and ADDED not in json.dumps(model)
    code(admin.request("POST", "/hub/api/services/late", wish), 409)
    code(admin.request("POST", "/hub/api/services/watch", wish), 409)
    # Somebody's token is nobody else's: it would be theirs from then on.
    code(admin.request("POST", "/hub/api/services/thief", {"api_token": TOKEN}), 409)
    code(admin.request("POST", "/hub/api/services/thief", {"api_token": admin.token}), 409)
    for bad in ({"command": ["sh"]}, {"url": "https://127.0.0.1:1"}, {"url": "http://example.org:80"}, {"nonsense": 1}, {"admin": "yes"},
                {"api_token": "short"}, {"api_token": "x" * 65}, {"oauth_client_id": "service-watch"}, {"info": 3}, [], "x",
                {"oauth_client_allowed_scopes": ["inherit"]}, {"oauth_client_allowed_scopes": ["nonsense"]},
                {"oauth_redirect_uri": "https://a.example/\r\nSet-Cookie: x=1"}):
        code(admin.request("POST", "/hub/api/services/bad", bad), 400)
    for name in ("a%20b", "a%2Fb", "..", ".x", "%C3%A9", "x" * 65, "a%0d%0ab"):
        answer = Program.request(admin, "POST", f"/hub/api/services/{name}", {})
        assert answer.status in (400, 404, 405), (name, answer.status, answer.text)
    code(admin.request("GET", "/hub/api/services/bad"), 404)

    # Whoever may only add services adds none that may do more than they.
    alone = Program(gateway, "a-token-of-a-small-administrator")
    assert alone.request("POST", "/hub/api/services/big", {"admin": True, "api_token": ADDED + "2"}).status == 403
    assert alone.request("POST", "/hub/api/services/big", {"oauth_client_allowed_scopes": ["admin:users"]}).status == 403
    assert alone.request("POST", "/hub/api/services/small", {"api_token": ADDED + "2"}).status == 201
    assert alone.request("DELETE", "/hub/api/services/watch").status == 405
    assert alone.request("DELETE", "/hub/api/services/small").status == 200
    assert alone.request("GET", "/hub/api/users").status == 403

    own = Program(gateway, ADDED)
    me = own.request("GET", "/hub/api/user").json()
    assert me["kind"] == "service" and me["name"] == "late", me
    assert own.request("GET", "/hub/api/users").status == 403
    there = alice.request("GET", "/services/late/").status  # a route, and nobody who listens
    assert there == 503, there

    # What a visitor gives it works as long as it is there, and not again for another one of that name.
    dora = Person(gateway, "dora").sign_in()
    back = "/services/late/oauth_callback"

    def exchange(client, secret):
        """A new code for `late`, shown by that client."""
        asked = dora.get("/hub/api/oauth2/authorize?client_id=service-late&response_type=code&redirect_uri=" + back.replace("/", "%2F"))
        got = urllib.parse.parse_qs(urllib.parse.urlsplit(asked.header("location")).query)
        return dora.request("POST", "/hub/api/oauth2/token", urllib.parse.urlencode(
            {"client_id": client, "client_secret": secret, "code": got["code"][0], "grant_type": "authorization_code",
             "redirect_uri": back}), {"Content-Type": "application/x-www-form-urlencoded"})
    for client, secret, error in (("service-watch", TOKEN, "invalid_grant"), ("service-late", TOKEN, "invalid_client"),
                                  ("service-chief", ADDED, "invalid_client"), ("service-none", "", "invalid_client")):
        answer = exchange(client, secret)
        assert answer.status in (400, 401) and answer.json()["error"] == error, (client, answer.text)
    given = exchange("service-late", ADDED)
    assert given.status == 200, (given.status, given.text)
    visitor = Program(gateway, given.json()["access_token"])
    assert visitor.request("GET", "/hub/api/user").json()["name"] == "dora"

    # It is stored: the token works after a crash, and is nowhere to be read.
    gateway.kill()
    gateway.start()
    assert own.request("GET", "/hub/api/user").json()["name"] == "late"
    assert visitor.request("GET", "/hub/api/user").json()["name"] == "dora"
    for name in os.listdir(gateway.data):
        path = os.path.join(gateway.data, name)
        if os.path.isfile(path):
            with open(path, "rb") as file:
                assert ADDED.encode() not in file.read(), f"{name} tells the token"

    code(alice.request("DELETE", "/hub/api/services/late"), 403)
    code(admin.request("DELETE", "/hub/api/services/watch"), 405)
    code(admin.request("DELETE", "/hub/api/services/none"), 404)
    code(admin.request("DELETE", "/hub/api/services/late"), 200)
    assert own.request("GET", "/hub/api/user").status == 403
    assert visitor.request("GET", "/hub/api/user").status == 403
    assert alice.request("GET", "/services/late/").status == 404
    code(admin.request("GET", "/hub/api/services/late"), 404)
    gateway.kill()
    gateway.start()
    code(admin.request("GET", "/hub/api/services/late"), 404)
    assert visitor.request("GET", "/hub/api/user").status == 403, "a crash brought it back"
    code(admin.request("POST", "/hub/api/services/late", {"api_token": ADDED + "3"}), 201)
    assert visitor.request("GET", "/hub/api/user").status == 403
    code(admin.request("DELETE", "/hub/api/services/late"), 200)


def main():
    began = time.monotonic()
    port, other = steady_port(), steady_port()
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    os.environ["GATEWAYS_OWN"] = "secret"
    services = {
        "watch": {"api_token": TOKEN, "url": f"http://127.0.0.1:{port}", "command": ["/usr/bin/python3", WATCHER], "cwd": ".",
                  "environment": {"COLOUR": "green"}},
        "whoami": {"url": f"http://127.0.0.1:{other}", "command": ["/usr/bin/python3", WHOAMI], "confirm": False},
        "broken": {"command": ["/nowhere/at/all"]},
        "lowly": {"command": ["/usr/bin/sleep", "600"], "user": account.pw_name},
        "small": {"api_token": "a-token-of-a-small-administrator"}}
    services["course101"] = {"api_token": COURSE, "url": f"http://127.0.0.1:{steady_port()}", "confirm": False, "cwd": ".",
                             "command": ["/usr/bin/jupyterhub-singleuser", "--allow-root"],
                             "environment": {"JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp", "HOME": "/nonexistent"}}
    services["chief"] = services.pop("small")
    extra = (f"services: {json.dumps(services)}\n"
             "groups: {formgrade-course101: {users: []}}\n"
             "roles:\n  chief: {scopes: ['admin:services'], services: [chief]}\n"
             "  course: {scopes: [groups, 'admin:groups', 'read:users'], services: [course101]}\n"
             "  formgrader: {scopes: ['access:services!service=course101'], groups: [formgrade-course101]}\n"
             "  user: {scopes: [self, 'access:services!service=whoami', 'access:services!service=late']}\n")
    with Gateway(extra=extra) as gateway:
        teacher = Person(gateway, "teacher").sign_in()
        admin = Checked(gateway, teacher.token())
        alice = Checked(gateway, Person(gateway, "alice").sign_in().token())
        managed(gateway, admin, port)
        under_another_account(admin, account)
        visited(gateway)
        nbgrader(gateway, admin)
        added(gateway, admin, alice)
        last = told(gateway)
        gateway.kill()  # no farewell at all: the kernel tells the service
        wait_until("it goes with a killed gateway", lambda: not alive(last["pid"]))
        gateway.start()
        last = told(gateway, last["pid"])
        assert gateway.stop() == 0
        assert not alive(last["pid"]) and not alive(last["child"]), "the gateway ended, its service did not"
        gateway.start()
        told(gateway, last["pid"])
        reloaded(gateway, admin)
    for pid in filter(alive, CHILDREN):
        os.kill(pid, signal.SIGKILL)
    print(json.dumps({"seconds": round(time.monotonic() - began, 1)}))


if __name__ == "__main__":
    main()
