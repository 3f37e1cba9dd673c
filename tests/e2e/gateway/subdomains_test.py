"""`subdomain_host`: each person's servers at a host name of their own. Browsers as programs see them: a jar of cookies for each
host, redirects followed one by one. What scripts in a page can do is subdomains_browser_test.mjs's."""

import contextlib
import json
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../drivers"))
from gateway import Gateway, Program, steady_port, wait_until  # noqa: E402
from jars import Browser, websocket  # noqa: E402
from succession import ECHO  # noqa: E402


def opens_at_the_own_origin(gateway):
    alice = Browser(gateway, "alice").sign_in().run()
    way = alice.follow(f"http://{alice.hub}/user/alice/?a=b")
    assert [urllib.parse.urlsplit(a.url).netloc.split(".")[0] for a in way] == ["hub", "alice", "hub", "alice", "alice"]
    assert way[-1].status == 200 and way[-1].url == f"http://{alice.own()}/user/alice/?a=b", way[-1].url
    # The hub's cookie never goes there, and what goes there is ours alone.
    assert set(alice.jars[alice.own()]) == {"passerelle-origin"}, alice.jars
    assert "passerelle-session" not in json.dumps(alice.jars[alice.own()])
    fields = alice.request("GET", f"http://{alice.own()}/user/alice/fields").text
    assert "passerelle-origin" not in fields and alice.own_cookie() not in fields, fields  # the server sees none of our cookies
    again = alice.follow(f"http://{alice.own()}/user/alice/")
    assert len(again) == 1 and again[0].status == 200
    return alice


def keys_are_of_one_origin(gateway, alice):
    bob = Browser(gateway, "bob").sign_in().run()
    bob.follow(f"http://{bob.own()}/user/bob/")
    ask = {"Accept": "application/json"}
    # Bob's key at Alice's origin, Alice's at Bob's, the session's cookie at either: nothing.
    for who, host, path, cookie in [
            ("bob's key", alice.own(), "/user/alice/", f"passerelle-origin={bob.own_cookie()}"),
            ("alice's key", bob.own(), "/user/bob/", f"passerelle-origin={alice.own_cookie()}"),
            ("alice's key at the hub", alice.hub, "/hub/api/user", f"passerelle-origin={alice.own_cookie()}"),
            ("alice's key as a session", alice.hub, "/hub/api/user", f"passerelle-session={alice.own_cookie()}"),
            ("a session", alice.own(), "/user/alice/", f"passerelle-session={alice.jars[alice.hub]['passerelle-session']}"),
            ("a longer key", alice.own(), "/user/alice/", f"passerelle-origin={alice.own_cookie()}A"),
            ("two keys", alice.own(), "/user/alice/",
             f"passerelle-origin={alice.own_cookie()}; passerelle-origin={alice.own_cookie()}")]:
        answer = Browser(gateway, "nobody").request("GET", f"http://{host}{path}", headers={"Cookie": cookie, **ask})
        assert answer.status == 403, (who, answer.status)
    # Another person's server below one's own name: its pages would hold one's own key.
    answer = alice.request("GET", f"http://{alice.own()}/user/bob/", headers=ask)
    assert answer.status == 404, answer.status
    # A person without the right comes there, and is refused there.
    way = bob.follow(f"http://{alice.own()}/user/alice/")
    assert way[-1].status == 403 and way[-1].url.startswith(f"http://{alice.own()}/"), (way[-1].status, way[-1].url)
    return bob


def the_hub_is_nowhere_else(gateway, alice):
    for path in ("/hub/home", "/hub/login", "/hub/spawn", "/hub/logout", "/hub/api/user", "/", "/hub/origin?label=alice"):
        answer = alice.request("GET", f"http://{alice.own()}{path}")
        assert path.startswith("/hub/api") and answer.status == 404 or answer.status == 303 and answer.header("location") == f"http://{alice.hub}{path}", (path, answer.status)
        answer = alice.request("GET", f"http://{alice.own()}{path}", headers={"Accept": "application/json"})
        assert answer.status == 404, (path, answer.status)
        answer = alice.request("POST", f"http://{alice.own()}{path}", "x=y")
        assert answer.status == 404, (path, answer.status)
    assert alice.request("GET", f"http://deep.alice.{alice.hub}/user/alice/").status == 303
    assert alice.request("GET", f"http://elsewhere.example:{gateway.port}/hub/login").status == 421
    # The other way round: what a browser must not show at the hub.
    answer = alice.request("POST", f"http://{alice.hub}/user/alice/x", "x=y", {"Origin": f"http://{alice.hub}"})
    assert answer.status == 421, answer.status


def a_page_of_a_notebook_does_nothing_at_the_hub(gateway, alice):
    """What its script could send: our cookies may come along, the origin is its own."""
    page = {"Origin": f"http://{alice.own()}", "Sec-Fetch-Site": "same-site", "Cookie":
            f"passerelle-session={alice.jars[alice.hub]['passerelle-session']}"}
    for method, path in [("POST", "/hub/spawn"), ("POST", "/hub/logout"), ("DELETE", "/hub/api/users/alice/server"),
                         ("POST", "/hub/api/users/alice/tokens"), ("GET", "/hub/api/user")]:
        answer = alice.request(method, f"http://{alice.hub}{path}", "{}" if method != "GET" else None,
                               {**page, "Content-Type": "application/json", "Accept": "application/json"})
        assert answer.status == 403, (method, path, answer.status)


