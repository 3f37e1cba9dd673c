"""A profile's `domain`: each server at a host name of its own, where all paths are the program's, which knows no base URL. The ways of
browsers (a jar of cookies for each host), of programs, of people without the right; together with `subdomain_host` and a base path."""

import contextlib
import json
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../drivers"))
from gateway import PASSWORD, Gateway, Program, steady_port, wait_until  # noqa: E402
from jars import Browser, websocket  # noqa: E402
from succession import ECHO  # noqa: E402

JSON = {"Accept": "application/json"}


def host(url):
    return urllib.parse.urlsplit(url).netloc


def run(browser, profile="light", base=""):
    assert browser.post(base + "/hub/spawn", profile=profile).status == 303
    wait_until("it runs", lambda: browser.request("GET", f"http://{browser.hub}{base}/hub/api/users/{browser.name}", headers=JSON).json()[
        "servers"].get("", {}).get("ready"))
    return browser


def opens_at_its_name(gateway):
    alice = run(Browser(gateway, "alice").sign_in())
    page = alice.request("GET", f"http://{alice.hub}/hub/home")
    way = alice.follow(f"http://{alice.hub}/user/alice/some/where?a=b")
    name = host(way[-1].url)
    label = name.split(".")[0]
    assert label.startswith("alice-") and len(label) == 6 + 16 and name == f"{label}.lab.localhost:{gateway.port}", name
    assert [host(a.url) for a in way] == [alice.hub, name, alice.hub, name, name], [a.url for a in way]
    assert way[-1].status == 200 and way[-1].url == f"http://{name}/some/where?a=b", way[-1].url
    assert f'href="http://{name}/"' in page.text, page.text
    # A form that starts it leads there: the browser must be allowed to follow.
    assert f"http://*.lab.localhost:{gateway.port}" in page.header("content-security-policy")
    # All paths are the program's, ours too, but for the one where the key comes.
    for path in ("/", "/hub/home", "/hub/api/user", "/user/alice/", "/hub/static/x.css", "/services/x/", "/@server/lab.localhost/x/"):
        answer = alice.request("GET", f"http://{name}{path}")
        assert answer.status == 200 and answer.text.isdigit(), (path, answer.status, answer.text[:200])
    fields = dict(json.loads(alice.request("GET", f"http://{name}/fields").text))
    assert fields["Host"] == name and fields["X-Forwarded-Host"] == name, fields
    assert "passerelle-" not in fields.get("Cookie", "") and set(alice.jars[name]) == {"passerelle-origin"}, (fields, alice.jars[name])
    # A chart's own words around the mark lead to it as well, with a key of that name.
    mark = label[-16:]
    other = f"labs-{mark}-0.lab.localhost:{gateway.port}"
    way = alice.follow(f"http://{other}/x")
    assert way[-1].status == 200 and way[-1].url == f"http://{other}/x", way[-1].url
    return alice, name


