"""Published advisories of JupyterHub and its family, each with the rule it gives us and the tests that hold us to it: table.json.
What shows best from outside is tried here, against the real gateway; that the other tests of the table exist is checked."""

import html
import json
import os
import re
import subprocess
import sys
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "drivers"))
from gateway import PASSWORD, PROGRAM, TEST_SERVER, Gateway, Person, Program, wait_until  # noqa: E402


def next_stays_here(gateway):
    own = f"http://127.0.0.1:{gateway.port}"
    for wanted in ("//evil.example", "///evil.example", "////evil.example/x", "/\\evil.example", "\\\\evil.example", "https://evil.example/",
                   "https:evil.example", "http:///evil.example", "javascript:alert(1)", "data:text/html,x", "/\t/evil.example",
                   "/\n/evil.example", "\t//evil.example", " //evil.example", "/%09/evil.example", f"{own}//evil.example",
                   f"{own}@evil.example/", f"{own}.evil.example/", "evil.example", "/\x00/evil.example"):
        person = Person(gateway, "traveller")
        person.get("/hub/login?" + urllib.parse.urlencode({"next": wanted}))
        answer = person.post("/hub/auth/room/login", username="traveller", password=PASSWORD, next=wanted)
        where = answer.header("location")
        assert answer.status == 303 and where.startswith("/") and not re.match(r"/[/\\\s]", where), (wanted, where)
        again = person.get("/hub/login?" + urllib.parse.urlencode({"next": wanted}))
        assert "evil.example" not in urllib.parse.urlsplit(again.header("location")).netloc, (wanted, again.headers)