def tickets(gateway, alice, bob):
    def at_hub(who, **query):
        return who.request("GET", f"http://{who.hub}/hub/origin?" + urllib.parse.urlencode(query))
    for wrong in ({"label": "alice", "browser": "x", "next": "//evil.example/"}, {"label": "alice", "browser": "x", "next": "https://evil.example/"},
                  {"label": "alice", "browser": "x", "next": "/\\evil.example"}, {"label": "evil.example/", "browser": "x", "next": "/"},
                  {"label": "", "browser": "x", "next": "/"}, {"label": "alice", "next": "/"}):
        assert at_hub(alice, **wrong).status == 400, wrong
    # A stranger's ticket: whoever is sent there with it does not become that stranger.
    begun = Browser(gateway, "mallory").sign_in()
    first = begun.request("GET", f"http://{alice.own()}/user/alice/")
    to_hub = begun.request("GET", first.header("location"))
    ticket = to_hub.header("location")
    assert ticket.startswith(f"http://{alice.own()}/hub/origin/arrive?ticket="), ticket
    before = dict(bob.jars[alice.own()])
    answer = bob.request("GET", ticket)
    assert answer.status == 303 and bob.jars[alice.own()] == before, bob.jars
    assert begun.request("GET", ticket).header("location") == f"http://{alice.hub}/hub/home"  # spent by that
    # One on the way there as well, and handed another's ticket in the middle of it.
    again = begun.request("GET", begun.request("GET", f"http://{alice.own()}/user/alice/").header("location"))
    eve = Browser(gateway, "eve").sign_in()
    eve.request("GET", f"http://{alice.own()}/user/alice/")
    assert "passerelle-arrival" in eve.jars[alice.own()]
    answer = eve.request("GET", again.header("location"))
    assert "passerelle-origin" not in eve.jars[alice.own()], eve.jars
    assert answer.header("location") == f"http://{alice.hub}/hub/home"
    # And a good one is good once.
    whole = begun.request("GET", begun.request("GET", f"http://{alice.own()}/user/alice/").header("location"))
    assert begun.request("GET", whole.header("location")).header("location") == "/user/alice/"
    assert "passerelle-origin" in begun.jars.pop(alice.own())
    assert begun.request("GET", whole.header("location")).header("location") == f"http://{alice.hub}/hub/home"
    assert "passerelle-origin" not in begun.jars.get(alice.own(), {})


def programs_come_by_both_names(gateway, alice):
    answer = alice.request("POST", f"http://{alice.hub}/hub/api/users/alice/tokens", "{}",
                           {"Accept": "application/json", "Content-Type": "application/json", "X-XSRFToken": alice.xsrf,
                            "Origin": f"http://{alice.hub}"})
    program = Program(gateway, answer.json()["token"])
    for host in (alice.hub, alice.own(), f"ALICE.{alice.hub}"):
        assert program.request("GET", "/user/alice/", headers={"Host": host}).status == 200, host
    assert program.request("GET", "/user/alice/", headers={"Host": f"bob.{alice.hub}"}).status == 404


def restart_and_sign_out(gateway, alice):
    """A key outlives the process as its session does, and not the session: an open WebSocket neither."""
    gateway.kill()
    gateway.start()
    wait_until("it is back", lambda: alice.request("GET", f"http://{alice.own()}/user/alice/").status == 200)
    headers = [f"Host: {alice.own()}", f"Cookie: passerelle-origin={alice.own_cookie()}", f"Origin: http://{alice.own()}"]
    tunnel, status = websocket(gateway, "/user/alice/echo", headers)
    assert status == 101, status
    foreign, refused = websocket(gateway, "/user/alice/echo", headers[:2] + [f"Origin: http://{alice.hub}"])
    assert refused == 403, refused
    foreign.close()
    assert alice.post("/hub/logout").status == 200
    tunnel.settimeout(5)
    with contextlib.suppress(ConnectionResetError):  # cut either way, but within those seconds
        while tunnel.recv(4096):
            pass
    tunnel.close()
    answer = alice.request("GET", f"http://{alice.own()}/user/alice/", headers={"Accept": "application/json"})
    assert answer.status == 403, answer.status
    way = alice.follow(f"http://{alice.own()}/user/alice/")
    assert "/hub/login" in way[-1].url, way[-1].url


def stopped_servers_are_told_at_the_hub(gateway, bob):
    token = bob.xsrf
    bob.request("DELETE", f"http://{bob.hub}/hub/api/users/bob/server", None,
                {"Accept": "application/json", "X-XSRFToken": token, "Origin": f"http://{bob.hub}"})
    wait_until("it is stopped", lambda: not bob.api("/users/bob").json()["servers"])
    way = bob.follow(f"http://{bob.own()}/user/bob/lab")
    assert way[-1].status == 503 and way[-1].url == f"http://{bob.hub}/user/bob/lab", (way[-1].status, way[-1].url)
    answer = bob.request("GET", f"http://{bob.own()}/user/bob/api/status", headers={"Accept": "application/json"})
    assert answer.status == 424, answer.status


def main():
    port = steady_port()
    gateway = Gateway(profiles={"light": ECHO}, extra=f"public_url: 'http://hub.localhost:{port}'\nsubdomain_host: hub.localhost\n")
    gateway.port = port
    with gateway:
        alice = opens_at_the_own_origin(gateway)
        bob = keys_are_of_one_origin(gateway, alice)
        the_hub_is_nowhere_else(gateway, alice)
        a_page_of_a_notebook_does_nothing_at_the_hub(gateway, alice)
        tickets(gateway, alice, bob)
        programs_come_by_both_names(gateway, alice)
        restart_and_sign_out(gateway, alice)
        stopped_servers_are_told_at_the_hub(gateway, bob)
    print("ok")


if __name__ == "__main__":
    main()