def others_are_refused(gateway, alice, name):
    key = alice.jars[name]["passerelle-origin"]
    nobody = Browser(gateway, "nobody")
    mark = name.split(".")[0][-16:]
    for who, where, cookie in [
            ("no cookie", name, ""), ("a session", name, f"passerelle-session={alice.jars[alice.hub]['passerelle-session']}"),
            ("another name's key", f"labs-{mark}-1.lab.localhost:{gateway.port}", f"passerelle-origin={key}"),
            ("two keys", name, f"passerelle-origin={key}; passerelle-origin={key}"), ("a longer one", name, f"passerelle-origin={key}A")]:
        answer = nobody.request("GET", f"http://{where}/", headers={"Cookie": cookie, **JSON})
        assert answer.status == 403, (who, answer.status, answer.text)
    answer = nobody.request("GET", f"http://{alice.hub}/hub/api/user", headers={"Cookie": f"passerelle-origin={key}", **JSON})
    assert answer.status == 403, answer.status
    # Nobody signed in is asked who it is; somebody without the right is refused at the hub, before there is a key.
    way = nobody.follow(f"http://{name}/")
    assert "/hub/login" in way[-1].url, way[-1].url
    bob = Browser(gateway, "bob").sign_in()
    way = bob.follow(f"http://{name}/")
    assert way[-1].status == 403 and host(way[-1].url) == bob.hub and "passerelle-origin" not in bob.jars[name], way[-1].url
    # An administrator may.
    teacher = Browser(gateway, "teacher").sign_in()
    assert teacher.follow(f"http://{name}/")[-1].status == 200
    # Pages of this server are another origin than the hub and than other servers.
    run(bob)
    own = host(bob.follow(f"http://{bob.hub}/user/bob/")[-1].url)
    bobs = {"Cookie": f"passerelle-origin={bob.jars[own]['passerelle-origin']}", **JSON}
    assert nobody.request("GET", f"http://{own}/", headers=bobs).status == 200
    assert nobody.request("GET", f"http://{name}/", headers=bobs).status == 403
    for headers in ({"Origin": f"http://{own}"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": f"http://{alice.hub}"}):
        answer = nobody.request("POST", f"http://{name}/body", "x", {"Cookie": f"passerelle-origin={key}", **JSON, **headers})
        assert answer.status == 403, (headers, answer.status)
    answer = nobody.request("POST", f"http://{name}/body", "x", {"Cookie": f"passerelle-origin={key}", "Origin": f"http://{name}"})
    assert (answer.status, answer.text) == (200, "x"), answer.status
    page = {"Origin": f"http://{name}", "Sec-Fetch-Site": "same-site",
            "Cookie": f"passerelle-session={alice.jars[alice.hub]['passerelle-session']}", "Content-Type": "application/json", **JSON}
    for method, path in [("POST", "/hub/spawn"), ("DELETE", "/hub/api/users/alice/server"), ("GET", "/hub/api/user")]:
        answer = nobody.request(method, f"http://{alice.hub}{path}", "{}" if method != "GET" else None, page)
        assert answer.status == 403, (method, path, answer.status)
    return bob, own


def tickets(gateway, alice, bob, name):
    def at_hub(who, **query):
        return who.request("GET", f"http://{who.hub}/hub/origin?" + urllib.parse.urlencode(query)).status
    label = name.split(":")[0]
    for wrong in ({"label": label, "browser": "x", "next": "//evil.example/"}, {"label": label, "browser": "x", "next": "https://evil.example/"},
                  {"label": label, "browser": "x", "next": "/\\evil.example"}, {"label": label, "next": "/"},
                  {"label": label + ".evil.example", "browser": "x", "next": "/"}, {"label": "evil.example", "browser": "x", "next": "/"},
                  {"label": label.upper(), "browser": "x", "next": "/"}, {"label": "a b" + label, "browser": "x", "next": "/"},
                  {"label": name, "browser": "x", "next": "/"}, {"label": "alice", "browser": "x", "next": "/"}):
        assert at_hub(alice, **wrong) in (400, 404), wrong
    # A stranger's ticket in a browser that was not sent for it.
    teacher = Browser(gateway, "teacher").sign_in()
    ticket = teacher.request("GET", teacher.request("GET", f"http://{name}/x").header("location")).header("location")
    assert ticket.startswith(f"http://{name}/hub/origin/arrive?ticket="), ticket
    answer = bob.request("GET", ticket)
    assert "passerelle-origin" not in bob.jars[name] and answer.header("location") == f"http://{bob.hub}/hub/home", answer.headers
    assert teacher.request("GET", ticket).header("location") == f"http://{bob.hub}/hub/home"  # it was good once


def unknown_names_lead_home(gateway, bob):
    for label in ("nobody-0123456789abcdef", "nobody", "x.bob-0123456789abcdef"):
        name = f"{label}.lab.localhost:{gateway.port}"
        way = bob.follow(f"http://{name}/x")
        assert way[-1].status == 404 and host(way[-1].url) == bob.hub, (label, way[-1].status, way[-1].url)
        assert "No server stands at this name" in way[-1].text and 'href="/hub/home"' in way[-1].text, way[-1].text
        assert bob.request("GET", f"http://{name}/", headers=JSON).status == 404
        assert bob.request("POST", f"http://{name}/", "x=y", headers=JSON).status == 404
        assert "/hub/login" in Browser(gateway, "nobody").follow(f"http://{name}/")[-1].url


def programs(gateway, alice, name):
    answer = alice.request("POST", f"http://{alice.hub}/hub/api/users/alice/tokens", "{}",
                           {**JSON, "Content-Type": "application/json", "X-XSRFToken": alice.xsrf, "Origin": f"http://{alice.hub}"})
    program = Program(gateway, answer.json()["token"])
    for spelling in (name, name.upper()):
        assert program.request("GET", "/x", headers={"Host": spelling}).status == 200, spelling
    answer = program.request("GET", "/user/alice/x?y", headers={"Host": alice.hub})
    assert answer.status == 303 and answer.header("location") == f"http://{name}/x?y", (answer.status, answer.header("location"))
    assert program.request("POST", "/user/alice/x", body="", headers={"Host": alice.hub}).status == 421
    assert program.request("GET", "/@server/lab.localhost/" + name.split(".")[0][-16:] + "/", headers={"Host": alice.hub}).status == 404


def restart_and_sign_out(gateway, alice, name):
    gateway.kill()
    gateway.start()
    wait_until("it is back", lambda: alice.request("GET", f"http://{name}/").status == 200)
    headers = [f"Host: {name}", f"Cookie: passerelle-origin={alice.jars[name]['passerelle-origin']}", f"Origin: http://{name}"]
    tunnel, status = websocket(gateway, "/echo", headers)
    assert status == 101, status
    foreign, refused = websocket(gateway, "/echo", headers[:2] + [f"Origin: http://{alice.hub}"])
    assert refused == 403, refused
    foreign.close()
    alice.follow(f"http://{alice.hub}/hub/home")
    assert alice.post("/hub/logout").status == 200
    tunnel.settimeout(5)
    with contextlib.suppress(ConnectionResetError):
        while tunnel.recv(4096):
            pass
    tunnel.close()
    assert alice.request("GET", f"http://{name}/", headers=JSON).status == 403
    assert "/hub/login" in alice.follow(f"http://{name}/")[-1].url


def stopped_servers_are_told_at_the_hub(gateway, bob, own):
    bob.follow(f"http://{bob.hub}/hub/home")
    bob.request("DELETE", f"http://{bob.hub}/hub/api/users/bob/server", None,
                {**JSON, "X-XSRFToken": bob.xsrf, "Origin": f"http://{bob.hub}"})
    wait_until("it is stopped", lambda: not bob.api("/users/bob").json()["servers"])
    way = bob.follow(f"http://{own}/lab?x=1")
    assert way[-1].status == 503 and way[-1].url == f"http://{bob.hub}/user/bob/lab?x=1", (way[-1].status, way[-1].url)
    assert bob.request("GET", f"http://{own}/lab", headers=JSON).status == 424
    # Started from that page, the browser comes back to where it wanted to go.
    assert bob.post("/hub/spawn/bob", profile="light", next="/user/bob/lab?x=1").status == 303
    wait_until("it runs", lambda: bob.api("/users/bob").json()["servers"].get("", {}).get("ready"))
    way = bob.follow(f"http://{bob.hub}/hub/spawn-pending/bob?next=%2Fuser%2Fbob%2Flab%3Fx%3D1")
    assert way[-1].status == 200 and way[-1].url == f"http://{own}/lab?x=1", way[-1].url
    # One that has died is not a name that nobody knows.
    pid = int(way[-1].text)
    os.kill(pid, 9)
    wait_until("it is known", lambda: not bob.api("/users/bob").json()["servers"])
    assert bob.follow(f"http://{own}/")[-1].url == f"http://{bob.hub}/user/bob/"


def beside_peoples_origins():
    """Below a path, with `subdomain_host`, and with a profile that stands at its owner's name."""
    port = steady_port()
    gateway = Gateway(profiles={"light": {**ECHO, "domain": "lab.localhost"}, "path": ECHO},
                      extra=f"public_url: 'http://hub.localhost:{port}/deep'\nsubdomain_host: people.localhost\n")
    gateway.port = port
    with gateway:
        alice = Browser(gateway, "alice")
        alice.follow(f"http://{alice.hub}/deep/hub/login")
        assert alice.post("/deep/hub/auth/room/login", username="alice", password=PASSWORD).status == 303
        alice.follow(f"http://{alice.hub}/deep/hub/home")
        run(alice, base="/deep")
        for start in (f"http://{alice.hub}/deep/user/alice/x", f"http://alice.people.localhost:{port}/deep/user/alice/x"):
            way = alice.follow(start)
            name = host(way[-1].url)
            assert way[-1].status == 200 and way[-1].url.endswith(f".lab.localhost:{port}/x"), [a.url for a in way]
        arrived = alice.request("GET", f"http://{name}/")
        assert arrived.status == 200 and arrived.text.isdigit()
        began = Browser(gateway, "alice")
        began.jars = {alice.hub: alice.jars[alice.hub]}
        for answer in began.follow(f"http://{name}/y"):
            for key, value in answer.headers:
                if key.lower() == "set-cookie" and host(answer.url) == name:
                    assert "Path=/;" in value, value  # of all that host, not only below /deep/
        alice.request("DELETE", f"http://{alice.hub}/deep/hub/api/users/alice/server", None,
                      {**JSON, "X-XSRFToken": alice.xsrf, "Origin": f"http://{alice.hub}"})
        model = f"http://{alice.hub}/deep/hub/api/users/alice"
        wait_until("it is stopped", lambda: not alice.request("GET", model, headers=JSON).json()["servers"])
        run(alice, "path", "/deep")
        way = alice.follow(f"http://{alice.hub}/deep/user/alice/x")
        assert way[-1].url == f"http://alice.people.localhost:{port}/deep/user/alice/x" and way[-1].status == 200, way[-1].url
        assert alice.request("GET", f"http://{name}/", headers=JSON).status == 404


def main():
    port = steady_port()
    gateway = Gateway(profiles={"light": {**ECHO, "domain": "lab.localhost"}}, extra=f"public_url: 'http://hub.localhost:{port}'\n")
    gateway.port = port
    with gateway:
        alice, name = opens_at_its_name(gateway)
        bob, own = others_are_refused(gateway, alice, name)
        tickets(gateway, alice, bob, name)
        unknown_names_lead_home(gateway, bob)
        programs(gateway, alice, name)
        restart_and_sign_out(gateway, alice, name)
        stopped_servers_are_told_at_the_hub(gateway, bob, own)
    beside_peoples_origins()
    print("ok")


if __name__ == "__main__":
    main()
