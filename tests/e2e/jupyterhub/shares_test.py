"""Shares and share codes as JupyterHub 5 has them: given, taken back, left, by REST and by /hub/accept-share; what is taken back acts
at once, on open WebSockets too; nothing is given that the giver does not have. Every answer is held against docs/openapi.yaml."""

import sys

sys.path.insert(0, "tests/drivers")
import gateway as drivers  # noqa: E402
from gateway import Gateway, raw_websocket, wait_until  # noqa: E402
from openapi import Description  # noqa: E402
from succession import ECHO  # noqa: E402

DESCRIPTION = Description()
EXTRA = """
roles:
  user: {scopes: [self, 'shares!user', 'read:users:name', 'read:groups:name']}
  silent: {scopes: ['shares!user'], users: ['room:mute']}
groups:
  class: {users: [bob, carla]}
limits: {servers_per_user: 2}
"""


class Person(drivers.Person):
    def request(self, method, path, *rest, **named):
        answer = super().request(method, path, *rest, **named)
        DESCRIPTION.check(method, path, answer)
        return answer


def code(answer, status=200):
    assert answer.status == status, (answer.status, answer.text[:600])
    return answer.json() if answer.body and answer.header("content-type").startswith("application/json") else None


def opens(person, path="/user/alice/"):
    return person.get(path).status == 200


def socket_of(person, path="/user/alice/echo"):
    connection, status = raw_websocket(person.gateway, path, ["Cookie: " + person.cookie_header(),
                                                              f"Origin: http://127.0.0.1:{person.gateway.port}"])
    return connection, status


def is_cut(connection):
    connection.settimeout(5)
    try:
        return connection.recv(100) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def by_rest(alice, bob, carla, dora):
    assert not opens(bob)
    for bad in ({}, {"user": "bob", "group": "class"}, {"user": 3}, {"user": "nobody-there"}, {"group": "none"},
                {"user": "bob", "scopes": "x"}, {"user": "bob", "scopes": ["access:servers"]}, {"user": "bob", "scopes": ["nonsense!server=alice/"]},
                {"user": "bob", "scopes": ["access:servers!server=bob/"]}, {"user": "bob", "scopes": ["access:servers!user=alice"]}):
        code(alice.api("POST", "/shares/alice/", bad), 400)
    # Only what one has: "self" holds no admin:server_state.
    code(alice.api("POST", "/shares/alice/", {"user": "bob", "scopes": ["admin:server_state!server=alice/"]}), 403)
    code(bob.api("POST", "/shares/alice/", {"user": "bob"}), 404)
    code(alice.api("POST", "/shares/alice/none", {"user": "bob"}), 404)
    share = code(alice.api("POST", "/shares/alice/", {"user": "bob"}))
    assert share["scopes"] == ["access:servers!server=alice/"] and share["user"] == {"name": "bob"} and share["kind"] == "user"
    assert share["server"]["ready"] is True and share["server"]["url"] == "/user/alice/" and share["group"] is None
    assert opens(bob) and not opens(carla)
    assert "access:servers!server=alice/" in code(bob.api("GET", "/user"))["scopes"]
    more = code(alice.api("POST", "/shares/alice/", {"user": "bob", "scopes": ["read:servers!server=alice/"]}))
    assert more["scopes"] == ["access:servers!server=alice/", "read:servers!server=alice/"]
    assert code(bob.api("GET", "/users/alice/servers/"))["ready"] is True
    # Lists: the owner's, the receiver's; nobody else's.
    listed = code(alice.api("GET", "/shares/alice"))
    assert [i["user"]["name"] for i in listed["items"]] == ["bob"] and listed["_pagination"]["total"] == 1
    assert len(code(alice.api("GET", "/shares/alice/"))["items"]) == 1
    assert len(code(bob.api("GET", "/users/bob/shared"))["items"]) == 1
    code(bob.api("GET", "/users/bob/shared/alice/"))
    code(carla.api("GET", "/users/bob/shared"), 404)
    code(carla.api("GET", "/shares/alice"), 404)
    code(carla.api("DELETE", "/users/bob/shared/alice/"), 404)
    # Part of it back, then the rest; the open WebSocket ends and the session does not.
    left = code(alice.api("PATCH", "/shares/alice/", {"user": "bob", "scopes": ["read:servers!server=alice/"]}))
    assert left["scopes"] == ["access:servers!server=alice/"] and opens(bob)
    open_one, status = socket_of(bob)
    assert status == 101, status
    assert code(alice.api("PATCH", "/shares/alice/", {"user": "bob"})) == {}
    assert not opens(bob) and bob.get("/hub/home").status == 200
    assert is_cut(open_one), "the WebSocket outlives the share"
    assert socket_of(bob)[1] != 101
    code(bob.api("GET", "/users/bob/shared/alice/"), 404)
    # Left by the receiver.
    code(alice.api("POST", "/shares/alice/", {"user": "bob"}))
    code(bob.api("DELETE", "/users/bob/shared/alice/"), 204)
    code(bob.api("DELETE", "/users/bob/shared/alice/"), 404)
    assert not opens(bob)


