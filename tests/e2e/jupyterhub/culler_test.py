"""Servers that nobody uses: an external culler that asks what jupyterhub-idle-culler asks (named and default servers, pages of users,
removal of named servers and of users, two at a time), and the built-in rules with their notice and the button that keeps a server."""

import datetime
import json
import re
import sys
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, "tests/drivers")
from gateway import Gateway, Person, Program, wait_until  # noqa: E402

TOKEN = "the-cullers-token-0123456789ab"
EXTRA = f"""
services:
  culler: {{api_token: '{TOKEN}'}}
roles:
  culler: {{scopes: ['list:users', 'read:users:activity', 'read:servers', 'delete:servers', 'admin:users'], services: [culler]}}
groups:
  short: {{users: []}}
limits: {{servers_per_user: 3}}
cull:
  - {{match: {{group: short, idle: 60s}}, notice: 59s}}
"""


class IdleCuller:
    """One round of the calls, in their order; what it decides is its own."""

    def __init__(self, gateway, timeout, cull_users=False, remove_named=False, page=2, keep=("culler",)):
        self.program = Program(gateway, TOKEN)
        self.gateway, self.timeout, self.cull_users, self.remove_named = gateway, timeout, cull_users, remove_named
        self.page, self.keep, self.culled = page, keep, []

    def pages(self, state):
        url = f"/hub/api/users?state={state}&limit={self.page}"
        while url:
            answer = self.program.request("GET", url, headers={"Accept": "application/jupyterhub-pagination+json"})
            assert answer.status == 200, answer.text
            page = answer.json()
            yield from page["items"]
            following = page["_pagination"]["next"]
            url = following and urllib.parse.urlsplit(following["url"])._replace(scheme="", netloc="").geturl()

    def idle(self, stamp):
        at = datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00"))
        return (datetime.datetime.now(datetime.timezone.utc) - at).total_seconds() >= self.timeout

    def server(self, user, server):
        if server["pending"] or not server["ready"] or not self.idle(server["last_activity"]):
            return False
        name = urllib.parse.quote(server["name"])
        where = f"servers/{name}" if name else "server"
        body = {"remove": True} if name and self.remove_named else None
        answer = self.program.request("DELETE", f"/hub/api/users/{user['name']}/{where}", body)
        assert answer.status in (202, 204), (answer.status, answer.text)
        self.culled.append(f"{user['name']}/{server['name']}")
        return answer.status == 204

    def user(self, user):
        alive = [s for s in user["servers"].values() if not self.server(user, s)]
        if not self.cull_users or alive or user.get("admin") or user["name"] in self.keep or not self.idle(user["last_activity"]):
            return
        answer = self.program.request("DELETE", f"/hub/api/users/{user['name']}")
        assert answer.status == 204, (answer.status, answer.text)
        self.culled.append(user["name"])

    def round(self):
        assert re.match(r"\d+\.\d+\.\d+$", self.program.request("GET", "/hub/api/").json()["version"])
        users = {u["name"]: u for state in (["ready", "inactive"] if self.cull_users else ["ready"]) for u in self.pages(state)}
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self.user, users.values()))
        return sorted(self.culled)


def external(gateway, people):
    ada = people["ada"]
    assert ada.api("POST", "/users/ada/servers/second", {"profile": "light"}).status in (201, 202)
    for person in people.values():
        person.launch()
        person.wait_ready()
    wait_until("the named one", lambda: ada.api("GET", "/users/ada/servers/second").json()["ready"])
    assert IdleCuller(gateway, 3600).round() == []
    names = ["ada/", "ada/second", "bert/", "cleo/", "dan/", "eve/"]
    assert IdleCuller(gateway, 0, remove_named=True).round() == names
    wait_until("all stopped", lambda: all(p.server()["stopped"] for p in people.values()))
    model = ada.model()
    assert model["servers"] == {} and set(model["stopped_servers"]) == {""}, model  # the named one is forgotten
    assert IdleCuller(gateway, 0).round() == []
    assert "culler" not in people["bert"].get("/hub/home").text
    made = Program(gateway, TOKEN).request("POST", "/hub/api/users", {"usernames": [f"old{n}" for n in range(5)]})
    assert made.status == 201, made.text
    gone = IdleCuller(gateway, 0, cull_users=True, keep=("culler", *people)).round()
    assert gone == [f"old{n}" for n in range(5)], gone


def built_in(gateway, teacher, person):
    assert teacher.api("POST", "/groups/short/users", {"users": [person.name]}).status == 200
    person.launch()
    person.wait_ready()

    def told():
        model = person.server()
        return model if model["stops_at"] else None
    model = wait_until("the rule counts", told)
    page = wait_until("the page warns", lambda: (lambda t: t if "Keep it" in t else None)(person.get("/hub/home").text))
    assert "/hub/keep/" + person.name in page
    first = model["stops_at"]
    for bad in ("", "0", "25", "x", "1e3", "-1"):
        assert person.post(f"/hub/keep/{person.name}", hours=bad).status == 400, bad
    other = Person(gateway, "bert").sign_in()
    assert other.post(f"/hub/keep/{person.name}", hours="4").status in (403, 404)
    assert person.post(f"/hub/keep/{person.name}", hours="4").status == 303
    kept = person.server()["kept_until"]
    away = datetime.datetime.fromisoformat(kept.replace("Z", "+00:00")) - datetime.datetime.now(datetime.timezone.utc)
    assert 3.9 * 3600 < away.total_seconds() <= 4 * 3600, kept
    wait_until("it is put off", lambda: person.server()["stops_at"] >= kept > first)
    assert "Kept until" in person.get("/hub/home").text
    gateway.kill()  # it survives the gateway, too
    gateway.start()
    assert person.server()["kept_until"] == kept
    wait_until("put off still", lambda: (person.server()["stops_at"] or "") >= kept)
    assert person.stop().status == 204
    person.launch()
    person.wait_ready()
    assert person.server()["kept_until"] is None, "a new server is not kept"


def main():
    began = time.monotonic()
    with Gateway(extra=EXTRA) as gateway:
        people = {name: Person(gateway, name).sign_in() for name in ("ada", "bert", "cleo", "dan", "eve")}
        teacher = Person(gateway, "teacher").sign_in()
        external(gateway, people)
        built_in(gateway, teacher, people["cleo"])
    print(json.dumps({"seconds": round(time.monotonic() - began, 1)}))


if __name__ == "__main__":
    main()
