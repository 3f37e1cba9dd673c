"""The script that replay_test.py plays to both hubs: who asks, what, with which body. `who`: nobody, wrong (a token that is
none), admin (a token of teacher's, who is one), alice, bob, reader (a token of alice's that may read her name only), browser (a signed-in browser without a token).
`{...}` stands for what an earlier step captured."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Step:
    who: str
    method: str
    path: str
    body: Any = None
    note: str = ""  # tells two alike apart
    headers: dict = field(default_factory=dict)
    capture: dict = field(default_factory=dict)  # name -> key of the JSON answer
    wait: str = ""  # before: "ready alice/", "stopped alice/"
    raw: str = ""  # a body that is no JSON

    @property
    def name(self):
        return " ".join(filter(None, [self.who, self.method, self.path, self.note]))


READS = ["/hub/api", "/hub/api/", "/hub/api/info", "/hub/api/user", "/hub/api/users", "/hub/api/users/alice", "/hub/api/users/bob",
         "/hub/api/users/nobody-of-that-name", "/hub/api/users/alice/tokens", "/hub/api/users/bob/tokens", "/hub/api/groups",
         "/hub/api/groups/crew", "/hub/api/groups/none", "/hub/api/services", "/hub/api/services/watch", "/hub/api/services/none",
         "/hub/api/proxy", "/hub/api/nothing", "/hub/api/users/alice/nothing", "/hub/api/users/alice/server/progress",
         "/hub/health", "/hub/metrics"]
CALLERS = ["nobody", "wrong", "reader", "alice", "bob", "admin"]
PAGED = {"Accept": "application/jupyterhub-pagination+json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def reads():
    return [Step(who, "GET", path) for path in READS for who in CALLERS]


def lists():
    queries = ["?limit=1", "?limit=0", "?limit=-1", "?offset=1&limit=1", "?offset=1000", "?state=active", "?state=ready", "?state=inactive",
               "?state=odd", "?name_filter=ali", "?include_stopped_servers=1", "?limit=x"]
    steps = [Step("admin", "GET", "/hub/api/users" + query) for query in queries]
    steps += [Step("admin", "GET", "/hub/api/users" + query, note="paged", headers=PAGED)
              for query in ("", "?limit=1", "?limit=2&offset=1", "?limit=100000", "?state=inactive&limit=1")]
    return steps + [Step("admin", "GET", "/hub/api/groups", note="paged", headers=PAGED),
                    Step("admin", "HEAD", "/hub/health"), Step("nobody", "HEAD", "/hub/health"),
                    Step("nobody", "OPTIONS", "/hub/api/users")]


def users():
    return [
        Step("admin", "POST", "/hub/api/users", {"usernames": ["carol", "dave"]}, "two"),
        Step("admin", "POST", "/hub/api/users", {"usernames": ["carol", "dave"]}, "both there"),
        Step("admin", "POST", "/hub/api/users", {"usernames": ["carol", "erin"]}, "one there"),
        Step("admin", "POST", "/hub/api/users", {"usernames": []}, "none"),
        Step("admin", "POST", "/hub/api/users", {}, "no key"),
        Step("admin", "POST", "/hub/api/users", {"usernames": "carol"}, "a text"),
        Step("admin", "POST", "/hub/api/users", [1], "a list"),
        Step("admin", "POST", "/hub/api/users", None, "no body"),
        Step("admin", "POST", "/hub/api/users", None, "broken", raw="{"),
        Step("alice", "POST", "/hub/api/users", {"usernames": ["mine"]}, "no right"),
        Step("nobody", "POST", "/hub/api/users", {"usernames": ["mine"]}, "nobody"),
        Step("admin", "POST", "/hub/api/users/frank", {}, "one"),
        Step("admin", "POST", "/hub/api/users/frank", {}, "again"),
        Step("alice", "POST", "/hub/api/users/grace", {}, "no right"),
        Step("admin", "GET", "/hub/api/users/frank", note="made"),
        Step("admin", "PATCH", "/hub/api/users/frank", {"admin": True}, "admin"),
        Step("admin", "PATCH", "/hub/api/users/frank", {"admin": "yes"}, "a text"),
        Step("admin", "PATCH", "/hub/api/users/frank", {"odd": 1}, "unknown key"),
        Step("admin", "PATCH", "/hub/api/users/frank", {"name": "alice"}, "taken"),
        Step("admin", "PATCH", "/hub/api/users/frank", {"name": "franka"}, "renamed"),
        Step("admin", "GET", "/hub/api/users/frank", note="old name"),
        Step("admin", "GET", "/hub/api/users/franka", note="new name"),
        Step("alice", "PATCH", "/hub/api/users/alice", {"admin": True}, "myself admin"),
        Step("alice", "PATCH", "/hub/api/users/bob", {"name": "bobby"}, "no right"),
        Step("admin", "PATCH", "/hub/api/users/none", {"admin": True}, "nobody"),
        Step("admin", "DELETE", "/hub/api/users/franka"),
        Step("admin", "DELETE", "/hub/api/users/franka", note="again"),
        Step("admin", "DELETE", "/hub/api/users/teacher", note="myself"),
        Step("alice", "DELETE", "/hub/api/users/bob", note="no right"),
        Step("nobody", "DELETE", "/hub/api/users/bob"),
    ]


def tokens():
    at = "/hub/api/users/alice/tokens"
    return [
        Step("alice", "POST", at, {"note": "mine"}, "note", capture={"token_id": "id", "new": "token"}),
        Step("alice", "GET", at, note="one more"),
        Step("alice", "GET", at + "/{token_id}"),
        Step("bob", "GET", at + "/{token_id}", note="somebody else's"),
        Step("admin", "GET", at + "/{token_id}", note="an admin"),
        Step("alice", "GET", at + "/a999999", note="none"),
        Step("alice", "GET", at + "/x", note="odd id"),
        Step("new", "GET", "/hub/api/user", note="works"),
        Step("alice", "DELETE", at + "/{token_id}"),
        Step("new", "GET", "/hub/api/user", note="revoked"),
        Step("alice", "DELETE", at + "/{token_id}", note="again"),
        Step("alice", "POST", at, None, "no body"),
        Step("alice", "POST", at, {"expires_in": 3600}, "expires"),
        Step("alice", "POST", at, {"expires_in": "soon"}, "expires wrongly"),
        Step("alice", "POST", at, {"scopes": ["read:users:name!user=alice"]}, "narrow"),
        Step("alice", "POST", at, {"scopes": ["admin:users"]}, "too much"),
        Step("alice", "POST", at, {"roles": ["none-such"]}, "unknown role"),
        Step("alice", "POST", at, {"roles": ["token"]}, "role"),
        Step("alice", "POST", at, None, "broken", raw="[1"),
        Step("bob", "POST", at, {}, "somebody else's"),
        Step("admin", "POST", at, {"note": "by an admin"}, "an admin"),
        Step("nobody", "POST", at, {}, "nobody"),
        Step("reader", "POST", at, {}, "without the scope"),
    ]


def groups():
    return [
        Step("admin", "POST", "/hub/api/groups/blue", {}),
        Step("admin", "POST", "/hub/api/groups/blue", {}, "again"),
        Step("admin", "POST", "/hub/api/groups/green", {"users": ["alice"]}, "with people"),
        Step("admin", "POST", "/hub/api/groups/odd", {"users": ["none-such"]}, "with nobody's name"),
        Step("admin", "POST", "/hub/api/groups", {"groups": ["red", "white"]}, "two"),
        Step("admin", "POST", "/hub/api/groups", {"groups": ["red"]}, "there"),
        Step("admin", "GET", "/hub/api/groups/blue", note="made"),
        Step("admin", "GET", "/hub/api/groups/green", note="made"),
        Step("admin", "POST", "/hub/api/groups/blue/users", {"users": ["alice", "bob"]}, "two"),
        Step("admin", "POST", "/hub/api/groups/blue/users", {"users": ["none-such"]}, "nobody's name"),
        Step("admin", "POST", "/hub/api/groups/blue/users", {}, "no key"),
        Step("admin", "POST", "/hub/api/groups/none/users", {"users": ["alice"]}, "no group"),
        Step("admin", "GET", "/hub/api/groups/blue", note="with two"),
        Step("admin", "GET", "/hub/api/users/alice", note="in two groups"),
        Step("admin", "DELETE", "/hub/api/groups/blue/users", {"users": ["bob"]}),
        Step("admin", "DELETE", "/hub/api/groups/blue/users", {}, "no key"),
        Step("alice", "POST", "/hub/api/groups/mine", {}, "no right"),
        Step("alice", "POST", "/hub/api/groups/blue/users", {"users": ["bob"]}, "no right"),
        Step("admin", "DELETE", "/hub/api/groups/blue"),
        Step("admin", "DELETE", "/hub/api/groups/blue", note="again"),
    ]


def servers():
    at = "/hub/api/users/alice/server"
    named = "/hub/api/users/alice/servers/second"
    return [
        Step("bob", "POST", at, {}, "somebody else's"),
        Step("nobody", "POST", at, {}),
        Step("admin", "POST", "/hub/api/users/none-such/server", {}, "nobody's"),
        Step("alice", "POST", at, {}),
        Step("alice", "POST", at, {}, "there", wait="ready alice/"),
        Step("alice", "GET", "/hub/api/users/alice", note="running"),
        Step("admin", "GET", "/hub/api/users/alice", note="running"),
        Step("alice", "GET", at + "/progress", note="running"),
        Step("admin", "GET", "/hub/api/users?state=ready", note="one"),
        Step("admin", "GET", "/hub/api/proxy", note="a route"),
        Step("alice", "POST", "/hub/api/users/alice/activity", {"last_activity": "2026-01-01T00:00:00.000000Z"}, "old"),
        Step("alice", "POST", "/hub/api/users/alice/activity", {"servers": {"": {"last_activity": "2026-01-01T00:00:00Z"}}}, "server"),
        Step("alice", "POST", "/hub/api/users/alice/activity", {"servers": {"none": {"last_activity": "2026-01-01T00:00:00Z"}}}, "no server"),
        Step("alice", "POST", "/hub/api/users/alice/activity", {}, "nothing"),
        Step("alice", "POST", "/hub/api/users/alice/activity", {"last_activity": "2999-01-01T00:00:00Z"}, "future"),
        Step("alice", "POST", "/hub/api/users/alice/activity", {"last_activity": "soon"}, "no time"),
        Step("bob", "POST", "/hub/api/users/alice/activity", {"last_activity": "2026-01-01T00:00:00Z"}, "somebody else's"),
        Step("browser", "GET", "/hub/user/alice/", note="running"),
        Step("alice", "POST", named, {}, "named"),
        Step("alice", "GET", "/hub/api/users/alice", note="two", wait="ready alice/second"),
        Step("alice", "POST", named, {}, "named again"),
        Step("alice", "DELETE", named, note="named"),
        Step("alice", "DELETE", named, {"remove": True}, "removed", wait="stopped alice/second"),
        Step("alice", "DELETE", "/hub/api/users/alice/servers/none", note="none"),
        Step("bob", "DELETE", at, note="somebody else's"),
        Step("alice", "DELETE", at),
        Step("alice", "DELETE", at, note="again", wait="stopped alice/"),
        Step("alice", "DELETE", at, {"remove": True}, "removed"),
        Step("alice", "GET", at + "/progress", note="stopped"),
        Step("admin", "GET", "/hub/api/users/alice?include_stopped_servers=1", note="stopped"),
        Step("nobody", "GET", "/user/alice/api/status", note="stopped"),
        Step("alice", "GET", "/user/alice/api/status", note="stopped"),
        Step("nobody", "POST", "/user/alice/api/contents", {}, "stopped"),
    ]


def pages():
    return [
        Step("nobody", "GET", "/"),
        Step("nobody", "GET", "/?a=b"),
        Step("nobody", "GET", "/hub"),
        Step("nobody", "GET", "/hub/"),
        Step("nobody", "GET", "/hub/home"),
        Step("nobody", "GET", "/hub/login"),
        Step("nobody", "GET", "/hub/login?next=%2Fhub%2Fhome"),
        Step("nobody", "GET", "/hub/logout"),
        Step("nobody", "GET", "/hub/spawn"),
        Step("nobody", "GET", "/hub/token"),
        Step("nobody", "GET", "/hub/admin"),
        Step("nobody", "GET", "/user/alice/tree?x=1"),
        Step("nobody", "GET", "/hub/user/alice/tree"),
        Step("nobody", "GET", "/user-redirect/tree"),
        Step("nobody", "GET", "/hub/user-redirect/tree?a=b"),
        Step("nobody", "GET", "/hub/nothing"),
        Step("nobody", "GET", "/nothing"),
        Step("nobody", "GET", "/services/none/"),
        Step("nobody", "GET", "/hub/error/503"),
        Step("nobody", "GET", "/hub/static/none.css"),
        Step("nobody", "POST", "/hub/login", None, "no form", FORM, raw=""),
        Step("browser", "GET", "/"),
        Step("browser", "GET", "/hub/"),
        Step("browser", "GET", "/hub/home"),
        Step("browser", "GET", "/hub/login"),
        Step("browser", "GET", "/hub/login?next=%2Fhub%2Ftoken"),
        Step("browser", "GET", "/hub/login?next=%2F%2Fevil.example"),
        Step("browser", "GET", "/hub/login?next=https%3A%2F%2Fevil.example"),
        Step("browser", "GET", "/hub/login?next=%2F%5Cevil.example"),
        Step("browser", "GET", "/hub/login?next=relative"),
        Step("browser", "GET", "/hub/token"),
        Step("browser", "GET", "/hub/admin"),
        Step("browser", "GET", "/hub/spawn/bob"),
        Step("browser", "GET", "/hub/user/bob/"),
        Step("browser", "GET", "/hub/user-redirect/tree?a=b"),
        Step("browser", "GET", "/hub/spawn-pending/alice"),
        Step("browser", "GET", "/hub/spawn-pending/bob"),
        Step("browser", "GET", "/user/alice/tree", note="stopped"),
        Step("browser", "GET", "/hub/api/users/alice", note="cookie without a sign of our pages"),
        Step("browser", "POST", "/hub/api/users/alice/tokens", {}, "cookie without a token"),
        Step("browser", "GET", "/hub/logout"),
    ]


def oauth():
    at = "/hub/api/oauth2/authorize?client_id=service-watch&response_type=code&state=s&redirect_uri="
    return [
        Step("nobody", "GET", at + "%2Fservices%2Fwatch%2Foauth_callback"),
        Step("browser", "GET", at + "%2Fservices%2Fwatch%2Foauth_callback"),
        Step("browser", "GET", at + "https%3A%2F%2Fevil.example%2F", note="another address"),
        Step("browser", "GET", "/hub/api/oauth2/authorize?client_id=none&response_type=code&state=s", note="no client"),
        Step("browser", "GET", "/hub/api/oauth2/authorize", note="nothing"),
        Step("nobody", "POST", "/hub/api/oauth2/token", None, "nothing", FORM, raw=""),
        Step("nobody", "POST", "/hub/api/oauth2/token", None, "a wrong code", FORM,
             raw="grant_type=authorization_code&client_id=service-watch&client_secret={service}&code=x&redirect_uri=%2Fservices%2Fwatch%2Foauth_callback"),
        Step("nobody", "POST", "/hub/api/oauth2/token", None, "a wrong secret", FORM,
             raw="grant_type=authorization_code&client_id=service-watch&client_secret=x&code=x&redirect_uri=%2Fservices%2Fwatch%2Foauth_callback"),
        Step("service", "GET", "/hub/api/user"),
        Step("service", "GET", "/hub/api/users"),
        Step("service", "GET", "/hub/api/services/watch"),
    ]


def whole():
    steps = reads() + lists() + users() + tokens() + groups() + servers() + oauth() + pages()
    names = [step.name for step in steps]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    return steps
