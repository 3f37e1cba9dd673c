"""JupyterHub's REST API as programs use it: users page by page, groups, tokens with scopes, services, roles of the
configuration; and that a filtered scope is no unfiltered one, and only an administrator makes another. Every answer is held against docs/openapi.yaml."""

import json
import sys
import time

sys.path.insert(0, "tests/drivers")
import gateway as drivers  # noqa: E402
from gateway import Gateway, wait_until  # noqa: E402
from openapi import Description  # noqa: E402

DESCRIPTION = Description()


class Program(drivers.Program):
    def request(self, method, path, *rest, **named):
        answer = super().request(method, path, *rest, **named)
        DESCRIPTION.check(method, path, answer)
        return answer


class Person(drivers.Person):
    def request(self, method, path, *rest, **named):
        answer = super().request(method, path, *rest, **named)
        DESCRIPTION.check(method, path, answer)
        return answer


PAGED = {"Accept": "application/jupyterhub-pagination+json"}
CULLER = "the-cullers-token-0123456789ab"
EXTRA = f"""
services:
  culler: {{api_token: '{CULLER}'}}
  other: {{api_token: 'another token for the tests', admin: true}}
roles:
  idle: {{scopes: ['list:users', 'read:users:activity', 'read:servers', 'delete:servers'], services: [culler]}}
  leads: {{scopes: ['list:users!group=physics', 'read:users!group=physics', 'servers!group=physics',
                    'admin:users!group=physics', 'groups!group=physics', 'tokens!group=physics'], groups: [leads]}}
  readers: {{scopes: ['read:users:name', 'custom:grades:read'], users: ['room:reader']}}
groups:
  physics: {{users: [pia]}}
  leads: {{}}
custom_scopes: ['custom:grades:read']
limits: {{servers_per_user: 2}}
"""


def code(answer, status):
    assert answer.status == status, (answer.status, answer.text[:400])
    return answer.json() if answer.body else None