def by_group(alice, bob, carla, dora, teacher):
    share = code(alice.api("POST", "/shares/alice/", {"group": "class"}))
    assert share["group"] == {"name": "class"} and share["kind"] == "group"
    assert opens(bob) and opens(carla) and not opens(dora)
    assert len(code(teacher.api("GET", "/groups/class/shared"))["items"]) == 1
    code(teacher.api("GET", "/groups/class/shared/alice/"))
    code(bob.api("GET", "/groups/class/shared"), 404)
    open_one, status = socket_of(carla)
    assert status == 101
    code(teacher.api("DELETE", "/groups/class/users", {"users": ["carla"]}))
    assert not opens(carla) and opens(bob) and is_cut(open_one)
    code(teacher.api("POST", "/groups/class/users", {"users": ["dora"]}))
    assert opens(dora)
    code(teacher.api("DELETE", "/groups/class/shared/alice/"), 204)
    assert not opens(dora) and not opens(bob)
    code(alice.api("POST", "/shares/alice/", {"group": "class"}))
    code(alice.api("POST", "/shares/alice/", {"user": "carla"}))
    assert opens(carla) and opens(bob)
    code(alice.api("DELETE", "/shares/alice/"), 204)
    assert not opens(carla) and not opens(bob)


def by_code(gateway, alice, bob, dora):
    for bad in ({"expires_in": 59}, {"expires_in": 31536001}, {"expires_in": "x"}, {"scopes": ["tokens!user=alice"]}):
        code(alice.api("POST", "/share-codes/alice/", bad), 400)
    made = code(alice.api("POST", "/share-codes/alice/", {"expires_in": 3600}))
    assert made["accept_url"] == "/hub/accept-share?code=" + made["code"] and made["full_accept_url"].endswith(made["accept_url"])
    (listed,) = code(alice.api("GET", "/share-codes/alice/"))["items"]
    assert "code" not in listed and listed["id"] == made["id"] and listed["exchange_count"] == 0
    code(bob.api("GET", "/share-codes/alice"), 404)
    assert Person(gateway, "x").get(made["accept_url"]).header("location").startswith("/hub/login?next=")
    assert alice.get(made["accept_url"]).status == 403  # one's own
    assert bob.get("/hub/accept-share?code=nonsense").status == 404
    page = bob.get(made["accept_url"] + "&next=%2Fuser%2Falice%2Fx%22%3E%3Cscript%3E")
    assert page.status == 200 and "alice" in page.text and "<script>" not in page.text.replace('<script type="module"', ""), page.text
    assert not opens(bob), "looking takes nothing"
    assert bob.request("POST", "/hub/accept-share", "code=" + made["code"], {"Content-Type": "application/x-www-form-urlencoded"}).status == 403
    assert bob.post("/hub/accept-share", code=made["code"], next="//evil.example").header("location") == "/user/alice/"
    assert opens(bob)
    assert code(alice.api("GET", "/share-codes/alice"))["items"][0]["exchange_count"] == 1
    code(alice.api("DELETE", "/share-codes/alice/?id=sc_999"), 404)
    code(alice.api("DELETE", "/share-codes/alice/?code=" + made["code"]), 204)
    assert dora.get(made["accept_url"]).status == 404 and opens(bob)
    second = code(alice.api("POST", "/share-codes/alice/"))
    code(alice.api("DELETE", f"/share-codes/alice/?id={second['id']}"), 204)
    third = code(alice.api("POST", "/share-codes/alice/"))
    code(alice.api("DELETE", "/share-codes/alice/"), 204)
    assert dora.get(third["accept_url"]).status == 404


