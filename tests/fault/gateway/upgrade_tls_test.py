"""Upgrades of a gateway that speaks TLS and HTTP/2 itself: people who keep asking over TLS, WebSockets inside TLS, an upload over
HTTP/2 that is under way, and a session ticket of the replaced process that its successor takes. Nothing fails, nothing closes."""

import contextlib
import http.client
import os
import socket
import ssl
import subprocess
import sys
import urllib.parse

sys.path.insert(0, "tests/drivers")
from gateway import PASSWORD, wait_until  # noqa: E402
from succession import ECHO, Asker, Crowd, Replaceable  # noqa: E402
from websocket_frames import TEXT, frame  # noqa: E402


def free_port():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as one:
        return one.getsockname()[1]


class Secure(Replaceable):
    """HTTPS with HTTP/2 beside plain HTTP that shows the way there."""

    def __init__(self, **options):
        self.https = free_port()
        super().__init__(extra=f"public_url: 'https://localhost:{self.https}'\n", **options)
        self.port = free_port()
        self.cert = os.path.join(self.folder, "cert.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-keyout", os.path.join(self.folder, "key.pem"), "-out", self.cert, "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        with open(self.config) as file:
            text = file.read()
        with open(self.config, "w") as file:
            file.write(text.replace("listen: {http: '127.0.0.1:0'}", f"listen: {{http: '127.0.0.1:{self.port}', "
                                    f"https: {{address: '127.0.0.1:{self.https}', cert: ./cert.pem, key: ./key.pem, http2: true}}}}"))
        self.trust = ssl.create_default_context(cafile=self.cert)

    def start(self, limit=20.0):
        plain = self.port
        super().start(limit)
        self.port = plain  # whichever listener the log named last
        return self

    def connect(self):
        return http.client.HTTPSConnection("localhost", self.https, context=self.trust, timeout=30)

    def ask(self, method, path, body=None, **headers):
        with contextlib.closing(self.connect()) as connection:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read().decode("utf-8", "replace")


def cookies_of(headers):
    return "; ".join(value.split(";")[0] for name, value in headers if name.lower() == "set-cookie")


def sign_in(gateway):
    """The cookies of somebody whose server is up."""
    _, headers, page = gateway.ask("GET", "/hub/login")
    cookies = cookies_of(headers)
    form = urllib.parse.urlencode({"_xsrf": page.split('name="_xsrf" value="')[1].split('"')[0], "username": "alice",
                                   "password": PASSWORD})
    origin = f"https://localhost:{gateway.https}"
    plain = {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
    status, headers, text = gateway.ask("POST", "/hub/auth/room/login", form, Cookie=cookies, **plain)
    assert status == 303, (status, text)
    cookies = cookies_of(headers)
    page = gateway.ask("GET", "/hub/home", Cookie=cookies)[2]
    form = urllib.parse.urlencode({"_xsrf": page.split('name="_xsrf" value="')[1].split('"')[0], "profile": "echo"})
    assert gateway.ask("POST", "/hub/spawn", form, Cookie=cookies, **plain)[0] == 303
    wait_until("the server answers", lambda: gateway.ask("GET", "/user/alice/", Cookie=cookies)[0] == 200)
    return cookies


class SecureAsker(Asker):
    def connection(self):
        return self.gateway.connect()


class SecureCrowd(Crowd):
    """WebSockets inside TLS."""

    def __init__(self, gateway, path, cookies, count):
        self.sockets = []
        for _ in range(count):
            client = gateway.trust.wrap_socket(socket.create_connection(("127.0.0.1", gateway.https), 10), server_hostname="localhost")
            client.sendall((f"GET {path} HTTP/1.1\r\nHost: localhost:{gateway.https}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                            f"Origin: https://localhost:{gateway.https}\r\nSec-WebSocket-Version: 13\r\n"
                            f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nCookie: {cookies}\r\n\r\n").encode())
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(1)
            assert head.startswith(b"HTTP/1.1 101"), head
            self.sockets.append(client)

    def echo(self, word, limit=20.0):
        lost = []
        for client in self.sockets:  # one after the other: TLS hides what has come from poll()
            client.settimeout(limit)
            try:
                client.sendall(frame(TEXT, word.encode()))
                back, wanted = b"", 2 + len(word)
                while len(back) < wanted:
                    got = client.recv(wanted - len(back))
                    if not got:
                        raise OSError("closed")
                    back += got
                if back[2:] != word.encode():
                    lost.append(back)
            except OSError as error:
                lost.append(repr(error))
        return lost


def curl(gateway, *words):
    return subprocess.Popen(["curl", "--http2", "-sS", "--cacert", gateway.cert, "--resolve", f"localhost:{gateway.https}:127.0.0.1",
                             "-w", "%{http_code} %{http_version} %{size_download}\n", *words], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def resumed(gateway, session):
    """(whether the ticket was taken, a ticket for the next time)"""
    with socket.create_connection(("127.0.0.1", gateway.https), 10) as plain:
        with gateway.trust.wrap_socket(plain, server_hostname="localhost", session=session) as client:
            client.sendall(f"GET /hub/login HTTP/1.1\r\nHost: localhost:{gateway.https}\r\nConnection: close\r\n\r\n".encode())
            while client.recv(65536):
                pass
            return client.session_reused, client.session


def main():
    with Secure(profiles={"echo": ECHO}) as gateway:
        cookies = sign_in(gateway)
        crowd = SecureCrowd(gateway, "/user/alice/echo", cookies, 20)
        assert not crowd.echo("before")
        askers = [SecureAsker(gateway, path, {"Cookie": cookies}) for path in ("/user/alice/", "/hub/home")]
        _, ticket = resumed(gateway, None)
        assert resumed(gateway, ticket)[0], "tickets are not taken at all"
        upload = os.path.join(gateway.folder, "upload")
        with open(upload, "wb") as file:
            file.write(os.urandom(2 << 20))
        for number in range(2):
            page = f"https://localhost:{gateway.https}/user/alice/body"
            under_way = curl(gateway, "--limit-rate", "1M", "-o", "/dev/null", "-H", f"Cookie: {cookies}", "-H",
                             f"Origin: https://localhost:{gateway.https}", "--data-binary", "@" + upload, page)
            wait_until("the upload is under way", lambda: '"path":"/user/alice/body"' in gateway.command("status", "--proxy", "--json")[1]
                       .replace(" ", ""))
            gateway.replace("upgrade")
            assert not crowd.echo(f"after {number}"), "a WebSocket was lost"
            said = under_way.communicate(timeout=60)[0].split()
            assert said == ["200", "2", str(2 << 20)], said
            after = curl(gateway, "-o", "/dev/null", "-H", f"Cookie: {cookies}", f"https://localhost:{gateway.https}/user/alice/")
            assert after.communicate(timeout=60)[0].split()[:2] == ["200", "2"]
            taken, ticket = resumed(gateway, ticket)
            assert taken, "the new process does not know the old one's ticket"
        for asker in askers:
            asker.finish()
            print(f"{asker.path}: {asker.count} asked over TLS, {len(asker.failed)} failed, slowest {asker.slowest:.2f} s")
            assert asker.count > 3 and not asker.failed, asker.failed[:3]
        assert not crowd.echo("at the end")
        crowd.close()
    print("TLS: tickets, an upload over HTTP/2 and 20 WebSockets live through two upgrades")


main()
