"""Several sign-in methods on one page, and what administrators do with accounts: block, link, sign out, look at devices,
from the API and by `passerelle user`. Each acts at once and stands in the audit log."""

import os
import subprocess
import sys
import time

sys.path.insert(0, "tests/drivers")
from gateway import PASSWORD, PROGRAM, Gateway, Person, Program, wait_until  # noqa: E402

METHODS = "  lab: {type: dummy, password_file: ./room.txt, groups: [room], claim: false, label: {en: The lab, fr: Le labo}}\n"


def user(gateway, *words, code=0):
    done = subprocess.run([PROGRAM, "user", "--data-dir", gateway.data, *words], capture_output=True, text=True, timeout=30)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def audited(teacher, action):
    return teacher.api("GET", f"/audit?action={action}").json()


def page_shows_every_method(gateway):
    visitor = Person(gateway, "visitor")
    page = visitor.get("/hub/login?next=%2Fuser%2Falice%2F").text
    assert page.index('id="room-heading"') < page.index('id="lab-heading"'), "the configured order"
    assert "The lab" in page and "/user/alice/" in page
    french = Person(gateway, "visiteur", "fr").get("/hub/login").text
    assert "Le labo" in french
    # The method that this browser used is first the next time, and says so.
    visitor.get("/hub/login")
    answer = visitor.post("/hub/auth/lab/login", username="visitor", password=PASSWORD)
    assert answer.status == 303, answer.text
    visitor.get("/hub/home")
    visitor.post("/hub/logout")
    again = visitor.get("/hub/login").text
    assert again.index('id="lab-heading"') < again.index('id="room-heading"')
    assert "You signed in this way the last time" in again
    # A deep link shows the named one first; an unknown name changes nothing.
    deep = Person(gateway, "deep").get("/hub/login?method=lab").text
    assert deep.index('id="lab-heading"') < deep.index('id="room-heading"')
    assert Person(gateway, "deep").get("/hub/login?method=%3Cscript%3E").status == 200
    print("methods: all on the page, the last one used first, deep link")


def two_methods_are_two_people(gateway, teacher):
    alice = Person(gateway, "alice").sign_in()
    other = Person(gateway, "alice")
    other.get("/hub/login")
    assert other.post("/hub/auth/lab/login", username="alice", password=PASSWORD).status == 303
    other.get("/hub/home")
    assert other.api("GET", "/user").json()["name"] == "alice-2"
    # Not an administrator's business: the API says nothing about it.
    assert alice.api("GET", "/users/alice/identities").status == 403
    assert alice.api("PUT", "/users/alice-2/block").status == 403
    # A link of an identity that is somebody already is refused: accounts never merge.
    refused = teacher.api("POST", "/users/alice/identities", {"authenticator": "lab", "subject": "alice"})
    assert refused.status == 409 and "alice-2" in refused.text, refused.text
    assert teacher.api("POST", "/users/alice/identities", {"authenticator": "nope", "subject": "x"}).status == 400
    assert teacher.api("POST", "/users/alice/identities", {"authenticator": "lab"}).status == 400
    linked = teacher.api("POST", "/users/alice/identities", {"authenticator": "lab", "subject": "alice in the lab"})
    assert linked.status == 201, linked.text
    third = Person(gateway, "alice in the lab")
    third.get("/hub/login")
    assert third.post("/hub/auth/lab/login", username="Alice in the lab", password=PASSWORD).status == 303
    third.get("/hub/home")
    assert third.api("GET", "/user").json()["name"] == "alice"
    assert "lab:alice in the lab (linked)" in user(gateway, "show", "alice")
    # Taking it back ends what rests on it, and nothing else.
    assert teacher.api("DELETE", "/users/alice/identities/lab/alice%20in%20the%20lab").status == 204
    assert third.api("GET", "/user").status == 403
    assert alice.api("GET", "/user").status == 200
    events = audited(teacher, "identity-link")
    assert [e["result"] for e in events] == ["ok", "failed"], events
    assert events[0]["actor"] == "teacher" and events[0]["detail"] == "lab:alice in the lab"
    print("identities: two until linked, unlinking ends its sessions, audited")


