"""Drives the real program from outside: a configuration in a temporary folder, `passerelle serve`, people who sign in
through the pages, programs with API tokens, and a look at what is left when all is over. Python's standard library and
python3-websocket only. Ports are ephemeral, every process is ended by pid, every file removed."""

import base64
import contextlib
import hashlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

PROGRAM = os.environ.get("PASSERELLE", "build/release/passerelle")
TEST_SERVER = os.path.join(os.path.dirname(os.path.abspath(PROGRAM)), "tests", "test-server")
PASSWORD = "a classroom's password"


def wait_until(what, condition, limit=30.0, pause=0.02):
    """The first true value of condition(); fails with `what` after `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what}")
        time.sleep(pause)


def steady_port():
    """A free port below those that the kernel gives to outgoing connections: a gateway that is killed and started again must find
    it free."""
    while True:
        port = random.randrange(21_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)

    def header(self, name):
        return next((v for k, v in self.headers if k.lower() == name.lower()), "")


class Gateway:
    """One folder, one configuration, and the process that serves it; it can be killed and started again."""

    def __init__(self, profiles=None, extra="", spawner="", authenticators="", access="", root=None):
        self.folder = tempfile.mkdtemp(prefix="passerelle-test-", dir=root)
        self.data = os.path.join(self.folder, "d")
        self.log_path = os.path.join(self.folder, "log")
        self.config = os.path.join(self.folder, "config.yaml")
        self.port = 0
        self.process = None
        self.starts = 0
        with open(os.path.join(self.folder, "room.txt"), "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(PASSWORD + "\n")
        profiles = profiles or {"light": {"command": [TEST_SERVER, "serve"]}}
        entries = []
        for name, profile in profiles.items():
            entries.append({"name": name, "spawner": "here", **profile})
        with open(self.config, "w") as file:
            file.write(
                f"data_dir: {self.data}\n"
                "listen: {http: '127.0.0.1:0'}\n"
                "authenticators:\n"
                "  room: {type: dummy, password_file: ./room.txt, groups: [room], claim: false}\n"
                f"{authenticators}"
                f"access: {{{access}allow: {{groups: [room]}}, admins: {{users: ['room:teacher']}}}}\n"
                f"spawners:\n  here: {{type: local, stop: {{interrupt: 1s, terminate: 1s, kill: 3s}}}}\n{spawner}"
                f"profiles: {json.dumps(entries)}\n"
                f"{extra}\n")

    def start(self, limit=20.0, program=PROGRAM):
        self.starts += 1
        self.port = self.port or steady_port()
        with open(self.log_path, "ab") as log:
            listen = ["--listen", f"127.0.0.1:{self.port}"]  # the same port again: browsers keep their address
            self.process = subprocess.Popen([program, "serve", "--config", self.config] + listen, stderr=log, stdout=log,
                                            stdin=subprocess.DEVNULL, start_new_session=True)

        def listening():
            if self.process.poll() is not None:
                raise AssertionError(f"the gateway ended with {self.process.returncode}:\n{self.log()[-3000:]}")
            lines = [l for l in self.log().splitlines() if '"message":"listening"' in l]
            return len(lines) >= self.starts and json.loads(lines[-1])
        self.port = wait_until("the gateway listens", listening, limit)["port"]
        return self

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, limit=30.0):
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(limit)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print(self.log()[-6000:])
        with contextlib.suppress(Exception):
            self.stop()
        unfit = [line for line in self.log().splitlines() if "view does not fit its page" in line]
        assert not unfit or kind is not None, unfit[:3]
        if self.process is not None and self.process.poll() is None:
            self.kill()
        for pid in self.processes():  # a failed test must not leave anything behind either, a successor included
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- looking at the machine ------------------------------------------------------------------------------------

    def processes(self):
        """pid -> command line of everything that has to do with our folder: by command line, environment or open files."""
        found = {}
        mark = self.folder.encode()

        def has_open(entry):
            with contextlib.suppress(OSError):
                return any(self.folder in os.readlink(f"/proc/{entry}/fd/{fd}") for fd in os.listdir(f"/proc/{entry}/fd"))
            return False
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    command = file.read()
                with open(f"/proc/{entry}/environ", "rb") as file:
                    environment = file.read()
                with open(f"/proc/{entry}/stat") as file:
                    state = file.read().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if state in "ZX" or not (mark in command or mark in environment or has_open(entry)):
                continue
            found[int(entry)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
        return found

    def left_over(self):
        """Everything of ours but the gateway itself: supervisors, servers, kernels."""
        me = self.process.pid if self.process is not None else 0
        return {pid: what for pid, what in self.processes().items() if pid != me and f"serve --config {self.config}" not in what}

    def servers(self):
        """pids of the servers' own processes, without supervisors."""
        return {pid: what for pid, what in self.left_over().items() if "passerelle-supervisor" not in what}

    def run_folders(self):
        folder = os.path.join(self.data, "run")
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def rss(self):
        with open(f"/proc/{self.process.pid}/smaps_rollup") as file:
            return int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1)) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


