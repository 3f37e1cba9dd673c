"""`access: jupyterhub` and `subdomain_host` together: Debian's jupyterhub-singleuser 3.0.0 at a host name of its own. The OAuth dance
goes over the hub's name and back, a kernel answers, and whoever signs out at the hub is out there, on open WebSockets too."""

import contextlib
import os
import socket
import sys
import urllib.parse

sys.path.insert(0, "tests/drivers")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "gateway"))
from gateway import Gateway, steady_port, wait_until  # noqa: E402
from jars import Browser  # noqa: E402

PROFILES = {"light": {"command": ["/usr/bin/jupyterhub-singleuser"], "access": "jupyterhub", "ready_path": "api", "start_timeout": "120s",
                      "environment": {"JUPYTERHUB_SINGLEUSER_APP": "notebook.notebookapp.NotebookApp"}}}


def dance(browser, page):
    way = browser.follow(f"http://{browser.hub}{page}")
    hosts = [urllib.parse.urlsplit(answer.url).netloc for answer in way]
    paths = [urllib.parse.urlsplit(answer.url).path for answer in way]
    assert way[-1].status == 200 and hosts[-1] == browser.own(), list(zip(hosts, paths, [a.status for a in way]))
    assert "/hub/api/oauth2/authorize" in paths and hosts[paths.index("/hub/api/oauth2/authorize")] == browser.hub, paths
    assert "/user/alice/oauth_callback" in paths and hosts[paths.index("/user/alice/oauth_callback")] == browser.own(), paths
    assert any(name.startswith("jupyterhub-user-alice") for name in browser.jars[browser.own()]), browser.jars
    assert not any(name.startswith("jupyterhub-") for name in browser.jars[browser.hub]), "a server's cookie at the hub"
    return way


def open_socket(gateway, host, path, cookies):
    connection = socket.create_connection(("127.0.0.1", gateway.port), 10)
    connection.sendall((f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                        f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nCookie: {cookies}\r\nOrigin: http://{host}\r\n\r\n").encode())
    head = b""
    while b"\r\n\r\n" not in head:
        got = connection.recv(4096)
        if not got:
            break
        head += got
    return connection, int(head.split()[1]) if head else 0


def main():
    port = steady_port()
    gateway = Gateway(profiles=PROFILES, extra=f"public_url: 'http://hub.localhost:{port}'\nsubdomain_host: hub.localhost\n")
    gateway.port = port
    with gateway:
        alice = Browser(gateway, "alice").sign_in()
        assert alice.post("/hub/spawn", profile="light").status == 303
        wait_until("it runs", lambda: alice.api("/users/alice").json()["servers"].get("", {}).get("ready"), 120)
        dance(alice, "/user/alice/tree")
        # A kernel, by what the browser has there.
        own = alice.jars[alice.own()]
        own.setdefault("_xsrf", "2|0123abcd|0123abcd0123abcd0123abcd0123abcd|1700000000")
        asked = {"Origin": f"http://{alice.own()}", "Content-Type": "application/json", "X-XSRFToken": own["_xsrf"], "Accept": "application/json"}
        made = alice.request("POST", f"http://{alice.own()}/user/alice/api/kernels", "{}", asked)
        assert made.status == 201, (made.status, made.text[:500])
        # Nobody else by that name, and not from the hub's name.
        bob = Browser(gateway, "bob").sign_in()
        assert bob.follow(f"http://{alice.own()}/user/alice/tree")[-1].status in (403, 404)
        wrong = alice.request("POST", f"http://{alice.own()}/user/alice/api/kernels", "{}", {**asked, "Origin": f"http://{alice.hub}"})
        assert wrong.status == 403, wrong.status
        # Signed out at the hub: out at once, there too.
        line = "; ".join(f"{name}={value}" for name, value in own.items())
        channel, status = open_socket(gateway, alice.own(), f"/user/alice/api/kernels/{made.json()['id']}/channels?session_id=x", line)
        assert status == 101, status
        assert alice.post("/hub/logout").status in (200, 303)
        answer = alice.request("GET", f"http://{alice.own()}/user/alice/tree")
        assert answer.status in (302, 303) and answer.header("location").startswith(f"http://{alice.hub}/"), (answer.status, answer.headers)
        channel.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            while channel.recv(65536):  # what the kernel said before, then the end
                pass
    print("ok")


if __name__ == "__main__":
    main()
