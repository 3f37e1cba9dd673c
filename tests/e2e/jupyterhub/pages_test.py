"""The pages at JupyterHub's addresses that are for looking after things: /hub/admin (found, sorted, turned and acted on by the
server), /hub/token, links into a profile's form, /hub/user/. PEOPLE=10000 is the long form: how long a page takes then."""

import html
import os
import re
import sys
import time
import urllib.parse

sys.path.insert(0, "tests/drivers")
from gateway import Gateway, Person, Program, wait_until  # noqa: E402

PEOPLE = int(os.environ.get("PEOPLE", "230"))
EXTRA = """
roles:
  helpers: {scopes: ['admin-ui', 'list:users!group=physics', 'read:users!group=physics', 'delete:servers!group=physics'], users: ['room:helper']}
  one-server: {scopes: ['admin-ui', 'list:users', 'read:users', 'delete:servers!server=pia/'], users: ['room:porter']}
groups:
  physics: {}
limits: {servers_per_user: 2}
"""
FORM = {"cores": {"type": "integer", "default": 1, "minimum": 1, "maximum": 8}}


def rows(answer):
    """Username -> the words of its row."""
    assert answer.status == 200, (answer.status, answer.text[:500])
    found = {}
    for row in re.findall(r"<tr>\n<td>.*?</tr>", answer.text, re.S):
        name = re.search(r'name="user" value="([^"]+)"', row).group(1)
        found[name] = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", row))).strip()
    return found


def posted(person, path, fields):
    """With names that repeat."""
    body = urllib.parse.urlencode([("_xsrf", person.xsrf), *fields])
    return person.request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded",
                                               "Origin": f"http://127.0.0.1:{person.gateway.port}"})


def act(person, what, names, **more):
    part = person.get("/hub/admin").text
    kept = html.unescape(re.search(r'name="list" value="([^"]*)"', part).group(1))
    return posted(person, "/hub/admin/act", [("act", what), ("list", kept), *more.items()] + [("user", n) for n in names])


def looking(teacher):
    names = [f"person{n:05}" for n in range(PEOPLE)]
    for start in range(0, PEOPLE, 5000):
        assert teacher.api("POST", "/users", {"usernames": names[start:start + 5000]}, timeout=300).status == 201
    first = teacher.get("/hub/admin?name_filter=person")
    assert list(rows(first)) == names[:50], list(rows(first))[:3]
    assert f"1–50 of {PEOPLE}" in first.text
    following = html.unescape(re.search(r'rel="next" href="([^"]+)"', first.text).group(1))
    second = teacher.get(following)
    assert list(rows(second)) == names[50:100] and 'rel="prev"' in second.text
    back = teacher.get(html.unescape(re.search(r'rel="prev" href="([^"]+)"', second.text).group(1)))
    assert list(rows(back)) == names[:50]
    last = teacher.get("/hub/admin?name_filter=person&sort=-id&limit=200")
    assert list(rows(last)) == names[:-201:-1]
    assert list(rows(teacher.get("/hub/admin?name_filter=person00007"))) == ["person00007"]
    assert rows(teacher.get("/hub/admin?name_filter=%3Cscript%3E")) == {}
    assert rows(teacher.get("/hub/admin?offset=99999999999999999999&limit=-5&name_filter=person"))
    assert teacher.get("/hub/admin?sort=colour").status == 400
    began = time.monotonic()
    for _ in range(10):
        assert len(rows(teacher.get("/hub/admin?name_filter=person&sort=-last_activity&limit=200&offset=20"))) == min(200, PEOPLE - 20)
    print(f"admin page, 200 rows of {PEOPLE} people: {(time.monotonic() - began) * 100:.1f} ms")