def events(answer):
    assert answer.header("content-type") == "text/event-stream", answer.text[:300]
    return [json.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:")]


def users(admin):
    made = code(admin.request("POST", "/hub/api/users", {"usernames": ["u1", "u2", "U3"]}), 201)
    assert [u["name"] for u in made] == ["u1", "u2", "u3"], made
    assert [u["name"] for u in code(admin.request("POST", "/hub/api/users", {"usernames": ["u3", "u4"]}), 201)] == ["u4"]
    code(admin.request("POST", "/hub/api/users", {"usernames": ["u1", "u2"]}), 409)
    for bad in ({}, {"usernames": []}, {"usernames": "x"}, {"usernames": ["a/b"]}, {"usernames": [3]}, [1],
                {"usernames": ["x"], "admin": "yes"}):
        assert code(admin.request("POST", "/hub/api/users", bad), 400)["status"] == 400
    assert code(admin.request("POST", "/hub/api/users/u5"), 201)["name"] == "u5"
    code(admin.request("POST", "/hub/api/users/u5"), 409)
    assert code(admin.request("POST", "/hub/api/users/chief", {"admin": True}), 201)["admin"] is True
    code(admin.request("POST", "/hub/api/users/u6", {"admin": "yes"}), 400)
    code(admin.request("GET", "/hub/api/users/u6"), 404)
    code(admin.request("DELETE", "/hub/api/users/chief"), 204)
    assert code(admin.request("POST", "/hub/api/users/u5/tokens", {}), 201)["note"] == "Requested via api by user teacher"
    assert code(admin.request("POST", "/hub/api/users/teacher/tokens"), 201)["note"] == "Requested via api"
    model = code(admin.request("GET", "/hub/api/users/u5"), 200)
    assert model["kind"] == "user" and model["admin"] is False and model["servers"] == {} and model["server"] is None
    for key in ("created", "last_activity", "groups", "roles", "pending"):
        assert key in model, (key, model)
    code(admin.request("GET", "/hub/api/users/nobody"), 404)
    for bad in ({"name": "u1"}, {"colour": 1}, {"admin": 1}, {}):
        code(admin.request("PATCH", "/hub/api/users/u5", bad), 400)
    assert code(admin.request("PATCH", "/hub/api/users/u5", {"admin": True}), 200)["admin"] is True
    assert code(admin.request("PATCH", "/hub/api/users/u5", {"admin": False}), 200)["admin"] is False
    code(admin.request("DELETE", "/hub/api/users/u5"), 204)
    code(admin.request("DELETE", "/hub/api/users/u5"), 404)
    code(admin.request("DELETE", "/hub/api/users/teacher"), 400)  # themselves


def pages(admin):
    names = [f"page{n:03}" for n in range(120)]
    code(admin.request("POST", "/hub/api/users", {"usernames": names}), 201)
    first = code(admin.request("GET", "/hub/api/users?name_filter=page&sort=name", headers=PAGED), 200)
    assert [u["name"] for u in first["items"]] == names[:50]
    meta = first["_pagination"]
    assert (meta["offset"], meta["limit"], meta["total"]) == (0, 50, 120) and meta["next"]["offset"] == 50, meta
    seen, url = first["items"], meta["next"]["url"]
    while url:
        prefix = f"http://127.0.0.1:{admin.gateway.port}"
        assert url.startswith(prefix), url
        page = code(admin.request("GET", url[len(prefix):], headers=PAGED), 200)
        seen += page["items"]
        url = page["_pagination"]["next"] and page["_pagination"]["next"]["url"]
    assert [u["name"] for u in seen] == names
    bare = admin.request("GET", "/hub/api/users?name_filter=page&sort=-name&limit=3&offset=1")
    assert [u["name"] for u in bare.json()] == names[-2:-5:-1] and "more" in bare.header("warning")
    assert len(code(admin.request("GET", "/hub/api/users?limit=-2"), 200)) == 2
    for bad in ("state=asleep", "sort=colour", "limit=x", "offset=y"):
        code(admin.request("GET", "/hub/api/users?" + bad), 400)


def states(gateway, admin):
    pia = Person(gateway, "pia").sign_in()
    pia.launch()
    pia.wait_ready()
    assert [u["name"] for u in code(admin.request("GET", "/hub/api/users?state=ready"), 200)] == ["pia"]
    assert [u["name"] for u in code(admin.request("GET", "/hub/api/users?state=active"), 200)] == ["pia"]
    assert "pia" not in [u["name"] for u in code(admin.request("GET", "/hub/api/users?state=inactive"), 200)]
    routes = code(admin.request("GET", "/hub/api/proxy"), 200)
    assert routes["/user/pia/"]["data"]["user"] == "pia", routes
    assert code(admin.request("GET", "/hub/api/users/pia/servers/"), 200)["ready"] is True
    code(admin.request("POST", "/hub/api/users/pia/server"), 400)
    # Who asks late is told what counts, in one event.
    late = events(admin.request("GET", "/hub/api/users/pia/server/progress"))
    assert [(e["progress"], e["ready"], e["url"]) for e in late] == [(100, True, "/user/pia/")], late
    assert late[0]["html_message"] == 'Server ready at <a href="/user/pia/">/user/pia/</a>'
    started = admin.request("POST", "/hub/api/users/pia/servers/second", {"profile": "light"})
    assert started.status in (201, 202), started.text
    wait_until("the second server", lambda: code(admin.request("GET", "/hub/api/users/pia/servers/second"), 200)["ready"])
    assert admin.request("POST", "/hub/api/users/pia/servers/third", {"profile": "light"}).status == 429
    code(admin.request("DELETE", "/hub/api/users/pia/servers/second"), 204)
    code(admin.request("GET", "/hub/api/users/pia/servers/second/progress"), 404)  # it stopped: nothing starts
    shown = code(admin.request("GET", "/hub/api/users/pia?include_stopped_servers"), 200)["servers"]
    assert shown["second"]["stopped"] and shown["second"]["started"] is None and not shown["second"]["ready"], shown
    assert "second" not in code(admin.request("GET", "/hub/api/users/pia?include_stopped_servers=0"), 200)["servers"]
    code(admin.request("DELETE", "/hub/api/users/pia/servers/second", {"remove": True}), 204)
    code(admin.request("DELETE", "/hub/api/users/pia/servers/second"), 404)
    return pia


def culler(gateway, pia):
    """What jupyterhub-idle-culler asks."""
    program = Program(gateway, CULLER)
    assert code(program.request("GET", "/hub/api/"), 200)["version"]
    page = code(program.request("GET", "/hub/api/users?state=ready", headers=PAGED), 200)
    (user,) = page["items"]
    server = user["servers"][""]
    for key in ("name", "url", "pending", "ready", "started", "last_activity"):
        assert key in server, (key, server)
    assert user["name"] == "pia" and "created" not in user and "groups" not in user, user
    code(program.request("POST", "/hub/api/users/pia/server"), 403)
    code(program.request("GET", "/hub/api/groups"), 403)
    code(program.request("DELETE", "/hub/api/users/pia/server"), 204)
    code(program.request("DELETE", "/hub/api/users/pia/server"), 204)
    assert pia.wait_stopped()["stopped"]


def groups(admin):
    code(admin.request("POST", "/hub/api/groups", {"groups": ["g1", "g2"]}), 201)
    code(admin.request("POST", "/hub/api/groups", {"groups": ["g1"]}), 409)
    code(admin.request("POST", "/hub/api/groups", {}), 400)
    code(admin.request("POST", "/hub/api/groups/g3", {"users": ["nobody"]}), 400)
    assert code(admin.request("POST", "/hub/api/groups/g3", {"users": ["u1"]}), 201)["users"] == ["u1"]
    code(admin.request("POST", "/hub/api/groups/g3"), 409)
    code(admin.request("POST", "/hub/api/groups/g1/users", {}), 400)
    assert code(admin.request("POST", "/hub/api/groups/g1/users", {"users": ["u2", "u1"]}), 200)["users"] == ["u1", "u2"]
    assert code(admin.request("GET", "/hub/api/users/u1"), 200)["groups"] == ["g1", "g3"]
    assert code(admin.request("DELETE", "/hub/api/groups/g1/users", {"users": ["u2"]}), 200)["users"] == ["u1"]
    assert code(admin.request("PUT", "/hub/api/groups/g1/properties", {"room": 3}), 200)["properties"] == {"room": 3}
    assert code(admin.request("GET", "/hub/api/groups/g1"), 200)["properties"] == {"room": 3}
    assert {"g1", "g2", "g3", "physics", "leads", "room"} <= {g["name"] for g in code(admin.request("GET", "/hub/api/groups"), 200)}
    code(admin.request("DELETE", "/hub/api/groups/g2"), 204)
    code(admin.request("GET", "/hub/api/groups/g2"), 404)
    code(admin.request("POST", "/hub/api/groups/lti%2Fx%2Finstructor"), 400)  # what launches say, nobody writes


def filtered(gateway, admin):
    """A lead of physics: everything there, nothing else, and nothing for all (GHSA-69wv-m5fw-2fhp)."""
    lead = Person(gateway, "lead").sign_in()
    assert lead.api("GET", "/users").status == 403
    code(admin.request("POST", "/hub/api/groups/leads/users", {"users": ["lead"]}), 200)
    assert [u["name"] for u in code(lead.api("GET", "/users"), 200)] == ["pia"]  # at once, in the open session
    code(lead.api("GET", "/users/pia"), 200)
    code(lead.api("GET", "/users/u1"), 404)
    code(lead.api("POST", "/users", {"usernames": ["mine"]}), 403)
    code(lead.api("POST", "/users/mine"), 403)
    code(lead.api("POST", "/groups", {"groups": ["mine"]}), 403)
    code(lead.api("POST", "/groups/g1/users", {"users": ["lead"]}), 404)
    code(lead.api("POST", "/groups/physics/users", {"users": ["u1"]}), 200)
    assert sorted(u["name"] for u in code(lead.api("GET", "/users"), 200)) == ["pia", "u1"]
    code(lead.api("DELETE", "/groups/physics/users", {"users": ["u1"]}), 200)
    code(lead.api("PATCH", "/users/pia", {"admin": True}), 403)  # CVE-2024-41942
    made = code(lead.api("POST", "/users/pia/tokens", {"scopes": ["read:users!group=physics"]}), 201)
    assert made["scopes"] == ["read:users!group=physics"]
    code(lead.api("POST", "/users/pia/tokens", {"scopes": ["read:users!group=room"]}), 400)
    code(lead.api("POST", "/users/lead/tokens", {"scopes": ["servers!user=pia"]}), 201)   # pia is in physics
    code(lead.api("POST", "/users/lead/tokens", {"scopes": ["servers!user=u1"]}), 400)
    # A group that makes administrators is filled by administrators.
    wide = Program(gateway, code(admin_person(gateway).api("POST", "/users/teacher/tokens",
                                                           {"scopes": ["admin:groups", "admin:users"]}), 201)["token"])
    code(wide.request("PATCH", "/hub/api/users/u1", {"admin": True}), 403)
    code(wide.request("POST", "/hub/api/users", {"usernames": ["root"], "admin": True}), 403)
    code(wide.request("POST", "/hub/api/groups/chiefs", {"users": ["u1"]}), 403)
    code(admin.request("DELETE", "/hub/api/groups/leads/users", {"users": ["lead"]}), 200)
    code(lead.api("GET", "/users"), 403)


def admin_person(gateway):
    return Person(gateway, "teacher").sign_in()


def tokens(gateway):
    reader = Person(gateway, "reader").sign_in()
    made = code(reader.api("POST", "/users/reader/tokens", {"note": "mine", "expires_in": 3600,
                                                            "scopes": ["custom:grades:read", "read:users:name"]}), 201)
    for key in ("id", "token", "kind", "user", "roles", "scopes", "created", "last_activity", "expires_at", "note",
                "session_id", "oauth_client"):
        assert key in made, (key, made)
    program = Program(gateway, made["token"])
    me = code(program.request("GET", "/hub/api/user"), 200)
    assert set(me) == {"kind", "name", "admin", "groups", "scopes", "session_id", "token_id"}, me
    assert {"custom:grades:read", "read:users:name"} <= set(me["scopes"]), me
    code(program.request("GET", "/hub/api/users/reader/tokens"), 403)
    assert code(program.request("GET", "/hub/api/users/u1"), 200).keys() == {"kind", "name", "admin"}
    for bad in ({"scopes": ["admin:users"]}, {"scopes": ["no:such"]}, {"scopes": "x"}, {"expires_in": -1}, {"expires_in": "x"},
                {"roles": ["nothing"]}, {"note": 3}, [1]):
        code(reader.api("POST", "/users/reader/tokens", bad), 400)
    assert code(reader.api("POST", "/users/reader/tokens", {"roles": ["token"]}), 201)["scopes"] == ["inherit"]
    assert code(reader.api("GET", f"/users/reader/tokens/{made['id']}"), 200)["note"] == "mine"
    code(reader.api("DELETE", f"/users/reader/tokens/{made['id']}"), 204)
    code(reader.api("GET", f"/users/reader/tokens/{made['id']}"), 404)
    code(program.request("GET", "/hub/api/user"), 403)
    short = code(reader.api("POST", "/users/reader/tokens", {"expires_in": 1}), 201)
    wait_until("it is over", lambda: Program(gateway, short["token"]).request("GET", "/hub/api/user").status == 403, 5, 0.2)


def hub(gateway, admin):
    info = code(admin.request("GET", "/hub/api/info"), 200)
    assert {"version", "python", "sys_executable", "spawner", "authenticator"} == set(info), info
    listed = code(admin.request("GET", "/hub/api/services"), 200)
    assert set(listed) == {"culler", "other"} and listed["culler"]["roles"] == ["idle"], listed
    assert code(admin.request("GET", "/hub/api/services/culler"), 200)["admin"] is False
    code(admin.request("GET", "/hub/api/services/none"), 404)
    code(admin.request("POST", "/hub/api/services/late", {"api_token": "a-late-token-for-the-tests"}), 201)
    code(admin.request("DELETE", "/hub/api/services/late"), 200)
    nobody = Program(gateway, "wrong")
    for path in ("/hub/api/user", "/hub/api/users", "/hub/api/info"):
        assert code(nobody.request("GET", path), 403)["message"] == "Missing or invalid credentials."
    assert code(nobody.request("GET", "/hub/api/nothing"), 404)["status"] == 404
    assert nobody.request("OPTIONS", "/hub/api/users").status == 200
    assert nobody.request("PUT", "/hub/api/users").status == 405
    code(admin.request("POST", "/hub/api/proxy"), 200) if False else None
    assert admin.request("POST", "/hub/api/proxy").status == 200
    for bad in ({"proxy": "x"}, {"servers": 1}):
        code(admin.request("POST", "/hub/api/shutdown", bad), 400)
    powerful = Program(gateway, "another token for the tests")  # a service that is an administrator
    assert code(powerful.request("GET", "/hub/api/user"), 200)["admin"] is True
    code(powerful.request("POST", "/hub/api/users/byservice"), 201)
    code(powerful.request("POST", "/hub/api/shutdown", {"servers": True}), 202)
    assert gateway.process.wait(20) == 0


def main():
    with Gateway(extra=EXTRA, access="") as gateway:
        with open(gateway.config) as file:
            text = file.read()
        text = text.replace("access: {allow: {groups: [room]}", "access: {allow: all")
        text = text.replace("admins: {users: ['room:teacher']}", "admins: {users: ['room:teacher'], groups: [chiefs]}")
        with open(gateway.config, "w") as file:
            file.write(text)
        gateway.stop()
        gateway.start()
        admin = Program(gateway, admin_person(gateway).token())
        users(admin)
        pages(admin)
        pia = states(gateway, admin)
        culler(gateway, pia)
        groups(admin)
        code(admin.request("POST", "/hub/api/groups/physics/users", {"users": ["pia"]}), 200)
        filtered(gateway, admin)
        tokens(gateway)
        hub(gateway, admin)
    missing = {(method.upper(), path) for path, operations in DESCRIPTION.whole["paths"].items() for method in operations}
    missing -= {(method, path) for method, path, _ in DESCRIPTION.seen}
    missing = {(method, path) for method, path in missing if "share" not in path}  # shares_test.py
    assert missing <= {("POST", "/users/{name}/activity")}, missing
    print(f"ok, {len(DESCRIPTION.seen)} kinds of answer as described")


if __name__ == "__main__":
    main()