class Person:
    """A browser without a screen: cookies, forms with their tokens, redirects on demand."""

    def __init__(self, gateway, name, language="en"):
        self.gateway, self.name, self.language = gateway, name, language
        self.cookies = {}
        self.xsrf = ""

    def request(self, method, path, body=None, headers=None, timeout=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=timeout)
        all_headers = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": self.language,
                       "Host": f"127.0.0.1:{self.gateway.port}"}
        if self.cookies:
            all_headers["Cookie"] = self.cookie_header()
        all_headers.update(headers or {})
        try:
            connection.request(method, path, body, all_headers)
            response = connection.getresponse()
            answer = Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()
        for name, value in answer.headers:
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.split(";")[0]
        token = re.search(r'name="_xsrf" value="([^"]+)"', answer.text) if "text/html" in answer.header("content-type") else None
        if token:
            self.xsrf = token.group(1)
        return answer

    def cookie_header(self):
        return "; ".join(f"{k}={v}" for k, v in self.cookies.items())

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, **fields):
        body = urllib.parse.urlencode({"_xsrf": self.xsrf, **fields})
        return self.request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded",
                                                 "Origin": f"http://127.0.0.1:{self.gateway.port}"})

    def sign_in(self, password=PASSWORD):
        self.get("/hub/login")
        answer = self.post("/hub/auth/room/login", username=self.name, password=password)
        assert answer.status == 303, (answer.status, answer.text[:2000])
        assert self.get("/hub/home").status == 200
        return self

    def api(self, method, path, body=None, **options):
        headers = {"Accept": "application/json", "X-XSRFToken": self.xsrf, "Content-Type": "application/json",
                   "Origin": f"http://127.0.0.1:{self.gateway.port}"}
        return self.request(method, "/hub/api" + path, None if body is None else json.dumps(body), headers, **options)

    def model(self):
        return self.api("GET", f"/users/{self.name}").json()

    def server(self):
        """The default server's model, active or stopped; None if it never was."""
        model = self.model()
        return model["servers"].get("") or model["stopped_servers"].get("")

    def launch(self, profile="light"):
        return self.post("/hub/spawn", profile=profile)

    def wait_ready(self, limit=60.0):
        def settled():
            server = self.server()
            return server if server and server["pending"] is None else None
        server = wait_until(f"{self.name}'s server is settled", settled, limit, 0.05)
        assert server["ready"], server
        return server

    def wait_stopped(self, limit=60.0):
        def stopped():
            server = self.server()
            return server if server and server["stopped"] else None
        return wait_until(f"{self.name}'s server is stopped", stopped, limit, 0.05)

    def stop(self, limit=150.0):
        """Returns when it is stopped, though the gateway answers 202 after ten seconds: a node may take a minute or two with a pod."""
        answer = self.api("DELETE", f"/users/{self.name}/server")
        if answer.status == 202:
            wait_until(f"{self.name}'s server is stopped", lambda: (self.server() or {"stopped": True})["stopped"], limit, 0.05)
        return answer

    def token(self, **wanted):
        answer = self.api("POST", f"/users/{self.name}/tokens", wanted or {})
        assert answer.status == 201, answer.text
        return answer.json()["token"]

    def events(self, limit=60.0):
        """All progress events of the launch, until the stream ends."""
        answer = self.request("GET", f"/hub/api/users/{self.name}/server/progress",
                              headers={"Accept": "text/event-stream"}, timeout=limit)
        return [json.loads(l[6:]) for l in answer.text.splitlines() if l.startswith("data: ")]


class Program:
    """A script with an API token."""

    def __init__(self, gateway, token):
        self.gateway, self.token = gateway, token

    def request(self, method, path, body=None, timeout=60, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=timeout)
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               {"Authorization": f"token {self.token}", "Accept": "application/json",
                                "Content-Type": "application/json", **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()


def raw_websocket(gateway, path, headers):
    """The handshake by hand, for status codes that libraries hide. (socket, status)"""
    key = base64.b64encode(os.urandom(16)).decode()
    connection = socket.create_connection(("127.0.0.1", gateway.port), 10)
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{gateway.port}", "Connection: Upgrade", "Upgrade: websocket",
             "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"] + headers
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    head = b""
    while b"\r\n\r\n" not in head:
        got = connection.recv(4096)
        if not got:
            break
        head += got
    status = int(head.split()[1]) if head else 0
    if status == 101:
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        assert accept in head
    return connection, status


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