def limits_of_giving(gateway, alice, bob):
    """A token with less gives less; who may not know a name cannot share with it."""
    narrow = drivers.Program(gateway, alice.token(scopes=["shares!user", "read:users:name"]))
    asked = narrow.request("POST", "/hub/api/shares/alice/", {"user": "carla", "scopes": ["start:servers!server=alice/"]})
    assert asked.status == 403, asked.text
    blind = drivers.Program(gateway, alice.token(scopes=["shares!user"]))
    assert blind.request("POST", "/hub/api/shares/alice/", {"user": "carla"}).status == 403
    assert blind.request("POST", "/hub/api/shares/alice/", {"user": "nobody-there"}).status == 403
    assert narrow.request("POST", "/hub/api/shares/alice/", {"user": "carla"}).status == 200
    # What came by a share goes no further.
    assert bob.api("POST", "/shares/alice/", {"user": "dora"}).status == 404


def end_of_things(gateway, alice, bob, carla, teacher):
    """A restart keeps shares; a server that is removed, and a person who is, take them along."""
    started = alice.api("POST", "/users/alice/servers/second", {"profile": "light"})
    assert started.status in (201, 202), started.text
    wait_until("the second server", lambda: alice.api("GET", "/users/alice/servers/second").json()["ready"])
    code(alice.api("POST", "/shares/alice/second", {"user": "carla"}))
    assert opens(carla, "/user/alice/second/")
    gateway.kill()
    gateway.start()
    assert opens(bob) and opens(carla, "/user/alice/second/") and not opens(bob, "/user/alice/second/")
    code(alice.api("DELETE", "/users/alice/servers/second", {"remove": True}), 204)
    assert code(carla.api("GET", "/users/carla/shared"))["items"][0]["server"]["name"] == ""
    assert [i["server"]["name"] for i in code(alice.api("GET", "/shares/alice"))["items"]] == ["", ""]
    assert teacher.api("DELETE", "/users/alice").status == 204
    assert code(bob.api("GET", "/users/bob/shared"))["items"] == []
    assert not [s for s in code(bob.api("GET", "/user"))["scopes"] if "server=alice" in s]


def main():
    with Gateway(profiles={"light": ECHO}, extra=EXTRA) as gateway:
        alice, bob, carla, dora, teacher = (Person(gateway, n).sign_in() for n in ("alice", "bob", "carla", "dora", "teacher"))
        code(teacher.api("POST", "/groups/class/users", {"users": ["bob", "carla"]}))
        alice.launch()
        alice.wait_ready()
        by_rest(alice, bob, carla, dora)
        by_group(alice, bob, carla, dora, teacher)
        by_code(gateway, alice, bob, dora)
        limits_of_giving(gateway, alice, bob)
        end_of_things(gateway, alice, bob, carla, teacher)
        actions = {e["action"] for e in drivers.Person.request(teacher, "GET", "/hub/api/audit?limit=500").json()}
        assert {"share-grant", "share-revoke"} <= actions, actions
    described = {(method.upper(), path) for path, operations in DESCRIPTION.whole["paths"].items() for method in operations if "share" in path}
    missing = described - {(method, path) for method, path, status in DESCRIPTION.seen if status < 300}
    assert not missing, missing
    print("ok")


if __name__ == "__main__":
    main()