def blocking_acts_at_once(gateway, teacher):
    bob = Person(gateway, "bob").sign_in()
    bob.launch()
    bob.wait_ready()
    program = Program(gateway, bob.token())
    assert program.request("GET", "/hub/api/user").status == 200
    began = time.monotonic()
    assert teacher.api("PUT", "/users/bob/block").status == 204
    assert bob.request("GET", "/user/bob/").status in (302, 303, 401, 403), "the gate lets nobody through"
    assert bob.api("GET", "/user").status == 403 and program.request("GET", "/hub/api/user").status == 403
    took = time.monotonic() - began
    bob.get("/hub/login")
    refused = bob.post("/hub/auth/room/login", username="bob", password=PASSWORD)
    assert refused.status == 403 and "This account is closed here" in refused.text, refused.text[:500]
    # access.block_stops_servers: the server goes, too.
    wait_until("bob's server is stopped", lambda: "bob" not in str(teacher.api("GET", "/users/bob").json()["servers"])
               and not teacher.api("GET", "/users/bob").json()["servers"])
    assert "blocked" in user(gateway, "show", "bob")
    assert teacher.api("DELETE", "/users/bob/block").status == 204
    bob.sign_in()
    assert program.request("GET", "/hub/api/user").status == 200, "the token works again"
    assert teacher.api("PUT", "/users/teacher/block").status == 400, "nobody locks themselves out"
    # CVE-2024-41942, GHSA-69wv-m5fw-2fhp: who administers one group touches no administrator in it, and nobody outside.
    some = Program(gateway, teacher.token(scopes=["admin:users!group=room"]))
    assert some.request("GET", "/hub/api/users/bob/identities").status == 200
    assert some.request("GET", "/hub/api/users/teacher/identities").status == 404, "teacher is in the room, and administers"
    none = Program(gateway, teacher.token(scopes=["admin:users!group=elsewhere"]))
    assert none.request("GET", "/hub/api/users/bob/identities").status == 404
    print(f"block: sessions, token and server end, {took * 1000:.0f} ms; unblocking brings the token back")


def by_command(gateway, teacher):
    carol = Person(gateway, "carol").sign_in()
    assert "carol\troom:carol\tcarol" in user(gateway, "list")
    assert "1 sessions of carol have ended" in user(gateway, "sign-out", "carol")
    assert carol.api("GET", "/user").status == 403
    user(gateway, "link", "carol", "lab:c-17")
    assert "is the user carol already" in user(gateway, "link", "carol", "lab:c-17", code=1)
    user(gateway, "unlink", "carol", "lab:c-17")
    assert "not linked" in user(gateway, "unlink", "carol", "lab:c-17", code=1)
    user(gateway, "block", "carol")
    user(gateway, "unblock", "carol")
    assert "no such user" in user(gateway, "block", "nobody", code=1)
    assert "identity is written" in user(gateway, "link", "carol", "c-17", code=1)
    assert {e["actor"] for e in audited(teacher, "block") if "carol" in e["target"]} == {"command"}
    print("passerelle user: list, show, sign-out, link, unlink, block, unblock")


def devices(gateway, teacher):
    dave = Person(gateway, "dave").sign_in()
    assert Person(gateway, "dave").sign_in().get("/hub/sessions/teacher").status == 404
    page = teacher.get("/hub/sessions/dave")
    assert page.status == 200 and "Sign out everywhere" in page.text
    listed = teacher.api("GET", "/users/dave/sessions").json()
    assert len(listed) == 2 and listed[0]["authenticator"] == "room", listed
    teacher.get("/hub/sessions/dave")
    assert teacher.post("/hub/sessions/dave/end").status == 303
    assert dave.api("GET", "/user").status == 403
    assert teacher.get("/hub/sessions/nobody").status == 404
    print("devices: an administrator sees and ends them, others do not know that there are any")


def no_token_without_provider(gateway):
    erin = Person(gateway, "erin").sign_in()
    assert Person(gateway, "x").api("GET", "/user/auth-token").status == 403
    assert erin.api("GET", "/user/auth-token").status == 404
    narrowed = Program(gateway, erin.token(scopes=["read:users!user=erin"]))
    assert narrowed.request("GET", "/hub/api/user/auth-token").status == 403
    erin.launch("env")
    erin.wait_ready()
    pid = next(iter(gateway.servers()))
    with open(f"/proc/{pid}/environ") as file:
        environment = dict(v.split("=", 1) for v in file.read().split("\0") if v)
    assert environment["WHO"] == "erin@lab" and environment["JSON"] == '{"a": {"b": 1}}', environment
    assert "MAIL" not in environment and "AWS_SESSION_TOKEN" not in environment, "no empty credentials"
    mine = Program(gateway, environment["PASSERELLE_SECRET"])
    assert mine.request("GET", "/hub/api/user/auth-token").status == 404
    assert mine.request("GET", "/hub/api/user").status == 403, "a server's secret opens nothing else"
    erin.stop()
    print("auth-token: only for one's own, nothing without a provider; variables without a claim are left out")


PROFILES = {"light": {"command": [os.path.join(os.path.dirname(os.path.abspath(PROGRAM)), "tests", "test-server"), "serve"]}}
PROFILES["env"] = {**PROFILES["light"], "environment": {"WHO": "{username}@lab", "MAIL": "{claim.mail}", "JSON": '{"a": {"b": 1}}',
                                                       "AWS_SESSION_TOKEN": "{access_token}"}}

with Gateway(profiles=PROFILES, authenticators=METHODS, access="block_stops_servers: true, ") as gateway:
    teacher = Person(gateway, "teacher").sign_in()
    page_shows_every_method(gateway)
    two_methods_are_two_people(gateway, teacher)
    blocking_acts_at_once(gateway, teacher)
    by_command(gateway, teacher)
    devices(gateway, teacher)
    no_token_without_provider(gateway)