def every_change_needs_the_token(gateway):
    """The table of routes is in the source; each that changes something is tried with the cookie and no token."""
    with open("hub/routes.cpp") as file:
        routes = re.findall(r'\{"(\w+)", "([^"]+)", Guard::(\w+)', file.read())
    person = Person(gateway, "careful").sign_in()
    own = {"Origin": f"http://127.0.0.1:{gateway.port}"}
    tried = 0
    for method, pattern, guard in routes:
        if method == "GET" or guard == "open":
            continue
        path = pattern.replace(":user", "careful").replace("*", "x")
        path = re.sub(r":\w+", "x", path)
        for headers in (own, {**own, "Content-Type": "application/json"}, {**own, "X-XSRFToken": "guessed"},
                        {**own, "Content-Type": "text/plain"}, {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors"}):
            answer = person.request(method, path, "{}", headers)
            assert answer.status == 403, (method, path, headers, answer.status)
        tried += 1
    assert tried >= 20, tried
    assert person.get("/hub/home").status == 200 and person.server() is None


def planted_cookies(gateway):
    victim = Person(gateway, "victim").sign_in()
    thief = Person(gateway, "thief").sign_in()
    name = next(key for key in victim.cookies if key.endswith("passerelle-session"))
    for cookie in (f"{name}={thief.cookies[name]}; {victim.cookie_header()}", f"{victim.cookie_header()}; {name}=x",
                   f'{name}="{victim.cookies[name]}"', f"{name}={victim.cookies[name][:-1]}"):
        answer = victim.request("GET", "/hub/api/user", headers={"Cookie": cookie, "Accept": "application/json"})
        assert answer.status == 403, cookie
    # The token of a form is of one session.
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://127.0.0.1:{gateway.port}"}
    answer = victim.request("POST", "/hub/spawn", f"_xsrf={thief.xsrf}&profile=light", form)
    assert answer.status == 403 and victim.server() is None


HOSTILE = ['"><script>alert(1)</script>', "'><img src=x onerror=alert(1)>", "</title><svg onload=alert(1)>", "javascript:alert(1)//",
           "{{7*7}}", "<!--", "\u2028</script>", "&quot;onmouseover=alert(1)"]


def nothing_is_reflected(gateway):
    person = Person(gateway, "reader").sign_in()
    stranger = Person(gateway, "nobody")
    pages = ["/hub/login", "/hub/home", "/hub/spawn", "/hub/spawn-pending/reader", "/hub/sessions", "/hub/logout", "/hub/signed-out",
             "/hub/user-redirect/", "/hub/lti/launch", "/hub/nothing", "/user/reader/", "/user/other/", "/hub/language"]
    for text in HOSTILE:
        quoted = urllib.parse.quote(text, safe="")
        for who in (person, stranger):
            answers = [who.get(f"{page}?next={quoted}&name={quoted}&username={quoted}&profile={quoted}&error={quoted}&notice={quoted}")
                       for page in pages]
            answers += [who.get(page.rstrip("/") + "/" + quoted) for page in pages]
            answers.append(who.post("/hub/auth/room/login", username=text, password="wrong", next="/" + text))
            answers.append(who.get("/hub/api/users/" + quoted, headers={"Accept": "application/json"}))
            for answer in answers:
                kind = answer.header("content-type")
                if "json" in kind:
                    assert answer.header("x-content-type-options") == "nosniff"
                    continue
                if any(mark in text for mark in "<>\"'"):
                    assert text not in answer.text, (text, answer.text[:2000])
                for link in re.findall(r'(?:href|src|action)="([^"]*)"', answer.text):
                    assert not html.unescape(link).strip().lower().startswith(("javascript:", "data:")), link
                policy = answer.header("content-security-policy")
                assert "script-src 'self'" in policy and "unsafe" not in policy, policy


def requests_choose_no_upstream(gateway):
    person = Person(gateway, "chooser").sign_in()
    assert person.launch().status == 303
    person.wait_ready()
    with_name = {"Host": "evil.example"}
    assert person.request("GET", "/user/chooser/", headers=with_name).status == 421
    for headers in ({"X-Forwarded-Host": "evil.example"}, {"Forwarded": "host=evil.example"}, {"X-Original-URL": "http://evil.example/"},
                    {"X-Rewrite-URL": "/hub/api/user"}):
        answer = person.request("GET", "/user/chooser/", headers=headers)
        assert answer.status == 200 and "evil.example" not in str(answer.headers), (headers, answer.headers)
    for path in ("http://evil.example/user/chooser/", "/user/chooser/../../hub/api/user", "/user/chooser/%2e%2e/%2e%2e/hub/home",
                 "//evil.example/user/chooser/", "/user/chooser@evil.example/"):
        assert person.get(path).status != 200 or "evil" not in person.get(path).text, path
    person.stop()


def servers_keep_apart(gateway):
    """User `a` with server `b-c`, user `a-b` with server `c`, and their likes: folders, sockets, addresses of their own."""
    pairs = [("kit", "ty-x"), ("kit-ty", "x"), ("kit", "ty--x"), ("kit-ty", "-x")]
    people, places = {}, {}
    for user, server in pairs:
        person = people.get(user) or Person(gateway, user).sign_in()
        people[user] = person
        answer = person.post(f"/hub/spawn/{user}/{server}", profile="light")
        assert answer.status == 303, (user, server, answer.status, answer.text[:500])
    wait_until("all run", lambda: len(gateway.servers()) >= len(pairs), 60)
    for pid in gateway.servers():
        with open(f"/proc/{pid}/environ", "rb") as file:
            environment = dict(entry.split(b"=", 1) for entry in file.read().split(b"\0") if b"=" in entry)
        place = (environment.get(b"PASSERELLE_SOCKET"), environment.get(b"PASSERELLE_PORT"), environment[b"PASSERELLE_BASE_URL"])
        assert place not in places, (place, places)
        places[place] = pid
        for other in places:
            assert other == place or (other[0] or other[1]) != (place[0] or place[1]), (other, place)
    assert len(places) == len(pairs), places


def secrets_are_nobodys(gateway):
    person = Person(gateway, "keeper").sign_in()
    token = person.token(note="mine")
    assert person.launch().status == 303
    person.wait_ready()
    program = Program(gateway, token)
    assert program.request("GET", "/user/keeper/").status == 200
    secrets = [token, *(value for key, value in person.cookies.items() if key.endswith("session")), PASSWORD]
    for pid in gateway.servers():
        with open(f"/proc/{pid}/environ", "rb") as file:
            found = re.search(rb"PASSERELLE_SECRET=([^\0]+)", file.read())
        assert found
        secrets.append(found.group(1).decode())
    commands = " ".join(gateway.processes().values())
    log = gateway.log()
    for secret in secrets:
        assert secret not in commands and secret not in log, secret[:4]
    for folder, _, files in os.walk(gateway.data):
        for name in files:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                assert os.stat(path).st_mode & 0o077 == 0 or "workspaces" in path, path
                with open(path, "rb") as file:
                    content = file.read()
                assert token.encode() not in content and secrets[1].encode() not in content, path
    person.stop()


def unknown_restrictions_stop_the_start(gateway):
    with open(gateway.config) as file:
        good = file.read()
    for wrong in ("whitelist: [alice]", "allowed_users: [alice]", "access: {whitelist: {groups: [x]}}", "admin_users: [alice]",
                  "authenticators: {x: {type: dummy, password: a long enough one, allowed: [alice]}}"):
        path = os.path.join(gateway.folder, "wrong.yaml")
        key = wrong.split(":")[0]
        kept = "\n".join(line for line in good.splitlines() if not line.startswith(key + ":") and not (key == "authenticators" and line.startswith("  room:")))
        with open(path, "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(kept + "\n" + wrong + "\n")
        done = subprocess.run([PROGRAM, "check-config", path], capture_output=True, text=True, check=False)
        assert done.returncode != 0 and re.search(r"wrong\.yaml:\d+:\d+: ", done.stdout + done.stderr), (wrong, done)


def nobody_frames_the_hub(gateway):
    person = Person(gateway, "framed").sign_in()
    for page in ("/hub/login", "/hub/home", "/hub/spawn", "/hub/sessions", "/hub/nothing", "/hub/api/user", "/user/framed/"):
        assert "frame-ancestors 'none'" in person.get(page).header("content-security-policy"), page


def the_table_is_true():
    with open(os.path.join(HERE, "table.json")) as file:
        table = json.load(file)
    ours = {name for name, value in globals().items() if callable(value)}
    for row in table:
        assert row["ids"] and row["rule"] and row["tests"], row
        for test in row["tests"]:
            path, _, name = test.partition(": ")
            with open(path) as file:
                text = file.read()
            assert name in text, f"{row['ids'][0]}: {path} has no {name!r}"
            assert os.path.basename(path) != os.path.basename(__file__) or name in ours, name
    return len(table)


def main():
    rows = the_table_is_true()
    with Gateway(profiles={"light": {"command": [TEST_SERVER, "serve"]}}, extra="limits: {servers_per_user: 3}") as gateway:
        for case in (next_stays_here, every_change_needs_the_token, planted_cookies, nothing_is_reflected, requests_choose_no_upstream,
                     servers_keep_apart, secrets_are_nobodys, unknown_restrictions_stop_the_start, nobody_frames_the_hub):
            case(gateway)
            print("held:", case.__name__)
    print(f"{rows} rows of advisories")


main()
