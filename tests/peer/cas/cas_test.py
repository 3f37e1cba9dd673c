"""People sign in at a CAS server (tests/peers/cas, a strict stand-in) through the real gateway: tickets once and for this
browser only, single logout, a server that is down or silent, hostile names, and nothing secret in the log.

  cas_test.py     15 s, most of them spent on the server that says nothing"""

import http.client
import os
import re
import socket
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, "tests/drivers")
from gateway import Answer, Gateway, Person  # noqa: E402


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class CasServer:
    def __init__(self, prefix):
        self.process = subprocess.Popen([sys.executable, "tests/peers/cas/server.py", prefix], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}/cas"

    def end(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()

    def call(self, path, method="GET", body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        answer = Answer(response.status, response.getheaders(), response.read())
        connection.close()
        return answer


class Browser(Person):
    """A person whose browser holds cookies of the CAS server too, and forgets what it is told to forget."""

    def __init__(self, gateway, server, name):
        super().__init__(gateway, name)
        self.server, self.sso = server, ""

    def request(self, *args, **options):
        answer = super().request(*args, **options)
        for name, value in answer.headers:
            if name.lower() == "set-cookie" and "Max-Age=0" in value:
                self.cookies.pop(value.partition("=")[0], None)
        return answer

    def leave(self, next_page=""):
        """To the CAS server; the path there."""
        answer = self.get("/hub/auth/univ/login" + (f"?next={urllib.parse.quote(next_page, safe='')}" if next_page else ""))
        assert answer.status == 303, (answer.status, answer.text)
        where = answer.header("location")
        assert where.startswith(self.server.url + "/login?service="), where
        return where[where.index("/cas/"):]

    def pass_server(self, path, password=None):
        """Through the CAS server; the path that leads back to us, with its ticket."""
        if self.sso:
            answer = self.server.call(path, headers={"Cookie": self.sso})
        else:
            form = urllib.parse.urlencode({"username": self.name, "password": password or self.name})
            answer = self.server.call(path, "POST", form, {"Content-Type": "application/x-www-form-urlencoded"})
            self.sso = answer.header("set-cookie").split(";")[0]
        assert answer.status == 302, (answer.status, answer.text)
        back = urllib.parse.urlsplit(answer.header("location"))
        assert back.netloc == f"127.0.0.1:{self.gateway.port}", back
        return f"{back.path}?{back.query}"

    def come_in(self, next_page=""):
        answer = self.get(self.pass_server(self.leave(next_page)))
        assert answer.status == 303, (answer.status, answer.text)
        return answer.header("location")

    def is_in(self):
        return self.get("/hub/home").status == 200

    def who(self):
        return self.request("GET", "/hub/api/user", headers={"Accept": "application/json"}).json()


def check_straight(gateway, server):
    alice = Browser(gateway, server, "alice")
    assert alice.come_in("/hub/token?x=1") == "/hub/token?x=1"
    model = alice.who()
    assert model["name"] == "alice" and "staff" in model["groups"] and "room" in model["groups"], model
    second = Browser(gateway, server, "ALICE")  # another browser, another spelling, one person
    assert second.come_in() == "/hub/home"
    assert second.who()["name"] == "alice"
    zoe = Browser(gateway, server, "zoe")
    zoe.come_in()
    page = zoe.get("/hub/home").text
    assert "Zoé &lt;Müller&gt;" in page and "<Müller>" not in page
    fry = Browser(gateway, server, "../fry")
    fry.come_in()
    assert fry.who()["name"] == "fry"


def check_next(gateway, server):
    alice = Browser(gateway, server, "alice")
    for attack in ("//evil.test/", "/\\evil.test", "https:evil.test", "https://evil.test/", "/%2f%2fevil.test", "/\t/evil.test",
                   "javascript:alert(1)"):
        where = alice.come_in(attack)
        assert where == "/hub/home" or where.startswith("/%2f"), (attack, where)


def check_tickets(gateway, server):
    alice = Browser(gateway, server, "alice")
    back = alice.pass_server(alice.leave())
    cookies = dict(alice.cookies)
    mallory = Browser(gateway, server, "zoe")
    planted = mallory.pass_server(mallory.leave())
    for answer in (alice.get(planted), Browser(gateway, server, "alice").get(back)):  # each in the other's browser
        assert answer.status == 403 and "another browser" in answer.text, answer.text
    assert alice.get(back).status == 303
    alice.cookies = cookies  # as if it had kept them
    replayed = alice.get(back)
    assert replayed.status == 403 and "did not confirm" in replayed.text, replayed.text
    guess = re.sub("ticket=.*", "ticket=ST-guess", alice.pass_server(alice.leave()))
    assert alice.get(guess).status == 403
    assert mallory.get(planted + "&ticket=ST-2").status == 403
    # Two tabs, the second one finished first.
    one, two = alice.leave("/hub/home?one"), alice.leave("/hub/home?two")
    assert alice.get(alice.pass_server(two)).header("location") == "/hub/home?two"
    assert alice.get(alice.pass_server(one)).header("location") == "/hub/home?one"


def check_single_logout(gateway, server):
    alice, zoe = Browser(gateway, server, "alice"), Browser(gateway, server, "zoe")
    alice.come_in()
    zoe.come_in()
    stranger = Person(gateway, "stranger")
    guess = ('<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"><samlp:SessionIndex>ST-guess'
             "</samlp:SessionIndex></samlp:LogoutRequest>")
    for body, status in ((guess, 200), ("", 400), ("<!DOCTYPE x>" + guess, 400), ("x" * 300_000, 400)):
        answer = stranger.request("POST", "/hub/auth/univ/callback", urllib.parse.urlencode({"logoutRequest": body}),
                                  {"Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status in (status, 413), (body[:100], answer.status, answer.text)
    assert alice.is_in() and zoe.is_in()
    told = server.call("/peer/logout?user=alice")
    assert told.status == 200 and "200" in told.text, told.text
    assert not alice.is_in() and zoe.is_in()


def check_trouble(gateway, server):
    alice = Browser(gateway, server, "alice")
    back = alice.pass_server(alice.leave())
    server.call("/peer/down?s=2")
    answer = alice.get(back)
    assert answer.status == 503 and "127.0.0.1:" not in answer.text, (answer.status, answer.text)
    server.call("/peer/down?s=0")
    alice.come_in()
    zoe = Browser(gateway, server, "zoe")
    back = zoe.pass_server(zoe.leave())
    server.call("/peer/hang")
    began = time.monotonic()
    assert zoe.get(back).status == 503
    assert 9 < time.monotonic() - began < 20
    zoe.come_in()


def main():
    port = free_port()
    prefix = f"http://127.0.0.1:{port}/hub/auth/univ/callback"
    server = CasServer(prefix)
    method = f"  univ: {{type: cas, url: '{server.url}', groups: [room], groups_attribute: eduPersonAffiliation}}\n"
    gateway = Gateway(authenticators=method, extra=f"public_url: 'http://127.0.0.1:{port}'")
    gateway.port = port
    try:
        with gateway:
            for check in (check_straight, check_next, check_tickets, check_single_logout, check_trouble):
                check(gateway, server)
                print(check.__name__, "ok", flush=True)
            log = gateway.log()
            assert "ST-" not in log, [line for line in log.splitlines() if "ST-" in line][:2]
    finally:
        server.end()


if __name__ == "__main__":
    os.environ.setdefault("no_proxy", "127.0.0.1")
    main()