def doing(gateway, teacher, pia):
    # Bulk start: the last profile, or the one that was chosen; who has no last one is told.
    answer = act(teacher, "start", ["person00001", "person00002"])
    assert answer.status == 200 and answer.text.count('role="alert"') == 2, answer.text[:3000]
    answer = act(teacher, "start", ["person00001", "person00002"], profile="light")
    assert answer.status == 303 and answer.header("location").endswith("&notice=admin-done"), answer.text[:3000]

    def running():
        return list(rows(teacher.get("/hub/admin?state=ready"))) == ["person00001", "person00002"]
    wait_until("both run", running)
    assert len(rows(teacher.get("/hub/admin?state=inactive&name_filter=person0000"))) == 8
    # Opened as oneself, and the audit log says so.
    answer = teacher.post("/hub/admin/open/person00001")
    assert answer.status == 303 and answer.header("location").startswith("/user/person00001/"), answer.text
    assert teacher.get(answer.header("location")).status == 200
    events = teacher.api("GET", "/audit?action=server-open-as").json()
    assert [(e["actor"], e["target"]) for e in events] == [("teacher", "user/person00001/")], events
    assert teacher.post("/hub/admin/stop/person00001").status == 303
    wait_until("one is stopped", lambda: list(rows(teacher.get("/hub/admin?state=active"))) == ["person00002"])
    assert act(teacher, "stop", ["person00001", "person00002", "person00003"]).status == 303
    wait_until("all are stopped", lambda: rows(teacher.get("/hub/admin?state=active")) == {})

    # Keeping out, and letting in again.
    assert act(teacher, "block", ["pia"]).status == 303
    assert "Blocked" in rows(teacher.get("/hub/admin?name_filter=pia"))["pia"]
    assert pia.get("/hub/home").status == 303
    assert act(teacher, "unblock", ["pia"]).status == 303
    pia.sign_in()
    # Administrators.
    assert pia.get("/hub/admin").status == 403
    assert act(teacher, "promote", ["pia"]).status == 303
    assert pia.get("/hub/admin").status == 200 and "Administrator" in rows(teacher.get("/hub/admin?name_filter=pia"))["pia"]
    assert act(teacher, "demote", ["pia"]).status == 303 and pia.get("/hub/admin").status == 403
    for what in ("demote", "delete", "block"):  # nobody does that to themselves
        answer = act(teacher, what, ["teacher"], sure="1")
        assert answer.status == 200 and 'role="alert"' in answer.text, (what, answer.status)

    # New people, and names that cannot be.
    answer = posted(teacher, "/hub/admin/add", [("names", "New1, new2\tnew3"), ("list", "")])
    assert answer.status == 303 and set(rows(teacher.get("/hub/admin?name_filter=new"))) == {"new1", "new2", "new3"}
    answer = posted(teacher, "/hub/admin/add", [("names", "good a/b"), ("list", "")])
    assert answer.status == 200 and "a/b" in answer.text and rows(teacher.get("/hub/admin?name_filter=good")) == {}
    # Removal is asked for twice.
    answer = act(teacher, "delete", ["new1", "new2"])
    assert answer.status == 200 and "new1" in answer.text and 'name="sure"' in answer.text
    assert len(rows(teacher.get("/hub/admin?name_filter=new"))) == 3
    assert act(teacher, "delete", ["new1", "new2"], sure="1").status == 303
    assert set(rows(teacher.get("/hub/admin?name_filter=new"))) == {"new3"}
    # Not without the form's token, not by a link.
    body = urllib.parse.urlencode({"act": "delete", "sure": "1", "user": "new3"})
    assert teacher.request("POST", "/hub/admin/act", body, {"Content-Type": "application/x-www-form-urlencoded"}).status == 403
    assert teacher.get("/hub/admin/act?act=delete&sure=1&user=new3").status == 405
    assert set(rows(teacher.get("/hub/admin?name_filter=new"))) == {"new3"}


def helper_sees_a_group(gateway, teacher, pia):
    assert teacher.api("POST", "/groups/physics/users", {"users": ["pia"]}).status == 200
    helper = Person(gateway, "helper").sign_in()
    seen = rows(helper.get("/hub/admin"))
    assert list(seen) == ["pia"], seen
    assert 'name="names"' not in helper.get("/hub/admin").text
    assert posted(helper, "/hub/admin/add", [("names", "x"), ("list", "")]).status == 403
    pia.launch()
    pia.wait_ready()
    for what in ("block", "promote", "delete", "start"):  # more than the role gives
        answer = act(helper, what, ["pia"], sure="1")
        assert answer.status == 200 and 'role="alert"' in answer.text, (what, answer.status)
    assert helper.post("/hub/admin/open/pia").status == 404
    answer = act(helper, "stop", ["person00001"])  # not in the group
    assert answer.status == 200 and 'role="alert"' in answer.text
    # A scope for one server stops that one, and no other of the same person.
    assert pia.api("POST", "/users/pia/servers/second", {"profile": "light"}).status in (201, 202)
    second = lambda: pia.api("GET", "/users/pia/servers/second").json()  # noqa: E731
    wait_until("the second server", lambda: second()["ready"])
    assert act(Person(gateway, "porter").sign_in(), "stop", ["pia"]).status == 303
    pia.wait_stopped()
    assert second()["ready"], second()
    assert act(helper, "stop", ["pia"]).status == 303
    wait_until("the second server has ended", lambda: second()["stopped"])


