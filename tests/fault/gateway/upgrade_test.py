"""Upgrades and a reload under load: requests that never stop, a crowd of WebSockets, people on pages. No request fails
and no WebSocket ends; a sign-out still cuts what the replaced process carries; servers do not notice; nothing is left.
`--long`: 500 WebSockets and a minute of wrk for each change."""

import sys
import time

sys.path.insert(0, "tests/drivers")
from gateway import Person, wait_until  # noqa: E402
from succession import ECHO, Asker, Crowd, Replaceable, Wrk, alive  # noqa: E402

LONG = "--long" in sys.argv
CROWD = 500 if LONG else 100
SECONDS = 60 if LONG else 4
PROFILES = {"echo": ECHO}


def change(gateway, number):
    """Three upgrades, then a reload that can be seen."""
    if number < 3:
        return gateway.replace("upgrade")
    with open(gateway.config, "a") as file:
        file.write("branding: {name: Renamed}\n")
    return gateway.replace("reload")


def main():
    with Replaceable(PROFILES) as gateway:
        alice, bob = Person(gateway, "alice").sign_in(), Person(gateway, "bob").sign_in()
        for person in (alice, bob):
            person.launch("echo")
        for person in (alice, bob):
            person.wait_ready()
        cookie = ["Cookie: " + alice.cookie_header()]
        token = bob.token()
        server = alice.get("/user/alice/", headers={"Accept": "*/*"}).text
        crowd = Crowd(gateway, "/user/alice/echo", cookie, CROWD)
        by_cookie = Crowd(gateway, "/user/bob/echo", ["Cookie: " + bob.cookie_header()], 1)
        by_token = Crowd(gateway, "/user/bob/echo", [f"Authorization: token {token}"], 1)
        assert not crowd.echo("before")
        headers = {"Cookie": alice.cookie_header()}
        askers = [Asker(gateway, "/user/alice/", headers), Asker(gateway, "/hub/home", headers),
                  Asker(gateway, "/hub/api/users/alice", headers), Asker(gateway, "/user/alice/", headers, pause=0.7)]
        asked = failed = 0
        for number in range(4):
            wrk = Wrk(gateway, "/user/alice/", alice.cookie_header(), SECONDS, 32 if LONG else 8)
            time.sleep(1)
            began = time.monotonic()
            now = change(gateway, number)
            took = time.monotonic() - began
            lost = crowd.echo(f"after {number}")
            assert not lost, (len(lost), lost[:3])
            some, bad = wrk.finish()
            asked, failed = asked + some, failed + bad
            print(f"process {now} serves after {took:.2f} s; wrk: {some} requests, {bad} failed")
        assert "Renamed" in alice.get("/hub/home").text
        for asker in askers:
            asker.finish()
            print(f"{asker.path}: {asker.count} asked, {len(asker.failed)} failed, slowest {asker.slowest:.2f} s")
            assert asker.count > 3 and not asker.failed, asker.failed[:3]
        assert asked > 100 and failed == 0, (asked, failed)
        assert alice.get("/user/alice/", headers={"Accept": "*/*"}).text == server, "the server did not notice"

        replaced = gateway.status()["predecessors"]
        assert [one["tunnels"] for one in replaced] == [CROWD + 2], replaced  # those between carried nothing, and ended
        assert "replaced process" in gateway.command("status")[1]

        assert not by_cookie.echo("still here") and not by_token.echo("still here")
        ids = bob.api("GET", "/users/bob/tokens").json()
        for one in ids["api_tokens"]:
            assert bob.api("DELETE", f"/users/bob/tokens/{one['id']}").status == 204
        cut = by_token.closed_within(5)
        assert cut is not None and cut < 1, cut
        assert not by_cookie.echo("the session is another right")
        bob.post("/hub/logout")
        signed_out = by_cookie.closed_within(5)
        assert signed_out is not None and signed_out < 1, signed_out
        print(f"a replaced process cut a WebSocket {cut:.2f} s after its token, {signed_out:.2f} s after its session")

        assert not crowd.echo("the others do not notice")
        alice.stop()
        stopped = crowd.closed_within(5)
        assert stopped is not None, "the server is stopped, so its WebSockets end"
        wait_until("the replaced process has ended with its last connection", lambda: gateway.gateways() == [gateway.serving])
        assert alive(gateway.serving)
    print("0 failed, 0 closed")


main()
