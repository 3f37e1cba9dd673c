"""A person works in a real Jupyter server through the gateway, without a browser: kernels, files, a terminal, over HTTP
and WebSocket, with a session and with an API token."""

import contextlib
import json
import os
import sys
import threading
import time

sys.path.insert(0, "tests/drivers")
from gateway import Gateway, Person, Program, raw_websocket, wait_until  # noqa: E402
from notebook import connect, execute, open_kernel  # noqa: E402

JUPYTER = {"jupyter": {"command": ["jupyter-server"], "ready_path": "api", "default_url": "api"}}
LARGE = 200 << 20


def terminal(gateway, person, headers):
    made = person.request("POST", f"/user/{person.name}/api/terminals", "{}",
                          {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{gateway.port}"})
    assert made.status == 200, made.text
    channel = connect(gateway, f"/user/{person.name}/terminals/websocket/{made.json()['name']}", headers)
    channel.send(json.dumps(["stdin", "echo terminal-$((40+2))\r"]))
    seen = ""
    while "terminal-42" not in seen:
        kind, text = (json.loads(channel.recv()) + [""])[:2]
        seen += text if kind == "stdout" else ""
    channel.close()


def large_file(gateway, person, program):
    """200 MB down and up through the gateway while its own memory stays flat."""
    workspace = os.path.join(gateway.data, "workspaces", person.name)
    with open(os.path.join(workspace, "large.bin"), "wb") as file:
        for _ in range(LARGE >> 20):
            file.write(os.urandom(1 << 20))
    before, most, over = gateway.rss(), [0], threading.Event()

    def watch():
        while not over.is_set():
            most[0] = max(most[0], gateway.rss())
            time.sleep(0.05)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        import http.client
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=120)
        connection.request("GET", f"/user/{person.name}/files/large.bin", headers={"Authorization": f"token {program.token}"})
        response = connection.getresponse()
        got = 0
        while chunk := response.read(1 << 20):
            got += len(chunk)
        assert response.status == 200 and got == LARGE, (response.status, got)
        # Upload as Jupyter's own client does it: base64 in chunks of the contents API.
        import base64
        step = 8 << 20
        with open(os.path.join(workspace, "large.bin"), "rb") as file:
            for number in range(1, LARGE // step + 1):
                last = number == LARGE // step
                body = json.dumps({"type": "file", "format": "base64", "chunk": -1 if last else number,
                                   "content": base64.b64encode(file.read(step)).decode()})
                connection.request("PUT", f"/user/{person.name}/api/contents/up.bin", body,
                                   {"Authorization": f"token {program.token}", "Content-Type": "application/json"})
                put = connection.getresponse()
                put.read()
                assert put.status in (200, 201), put.status
        assert os.path.getsize(os.path.join(workspace, "up.bin")) == LARGE
        connection.close()
    finally:
        over.set()
        watcher.join()
    grown = most[0] - before
    print(f"200 MB down and up: the gateway grew by {grown >> 10} KiB at most")
    assert grown < 16 << 20, grown


def main():
    with Gateway(JUPYTER) as gateway:
        alice = Person(gateway, "alice").sign_in()
        begun = time.monotonic()
        assert alice.launch("jupyter").status == 303
        alice.wait_ready()
        print(f"jupyter-server answers after {time.monotonic() - begun:.1f} s")
        program = Program(gateway, alice.token(note="test", scopes=["access:servers!user=alice"]))
        cookie = ["Cookie: " + alice.cookie_header()]

        _, channel = open_kernel(gateway, alice, cookie)
        assert execute(channel, "6*7") == "42"
        # The secrets of the gateway and of its cookies never reach the server's side.
        assert "passerelle-session" not in execute(channel, "import os; print(os.environ)")
        terminal(gateway, alice, cookie)

        by_token = ["Authorization: token " + program.token]
        kernel = program.request("POST", "/user/alice/api/kernels", {})
        assert kernel.status == 201, kernel.text
        path = f"/user/alice/api/kernels/{kernel.json()['id']}/channels"
        assert execute(connect(gateway, path, by_token), "6*7") == "42"

        # WebSockets are guarded exactly as GETs (CVE-2024-28179), and not for other sites' pages.
        assert raw_websocket(gateway, path, [])[1] == 403
        mallory = Person(gateway, "mallory").sign_in()
        assert raw_websocket(gateway, path, ["Cookie: " + mallory.cookie_header()])[1] == 403
        assert raw_websocket(gateway, path, cookie + ["Origin: http://evil.example"])[1] == 403
        assert mallory.get("/user/alice/api/status").status == 403
        narrow = Program(gateway, alice.token(scopes=["read:users!user=alice"]))
        assert narrow.request("GET", "/user/alice/api/status").status == 403

        large_file(gateway, alice, program)
        channel.close()

        # Sign-out ends the session for every later request and cuts what rests on it.
        open_socket, status = raw_websocket(gateway, path, ["Cookie: " + alice.cookie_header()])
        assert status == 101
        signed_in = dict(alice.cookies)
        assert alice.post("/hub/logout").status == 200
        alice.cookies = signed_in
        assert alice.get("/user/alice/api/status", headers={"Accept": "application/json"}).status == 403
        open_socket.settimeout(5)
        ended = time.monotonic()
        with contextlib.suppress(ConnectionResetError):  # cut, not closed: nobody may take it for the other's goodbye
            while open_socket.recv(65536):
                pass
        print(f"the open WebSocket ended {time.monotonic() - ended:.2f} s after sign-out")

        assert program.request("DELETE", "/hub/api/users/alice/server").status in (403, 404)  # the token may only open it
        alice.sign_in()
        assert alice.stop().status == 204
        wait_until("nothing is left", lambda: not gateway.left_over() and not gateway.run_folders())
        assert alice.get("/user/alice/tree").status == 503
        gone = alice.get("/user/alice/api/status", headers={"Accept": "application/json"})
        assert gone.status == 424 and gone.header("content-type") == "application/problem+json", (gone.status, gone.headers)


main()
print("1 passed, 0 failed")
