"""configurable-http-proxy's contract, seen from outside: the REST API, how paths are matched, what reaches a target and
what comes back, error pages, WebSockets, activity, flags, signals, exit codes and log."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "drivers"))
from chp import Proxy, Target, ask, exchange, handshake, make_certificates  # noqa: E402
from gateway import PROGRAM, wait_until  # noqa: E402

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def equal(got, wanted, what=""):
    assert got == wanted, f"{what}: {got!r}, not {wanted!r}"


def millis(route):
    return route["last_activity"]


# ------------------------------------------------------------------------------------------------ the REST API

@test
def api_answers():
    table = [  # method, path below /api/routes, body, token, status, body of the answer
        ("GET", "", None, "tok", 200, None),
        ("GET", "/", None, "tok", 200, None),
        ("GET", "/user/a", None, "tok", 200, None),
        ("GET", "/user/a/", None, "tok", 200, None),
        ("GET", "/user", None, "tok", 404, b""),
        ("GET", "/user/a/b", None, "tok", 404, b""),
        ("GET", "", None, "wrong", 403, b""),
        ("GET", "", None, None, 403, b""),
        ("GET", "/user/a", None, None, 403, b""),
        ("GET", "?inactive_since=endoftheuniverse", None, "tok", 400,
         b"Invalid datestamp 'endoftheuniverse' must be ISO8601."),
        ("GET", "?inactiveSince=2026-13-01", None, "tok", 400, b"Invalid datestamp '2026-13-01' must be ISO8601."),
        ("POST", "/x", "{", "tok", 400, ...),
        ("POST", "/x", "{", None, 400, ...),
        ("POST", "/x", "", "tok", 400, ...),
        ("POST", "/x", "[" * 50000, "tok", 400, ...),
        ("POST", "/x", "null", "tok", 400, b"Must specify 'target' as string"),
        ("POST", "/x", "[]", "tok", 400, b"Must specify 'target' as string"),
        ("POST", "/x", '{"target":1}', "tok", 400, b"Must specify 'target' as string"),
        ("POST", "/x", '{"target":"http://127.0.0.1:1"}', None, 403, b""),
        ("POST", "/bad-target", '{"target":"gopher:x"}', "tok", 201, b""),
        ("POST", "/bad-target", '{"target":"#http://"}', "tok", 201, b""),
        ("DELETE", "/none", None, "tok", 404, b""),
        ("DELETE", "", None, "tok", 400, ...),
        ("DELETE", "/bad-target", None, None, 403, b""),
        ("DELETE", "/bad-target", None, "tok", 204, b""),
        ("DELETE", "/bad-target", None, "tok", 404, b""),
        ("PUT", "/x", None, "tok", 405, b"Method not supported"),
        ("PATCH", "/x", None, None, 405, b"Method not supported"),
        ("HEAD", "/x", None, "tok", 405, b""),
        ("GET", "x", None, "tok", 404, b"Not Found"),
        ("GET", "/a%", None, "tok", 400, ...),
        ("DELETE", "/a%ff", None, "tok", 400, ...),
    ]
    with Proxy() as proxy:
        proxy.add("/user/a", "http://127.0.0.1:1")
        for method, path, body, token, status, wanted in table:
            answer = proxy.api(method, path, body, token)
            equal(answer.status, status, f"{method} {path} {body and body[:20]}")
            if wanted is ...:
                assert answer.body, (method, path)
            elif wanted is not None:
                equal(answer.body, wanted, f"{method} {path}")
        bad = proxy.api("POST", "/x", "{")
        assert bad.text.startswith("Body not valid JSON: "), bad.text
        equal(ask(proxy.api_port, "GET", "/").status, 404)
        equal(ask(proxy.api_port, "GET", "/").body, b"Not Found")
        for value, status in [("token tok", 200), ("bearer token tok", 200), ("token  tok", 200), ("Token tok", 403),
                              ("tok", 403), ("token", 403), ("token tokk", 403), ("token to", 403)]:
            equal(proxy.api("GET", "", token=None, headers={"Authorization": value}).status, status, value)
        assert "403 GET /api/routes" in proxy.log() and "REST API is not authenticated" not in proxy.log()
    with Proxy(token=None) as proxy:
        equal(proxy.api("GET", "", token=None).status, 200)
        assert "warn: REST API is not authenticated." in proxy.log()


@test
def api_keeps_what_it_is_told():
    members = {"user": "zoë", "n": [1, 2.5, {"deep": None}], "jupyterhub": True, "last_activity": "yesterday"}
    with Proxy() as proxy:
        proxy.add("/user/a%2Fb", "http://127.0.0.1:1", **members)
        proxy.add("/%E7%A7%80%E6%A8%B9/", "HTTP://Example.org:80/X")
        proxy.add("", "http://127.0.0.1:2")
        routes = proxy.routes()
        equal(sorted(routes), ["/", "/user/a/b", "/秀樹"])
        route = routes["/user/a/b"]
        assert list(route)[:4] == ["target", "user", "n", "jupyterhub"], route
        equal({**route, "last_activity": 0}, {"target": "http://127.0.0.1:1", **members, "last_activity": 0})
        stamp = time.strptime(route["last_activity"][:19], "%Y-%m-%dT%H:%M:%S")
        assert abs(time.time() - __import__("calendar").timegm(stamp)) < 60 and route["last_activity"][19] == "."
        equal(len(route["last_activity"]), len("2026-11-21T22:59:48.530Z"))
        equal(routes["/秀樹"]["target"], "HTTP://Example.org:80/X", "targets stay byte for byte")
        equal(proxy.api("GET", "/user/a/b").json(), route)
        proxy.add("/user/a/b", "http://127.0.0.1:3")
        equal(sorted(proxy.api("GET", "/user/a/b").json()), ["last_activity", "target"], "a POST replaces")
        for since, wanted in [("2020-01-01", 0), ("2020-01-01T10:00:00.5+02:00", 0), ("2100-01-01T00:00:00.000Z", 3),
                              ("2100", 3), ("Fri, 01 Jan 2100 00:00:00 GMT", 3)]:
            since = since.replace("+", "%2B").replace(" ", "%20")
            equal(len(proxy.api("GET", f"?inactive_since={since}").json()), wanted, since)
            equal(len(proxy.api("GET", f"?inactiveSince={since}").json()), wanted, since)


# ------------------------------------------------------------------------------------------------ matching

@test
def longest_prefix_on_segments():
    table = [("/1", "/1"), ("/1/x", "/1"), ("/2?q=/1", "/2"), ("/a/b/c/d/e", "/a/b/c/d"), ("/a/b/c", None), ("/a/b/d", "/a/b/d"),
             ("/a/b/e/", "/a/b/e"), ("/b", "/b"), ("/b/c", "/b/c"), ("/b/c/d", "/b/c/d"), ("/b/c/dword", "/b/c"),
             ("/bc", None), ("/b//c", "/b"), ("/%62/c", "/b/c"), ("/b%2Fc/x", "/b/c"), ("/", None),
             ("/a/b/x/../d", "/a/b/d"), ("/a/b/%2e%2e/b/d", "/a/b/d")]
    paths = ["/1", "/2", "/a/b/c/d", "/a/b/d", "/a/b/e", "/b", "/b/c", "/b/c/d"]
    with Proxy() as proxy, Target("t") as target:
        for path in paths:
            proxy.add(path, target.url + "/at" + path.replace("/", "-"))
        for path, wanted in table:
            answer = proxy.ask(path)
            got = answer.json()["target"].split("/")[1][3:].replace("-", "/") if answer.status == 200 else None
            equal(got, wanted and wanted[1:], path) if wanted is None else equal("/" + got, wanted + "", path)
        equal(proxy.api("DELETE", "/b").status, 204)
        equal(proxy.ask("/b/c/x").status, 200, "only that node goes")
        equal(proxy.ask("/b/x").status, 404)


@test
def host_routing():
    with Proxy("--host-routing") as proxy, Target("one") as one, Target("rest") as rest:
        proxy.add("/Ex.org/", one.url)
        proxy.add("/ex.org/deep", rest.url)
        equal(proxy.routes()["/Ex.org"]["host"], "Ex.org")
        for host, path, wanted in [("ex.org", "/x", "one"), ("EX.ORG:8000", "/x", "one"), ("ex.org", "/deep/x", "rest"),
                                   ("other.org", "/x", None), ("[::1]:80", "/", None)]:
            answer = proxy.ask(path, headers={"Host": host})
            equal(answer.json()["name"] if answer.status == 200 else None, wanted, host + path)
        equal(proxy.ask("/x?y", headers={"Host": "ex.org"}).json()["target"], "/x?y")


# ------------------------------------------------------------------------------------------------ forwarding

@test
def what_reaches_the_target():
    with Proxy() as proxy, Target("t") as target:
        proxy.add("/", target.url)
        sent = {"Authorization": "Bearer mine", "Cookie": "passerelle-session=x; b=2", "X-Forwarded-For": "9.9.9.9",
                "X-Forwarded-Proto": "https", "X-Forwarded-Host": "outer.example", "X-Real-IP": "8.8.8.8", "Host": "h:81",
                "Connection": "X-Secret", "X-Secret": "1", "Keep-Alive": "5", "Forwarded": "for=1.1.1.1"}
        answer = proxy.ask("/p%40th/a?b=%20", headers=sent)
        told = dict(answer.json()["headers"])
        equal(answer.json()["target"], "/p%40th/a?b=%20")
        equal(told["authorization"], "Bearer mine")
        equal(told["cookie"], "passerelle-session=x; b=2")
        equal(told["host"], "h:81")
        equal(told["x-forwarded-for"], "9.9.9.9,127.0.0.1")
        equal(told["x-forwarded-proto"], "https,http")
        equal(told["x-forwarded-port"], "81")
        equal(told["x-forwarded-host"], "outer.example")
        equal(told["x-real-ip"], "8.8.8.8")
        equal(told["forwarded"], "for=1.1.1.1")
        for name in ("x-secret", "keep-alive"):
            assert name not in told, name
        equal(answer.reason, "Fine")
        equal(answer.header("clear-site-data"), "x", "the target rules its origin")
        equal([v for k, v in answer.headers if k == "set-cookie"], ["a=1", "b=2"])
        equal(answer.header("connection"), "keep-alive")
        assert answer.header("date")
        plain = dict(proxy.ask("/").json()["headers"])
        equal(plain["x-forwarded-host"], f"127.0.0.1:{proxy.port}")
        equal(plain["x-forwarded-port"], str(proxy.port))
        big = proxy.ask("/up", "POST", b"x" * 3_000_000)
        equal(len(big.json()["body"]), 3_000_000)
        chunks = b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        assert b'"body": "abc"' in exchange(proxy.port, chunks)
        for method in ("PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"):
            equal(proxy.ask("/m", method).json()["method"], method)


@test
def paths_by_the_flags():
    table = [  # flags, route, path below the target, asked for, what the target sees
        ([], "/bar", "/foo", "/bar/rest", "/foo/bar/rest"),
        ([], "/bar", "/foo/", "/bar/rest", "/foo/bar/rest"),
        ([], "/bar", "/foo?q=1", "/bar/rest?r=2", "/foo/bar/rest?q=1&r=2"),
        ([], "/bar", "/foo?q=1", "/bar", "/foo/bar?q=1"),
        ([], "/b@r/b r", "/foo", "/b%40r/b%20r/x", "/foo/b%40r/b%20r/x"),
        ([], "/b@r/b r", "/foo", "/b@r/b%20r/x", "/foo/b@r/b%20r/x"),
        (["--no-prepend-path"], "/bar", "/foo", "/bar/rest", "/bar/rest"),
        (["--no-include-prefix"], "/bar", "/foo", "/bar/rest/of?it", "/foo/rest/of?it"),
        (["--no-include-prefix"], "/bar", "/foo", "/bar", "/foo"),
        (["--no-include-prefix"], "/bar", "", "/bar?x", "/?x"),
        (["--no-include-prefix"], "/p q/r", "", "/p%20q/r/x", "/x"),
        (["--no-include-prefix"], "/p/q", "", "/p%2Fq/x", "/x"),
        (["--no-include-prefix"], "/", "/foo", "/x", "/foo/x"),
        (["--no-include-prefix", "--no-prepend-path"], "/bar", "/foo", "/bar/rest", "/rest"),
        (["--no-include-prefix", "--host-routing"], "/h/bar", "/foo", "/bar/rest", "/foo/rest"),
    ]
    with Target("t") as target:
        for flags, route, below, asked, wanted in table:
            with Proxy(*flags) as proxy:
                proxy.add(route.replace(" ", "%20"), target.url + below)
                answer = proxy.ask(asked, headers={"Host": "h"})
                equal(answer.status, 200, f"{flags} {asked}")
                equal(answer.json()["target"], wanted, f"{flags} {route} -> {below}: {asked}")


@test
def headers_by_the_flags():
    with Target("t") as target:
        with Proxy("--no-x-forward", "--change-origin", "--custom-header", "k1: v1", "--custom-header= K2 : host:123 ",
                   "--custom-header", "Authorization: ours") as proxy:
            proxy.add("/", target.url)
            told = proxy.ask("/", headers={"k2": "theirs", "X-Forwarded-For": "1.2.3.4", "Authorization": "theirs"}).json()["headers"]
            equal([v for k, v in told if k == "x-forwarded-for"], ["1.2.3.4"])
            assert not [k for k, v in told if k.startswith("x-forwarded-") and k != "x-forwarded-for"], told
            equal([v for k, v in told if k == "host"], [f"127.0.0.1:{target.port}"])
            equal([v for k, v in told if k == "k1"], ["v1"])
            equal([v for k, v in told if k == "k2"], ["host:123"])
            equal([v for k, v in told if k == "authorization"], ["ours"])
        elsewhere = "http://127.0.0.1:1/x"
        for flags, location, wanted in [
                ([], target.url + "/x", target.url + "/x"),
                (["--auto-rewrite"], target.url + "/x", "http://outer:9/x"),
                (["--auto-rewrite"], elsewhere, elsewhere),
                (["--auto-rewrite"], "/x", "/x"),
                (["--protocol-rewrite", "https"], target.url + "/x?y", f"https://127.0.0.1:{target.port}/x?y"),
                (["--protocol-rewrite=https", "--auto-rewrite"], f"https://127.0.0.1:{target.port}", "https://outer:9")]:
            with Proxy(*flags) as proxy:
                proxy.add("/", target.url)
                answer = proxy.ask("/to?" + location, headers={"Host": "outer:9"})
                equal((answer.status, answer.header("location")), (302, wanted), f"{flags} {location}")


@test
def names_as_targets():
    with Proxy("--default-target", "http://localhost:1/") as proxy, Target("t") as target:
        proxy.add("/l", f"http://localhost:{target.port}")
        equal(proxy.ask("/l").json()["name"], "t")
        equal(dict(proxy.ask("/l").json()["headers"])["host"], f"127.0.0.1:{proxy.port}")
        with socket.socket(socket.AF_INET6) as only6:
            try:
                only6.bind(("::1", 0))
            except OSError:
                only6 = None  # no IPv6 here
            if only6:
                only6.listen()
                proxy.add("/six", f"http://localhost:{only6.getsockname()[1]}/")
                waiting = socket.create_connection(("127.0.0.1", proxy.port))
                waiting.sendall(b"GET /six HTTP/1.1\r\nHost: h\r\n\r\n")
                only6.settimeout(10)
                only6.accept()[0].close()
                waiting.close()
        proxy.add("/none", "http://no-such-host.invalid:1/")
        equal(proxy.ask("/none").status, 503)
        assert "Route added / -> http://localhost:1/" in proxy.log()


@test
def unix_sockets():
    folder = tempfile.mkdtemp(prefix="passerelle-chp-")
    places = {name: os.path.join(folder, name) for name in ("public", "api", "metrics", "target")}
    try:
        with Target("u", places["target"]) as target, Proxy(
                "--socket", places["public"], "--api-socket", places["api"], "--metrics-socket", places["metrics"],
                "--default-target", "http+unix://" + places["target"].replace("/", "%2F") + "/base", places=False) as proxy:
            get = b"GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: token tok\r\n\r\n"
            answer = exchange(0, get % b"/x", path=places["public"])
            assert b'"target": "/base/x"' in answer and target.name == "u", answer
            assert b'"/":{"target":"http+unix' in exchange(0, get % b"/api/routes", path=places["api"])
            assert b"requests_web 1" in exchange(0, get % b"/metrics", path=places["metrics"])
            assert proxy.stop() == 2
        equal(os.listdir(folder), [], "sockets are removed")
    finally:
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)


# ------------------------------------------------------------------------------------------------ errors

@test
def error_pages():
    folder = tempfile.mkdtemp(prefix="passerelle-chp-")
    with open(os.path.join(folder, "404.html"), "w") as page:
        page.write("<p>ours 404</p>")
    with open(os.path.join(folder, "error.html"), "w") as page:
        page.write("<p>ours other</p>")
    cases = [("/none", 404), ("/gone/x?y=1&z=%20", 503), ("/odd", 500), ("/%", 500), ("/gone/%zz", 500)]

    def prepare(proxy):
        proxy.add("/gone", "http://127.0.0.1:1")
        proxy.add("/odd", "ws://127.0.0.1:1")
    try:
        with Proxy() as proxy:
            prepare(proxy)
            for path, status in cases:
                answer = proxy.ask(path)
                equal((answer.status, answer.header("content-type")), (status, "text/html"), path)
                assert f"{status}:" in answer.text, answer.text
                assert f"error: {status} GET {path.split('?')[0]}" in proxy.log(), path
            assert 'lang="fr"' in proxy.ask("/none", headers={"Accept-Language": "fr-FR,fr;q=0.9"}).text
            equal(proxy.ask("/none", "HEAD").body, b"")
        with Proxy("--error-path", folder) as proxy:
            prepare(proxy)
            for path, status in cases:
                equal((proxy.ask(path).status, proxy.ask(path).text),
                      (status, "<p>ours 404</p>" if status == 404 else "<p>ours other</p>"), path)
        with Proxy("--error-path", "/nonexistent") as proxy:
            equal((proxy.ask("/none").status, proxy.ask("/none").text), (404, "Not Found"))
        with Target("errors") as target, Proxy("--error-target", target.url + "/hub/error/", "--error-path", folder) as proxy:
            prepare(proxy)
            for path, status in cases:
                answer = proxy.ask(path, headers={"Cookie": "secret=1", "Authorization": "secret"})
                equal((answer.status, answer.header("content-type")), (status, "application/json"), path)
                assert answer.header("set-cookie") is None
                told = answer.json()
                equal(urlsplit(told["target"]).path, f"/hub/error/{status}", path)
                equal(parse_qs(urlsplit(told["target"]).query), {"url": [path]}, path)
                assert "secret" not in json.dumps(told)
            target.close()
            equal(proxy.ask("/none").text, "<p>ours 404</p>", "the folder is the second choice")
        with Proxy("--error-target", "http://127.0.0.1:1") as proxy:
            equal((proxy.ask("/none").status, proxy.ask("/none").text), (404, "Not Found"))
    finally:
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)


@test
def broken_targets():
    with Proxy("--proxy-timeout", "1000") as proxy, Target("t") as target:
        proxy.add("/", target.url)
        answer = exchange(proxy.port, b"GET /die HTTP/1.1\r\nHost: h\r\n\r\n")
        assert answer.endswith(b"RESET"), answer  # nobody takes half of it for the whole
        began = time.monotonic()
        equal(proxy.ask("/silent").status, 503)
        assert 0.9 < time.monotonic() - began < 5
        equal(proxy.ask("/_chp_healthz").json(), {"status": "OK"})
        equal(proxy.ask("/_chp_healthz?x").json()["target"], "/_chp_healthz?x")


# ------------------------------------------------------------------------------------------------ WebSockets, activity

def upgraded(proxy, path="/", extra=""):
    channel = socket.create_connection(("127.0.0.1", proxy.port))
    channel.settimeout(20)
    channel.sendall(handshake(path=path, extra=extra))
    head = b""
    while b"\r\n\r\n" not in head:
        more = channel.recv(1)
        assert more, head
        head += more
    return channel, head.decode()


@test
def websockets():
    with Proxy("--keep-alive-timeout", "60000") as proxy, Target("t") as target:
        proxy.add("/", target.url)
        proxy.add("/gone", "http://127.0.0.1:1")
        proxy.add("/odd", "nothing")
        channel, head = upgraded(proxy, extra="Authorization: token x\r\nCookie: a=1\r\n")
        assert head.startswith("HTTP/1.1 101"), head
        told = json.loads(head.split("X-Told: ")[1].split("\r\n")[0])
        equal((told["authorization"], told["cookie"], told["x-forwarded-proto"]), ("token x", "a=1", "ws"))
        channel.sendall(b"any bytes")
        equal(channel.recv(100), b"any bytes")
        channel.close()
        proxy.api("DELETE", "/")
        for path, status in [("/none", 404), ("/gone", 503), ("/odd", 500)]:
            answer = exchange(proxy.port, handshake(path=path))  # ends: the socket is closed
            head, _, body = answer.partition(b"\r\n\r\n")
            equal(head.split(b" ")[1], str(status).encode(), path)
            assert b"content-length: 0" in head.lower() and body == b"", answer
        assert "requests_ws" not in proxy.log()


@test
def activity():
    with Proxy() as proxy, Target("t") as target:
        proxy.add("/", target.url)
        proxy.add("/gone", "http://127.0.0.1:1")

        def moved(what, path="/"):
            before = proxy.routes()[path]["last_activity"]
            time.sleep(0.005)  # the next activity is another millisecond
            what()
            return proxy.routes()[path]["last_activity"] != before
        assert moved(lambda: equal(proxy.ask("/").status, 200))
        for status in (304, 302, 404, 500):
            assert not moved(lambda: equal(proxy.ask(f"/status/{status}").status, status)), status
        assert moved(lambda: equal(proxy.ask("/status/404", "POST", b"a body").status, 404))
        assert not moved(lambda: equal(proxy.ask("/gone").status, 503), "/gone")
        channel, _ = upgraded(proxy)
        assert not moved(lambda: None)
        assert moved(lambda: channel.sendall(b"x") or equal(channel.recv(1), b"x"))
        pushed = lambda: target.tunnels[0].sendall(b"news") or equal(channel.recv(4), b"news")  # noqa: E731
        assert not moved(pushed), "what the target pushes is nobody's activity"
        channel.close()


# ------------------------------------------------------------------------------------------------ TLS

def context(folder, ca="ca.pem", own=None):
    made = ssl.create_default_context(cafile=os.path.join(folder, ca))
    if own:
        made.load_cert_chain(os.path.join(folder, own + ".pem"), os.path.join(folder, own + ".key"))
    return made


def refused(port, tls):
    try:
        ask(port, "GET", "/api/routes", None, {"Authorization": "token tok"}, tls)
        return False
    except (ssl.SSLError, ConnectionResetError):
        return True


@test
def tls_everywhere():
    folder = tempfile.mkdtemp(prefix="passerelle-chp-")
    make_certificates(folder)
    at = lambda name: os.path.join(folder, name)  # noqa: E731
    shutil.copy(at("server.pem"), at("public.pem"))
    shutil.copy(at("locked.key"), at("public.key"))
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # a target that wants to see a certificate
    asking.load_cert_chain(at("server.pem"), at("server.key"))
    asking.load_verify_locations(at("ca.pem"))
    asking.verify_mode = ssl.CERT_REQUIRED
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    plain.load_cert_chain(at("server.pem"), at("server.key"))
    client = ["--client-ssl-key", at("client.key"), "--client-ssl-cert", at("client.pem"), "--client-ssl-ca", at("ca.pem")]
    try:
        with Target("asking", tls=asking) as target, Proxy(
                "--ssl-key", at("public.key"), "--ssl-cert", at("public.pem"), "--ssl-protocol", "TLSv1_2",
                "--api-ssl-key", at("server.key"), "--api-ssl-cert", at("server.pem"), "--api-ssl-ca", at("ca.pem"),
                "--api-ssl-request-cert", "--api-ssl-reject-unauthorized", "--redirect-port", "0", "--redirect-to", "443", *client,
                "--default-target", target.url, "--error-target", target.url + "/err",
                environment={"CONFIGPROXY_SSL_KEY_PASSPHRASE": "sesame"}) as proxy:
            redirecting = proxy.port_in(r"Added HTTP to HTTPS redirection from (\d+) to 443")
            answer = ask(redirecting, "POST", "/x?y", None, {"Host": "h:80"})
            equal((answer.status, answer.header("location")), (301, "https://h/x?y"))
            assert exchange(redirecting, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 400")
            answer = ask(proxy.port, "GET", "/x", None, {"Host": "another.name"}, context(folder))
            equal((answer.status, answer.json()["name"]), (200, "asking"))
            told = dict(answer.json()["headers"])
            equal((told["x-forwarded-proto"], told["x-forwarded-port"]), ("https", "443"))
            api = {"Authorization": "token tok"}
            equal(ask(proxy.api_port, "GET", "/api/routes", None, api, context(folder, own="client")).status, 200)
            assert refused(proxy.api_port, context(folder)), "the API wants a certificate"
            gone = ask(proxy.api_port, "DELETE", "/api/routes/", None, api, context(folder, own="client"))
            equal(gone.status, 204)
            page = ask(proxy.port, "GET", "/lost", None, {}, context(folder))
            equal((page.status, page.json()["target"]), (404, "/err/404?url=%2Flost"))
            with socket.create_connection(("127.0.0.1", proxy.port)) as channel:
                with context(folder).wrap_socket(channel, server_hostname="localhost") as channel:
                    equal(channel.version(), "TLSv1.2")
                    before = channel.getpeercert()["serialNumber"]
            shutil.copy(at("new.pem"), at("public.pem"))
            shutil.copy(at("new.key"), at("public.key"))
            proxy.process.send_signal(signal.SIGHUP)
            wait_until("the new certificate is shown", lambda: "Certificates read again" in proxy.log(), 10)
            with socket.create_connection(("127.0.0.1", proxy.port)) as channel:
                with context(folder).wrap_socket(channel, server_hostname="localhost") as channel:
                    assert channel.getpeercert()["serialNumber"] != before
        with Target("plain", tls=plain) as target:
            for flags, status in ([], 503), (["--insecure"], 200), (["--client-ssl-ca", at("ca.pem")], 200), (
                    ["--client-ssl-ca", at("other-ca.pem")], 503):
                with Proxy("--default-target", target.url, *flags) as proxy:
                    equal(proxy.ask("/").status, status, str(flags))
        for flags, words in [(["--ssl-key", at("none.key"), "--ssl-cert", at("server.pem")], "none.key"),
                             (["--api-ssl-key", at("locked.key"), "--api-ssl-cert", at("server.pem")], "locked.key"),
                             (["--ssl-protocol", "SSLv3"], "--ssl-protocol"),
                             (["--ssl-cert", at("server.pem"), "--ssl-request-cert"], "--ssl-request-cert needs --ssl-ca")]:
            done = subprocess.run([PROGRAM, "proxy", "--ip", "127.0.0.1", "--port", "0", "--api-port", "0"] + flags,
                                  capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
            assert done.returncode == 1 and words in done.stdout + done.stderr, (flags, done)
    finally:
        shutil.rmtree(folder)


# ------------------------------------------------------------------------------------------------ the program

@test
def flags_and_exit_codes():
    bad = [(["--custom-header", "invalid"], "A colon was expected in custom header: invalid"),
           (["--custom-header", "Transfer-Encoding: x"], "frames"),
           (["--storage-backend", "redis"], "--storage-backend"),
           (["--nonsense"], "--nonsense"), (["--port"], "--port"), (["--port", "many"], "--port"),
           (["--port=70000"], "--port"), (["--timeout", "1s"], "--timeout"), (["--log-level", "loud"], "--log-level"),
           (["--socket", "/x", "--port", "1"], "--socket"), (["--api-socket", "/x", "--api-ip", "::1"], "--api-socket"),
           (["--redirect-port", "1"], "HTTPS redirection specified but certificates not provided.")]
    for flags, words in bad:
        done = subprocess.run([PROGRAM, "proxy"] + flags, capture_output=True, text=True, timeout=20)
        equal(done.returncode, 1, str(flags))
        assert words in done.stderr, (flags, done.stderr)
    folder = tempfile.mkdtemp(prefix="passerelle-chp-")
    link, pid = os.path.join(folder, "configurable-http-proxy"), os.path.join(folder, "pid")
    os.symlink(os.path.abspath(PROGRAM), link)
    try:
        version = subprocess.run([link, "--version"], capture_output=True, text=True, timeout=20)
        assert version.returncode == 0 and version.stdout.startswith("5."), version
        assert "--error-target" in subprocess.run([link, "-h"], capture_output=True, text=True, timeout=20).stdout
        for number, word in ((signal.SIGTERM, "Terminated"), (signal.SIGINT, "Interrupted")):
            with Proxy("--pid-file", pid, "--log-level=debug", "--ip=", command=[link]) as proxy:
                with open(pid) as file:
                    equal(file.read(), str(proxy.process.pid))
                equal(proxy.stop(number), 2)
                assert not os.path.exists(pid) and f"warn: {word}" in proxy.log(), proxy.log()
        with Proxy() as first:
            second = subprocess.run([link, "--ip", "127.0.0.1", "--port", str(first.port), "--api-port", "0"],
                                    capture_output=True, text=True, timeout=20)
            assert second.returncode == 1 and "listen on 127.0.0.1" in second.stdout, second
    finally:
        os.unlink(link)
        os.rmdir(folder)


@test
def log_and_metrics():
    with Target("t") as target, Proxy("--metrics-ip", "127.0.0.1", "--metrics-port", "0", "--default-target", target.url) as proxy:
        metrics = proxy.port_in(r"Serve metrics at http://127.0.0.1:(\d+)/metrics")
        proxy.ask("/x?token=secret")
        proxy.ask("/status/404")
        proxy.add("/y", target.url)
        proxy.api("DELETE", "/y")
        proxy.routes()
        upgraded(proxy)[0].close()
        answer = ask(metrics, "GET", "/metrics")
        equal(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8")
        for line in ("requests_web 2", "requests_ws 1", 'requests_proxy{status="200"} 1', 'requests_proxy{status="404"} 1',
                     'requests_api{status="201"} 1', 'requests_api{status="204"} 1', "api_route_get 1", "api_route_add 1",
                     "api_route_delete 1", "find_target_for_req_count 3", "last_activity_updating_count 0"):
            assert line + "\n" in answer.text, (line, answer.text)
        assert 'find_target_for_req{quantile="0.999"} ' in answer.text and "process_open_fds " in answer.text
        equal(ask(metrics, "GET", "/other").status, 404)
        lines = proxy.log().splitlines()
        for wanted in (f"info: Proxying http://127.0.0.1:{proxy.port} to {target.url}", "info: Route added / -> " + target.url,
                       f"info: Proxy API at http://127.0.0.1:{proxy.api_port}/api/routes", "info: 201 POST /api/routes/y",
                       "info: Removing route /y", "info: 204 DELETE /api/routes/y"):
            assert any(line.split("[ConfigProxy] ", 1)[-1].startswith(wanted) for line in lines), (wanted, lines)
        assert "secret" not in proxy.log()
        with open(proxy.log_path) as raw:
            assert "[ConfigProxy] \x1b[32minfo\x1b[39m: " in raw.readline()


chosen = [run for run in TESTS if not sys.argv[1:] or run.__name__ in sys.argv[1:]]
for run in chosen:
    began = time.monotonic()
    run()
    print(f"{run.__name__}: {time.monotonic() - began:.2f} s", flush=True)
print(f"{len(chosen)} passed, 0 failed")