def tokens(gateway, pia):
    page = pia.get("/hub/token")
    assert page.status == 200 and "You have no tokens" in page.text
    answer = pia.post("/hub/token", note="nightly <run>", lasts="day", scopes="read:users!user  users:activity!user")
    secret = re.search(r'id="secret">([^<]+)<', answer.text).group(1)
    assert "nightly &lt;run&gt;" in answer.text
    program = Program(gateway, secret)
    model = program.request("GET", "/hub/api/user").json()
    assert model["name"] == "pia" and "read:users!user=pia" in model["scopes"], model
    assert program.request("POST", "/hub/api/users/pia/server").status == 403
    (token,) = pia.api("GET", "/users/pia/tokens").json()["api_tokens"]
    assert token["note"] == "nightly <run>" and token["expires_at"] and set(token["scopes"]) == {"read:users!user", "users:activity!user"}
    again = pia.get("/hub/token").text
    assert secret not in again and 'value="' + token["id"] in again
    answer = pia.post("/hub/token", note="n", lasts="day", scopes="sudo")
    assert answer.status == 400 and 'role="alert"' in answer.text and 'value="sudo"' in answer.text
    assert pia.post("/hub/token", note="", lasts="day", scopes="admin:users").status == 400
    assert pia.post("/hub/token/revoke", token="nonsense").status == 303
    assert program.request("GET", "/hub/api/user").status == 200
    assert pia.post("/hub/token/revoke", token=token["id"]).header("location").endswith("?notice=token-revoked")
    assert program.request("GET", "/hub/api/user").status == 403
    answer = pia.post("/hub/token", note="", lasts="never", scopes="")
    secret = re.search(r'id="secret">([^<]+)<', answer.text).group(1)
    (token,) = pia.api("GET", "/users/pia/tokens").json()["api_tokens"]
    assert token["expires_at"] is None and token["scopes"] == ["inherit"]
    other = Person(pia.gateway, "olga").sign_in()  # nobody ends somebody else's
    other.get("/hub/token")
    other.post("/hub/token/revoke", token=token["id"])
    assert Program(gateway, secret).request("GET", "/hub/api/user").status == 200


def addresses(pia):
    page = pia.get("/hub/spawn?profile=form&opt-cores=5").text
    assert re.search(r'name="form:cores"[^>]*value="5"', page), page[:4000]
    assert re.search(r'name="form:cores"[^>]*value="3"', pia.get("/hub/spawn/pia?profile=form&cores=3").text)
    assert pia.server()["stopped"], "a link starts nothing"
    answer = pia.get("/hub/user/pia/tree/x?a=b")
    assert answer.status == 303 and answer.header("location") == "/user/pia/tree/x?a=b"
    assert pia.get(answer.header("location")).status == 503
    assert pia.get("/user/pia/api/status", headers={"Accept": "application/json"}).status == 424
    assert pia.api("POST", "/../user/pia/api/kernels").status == 424
    assert pia.get("/user-redirect/tree?x=1").header("location") == "/hub/spawn?next=%2Fuser%2Fpia%2Ftree%3Fx%3D1"


def main():
    profiles = {"light": {"command": [os.path.join(os.path.dirname(os.path.abspath(os.environ.get("PASSERELLE", "build/release/passerelle"))),
                                                   "tests", "test-server"), "serve"]}}
    profiles["form"] = {**profiles["light"], "form": FORM}
    with Gateway(extra=EXTRA, profiles=profiles) as gateway:
        teacher, pia = Person(gateway, "teacher").sign_in(), Person(gateway, "pia").sign_in()
        assert Person(gateway, "nobody").get("/hub/admin").header("location").startswith("/hub/login")
        assert "/hub/admin" in teacher.get("/hub/home").text and "/hub/admin" not in pia.get("/hub/home").text
        looking(teacher)
        doing(gateway, teacher, pia)
        helper_sees_a_group(gateway, teacher, pia)
        tokens(gateway, pia)
        addresses(pia)
    print("ok")


if __name__ == "__main__":
    main()
