"""Drives `passerelle proxy` from outside: starts it on free ports, asks its REST API, and gives it targets that say what
they were sent. Python's standard library only; bytes where bytes matter."""

import base64
import contextlib
import hashlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading

from gateway import PROGRAM, wait_until

ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Proxy:
    """The program under its flags. `ports` holds what it says it listens on."""

    def __init__(self, *flags, token="tok", command=None, environment=None, places=True):
        self.folder = tempfile.mkdtemp(prefix="passerelle-chp-")
        self.log_path = os.path.join(self.folder, "log")
        command = command or [PROGRAM, "proxy"]
        where = ["--ip", "127.0.0.1", "--port", "0", "--api-ip", "127.0.0.1", "--api-port", "0"] if places else []
        self.command = command + where + list(flags)
        self.token = token
        self.environment = {**os.environ, "CONFIGPROXY_AUTH_TOKEN": token or "", **(environment or {})}
        self.process = None
        self.port = self.api_port = self.metrics_port = 0

    def start(self):
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(self.command, env=self.environment, stdout=log, stderr=subprocess.STDOUT,
                                            stdin=subprocess.DEVNULL)

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"it ended with {self.process.returncode}:\n{self.log()}")
            return "Proxy API at" in self.log()
        wait_until("the proxy listens", ready, 20)
        self.port = self.port_in(r"Proxying https?://\S*:(\d+) to")
        self.api_port = self.port_in(r"Proxy API at https?://\S*:(\d+)/api/routes")
        return self

    def port_in(self, pattern):
        found = re.search(pattern, self.log())
        return int(found[1]) if found else 0

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return ANSI.sub("", file.read())

    def stop(self, number=signal.SIGTERM, limit=20):
        if self.process is None or self.process.poll() is not None:
            return self.process and self.process.returncode
        self.process.send_signal(number)
        return self.process.wait(limit)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print(self.log()[-4000:])
        with contextlib.suppress(Exception):
            self.stop()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for name in os.listdir(self.folder):
            os.unlink(os.path.join(self.folder, name))
        os.rmdir(self.folder)

    def api(self, method, path, body=None, token=..., headers=None):
        token = self.token if token is ... else token
        headers = {**({"Authorization": f"token {token}"} if token else {}), **(headers or {})}
        body = json.dumps(body) if isinstance(body, (dict, list)) else body
        return ask(self.api_port, method, "/api/routes" + path, body, headers)

    def add(self, path, target, **members):
        answer = self.api("POST", path, {"target": target, **members})
        assert answer.status == 201 and answer.body == b"", (answer.status, answer.body)

    def routes(self):
        return self.api("GET", "").json()

    def ask(self, path, method="GET", body=None, headers=None):
        return ask(self.port, method, path, body, headers or {})


def make_certificates(folder):
    """ca.pem, other-ca.pem, and pairs signed by the first: server, client, new (also a server's)."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
    for ca in ("ca", "other-ca"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={ca}",
                "-keyout", ca + ".key", "-out", ca + ".pem")
    for name in ("server", "client", "new"):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-addext",
                "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", name + ".key", "-out", name + ".csr")
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2", "-copy_extensions", "copy",
                "-out", name + ".pem")
    openssl("ec", "-in", "server.key", "-aes128", "-passout", "pass:sesame", "-out", "locked.key")


class Answer:
    def __init__(self, response):
        self.status, self.reason = response.status, response.reason
        self.headers = [(name.lower(), value) for name, value in response.getheaders()]
        self.body = response.read()

    def header(self, name):
        return next((value for key, value in self.headers if key == name), None)

    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode()


def ask(port, method, path, body=None, headers=None, tls=None):
    kind = {"context": tls} if tls else {}
    connection = (http.client.HTTPSConnection if tls else http.client.HTTPConnection)("127.0.0.1", port, timeout=20, **kind)
    try:
        connection.request(method, path, body, headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def exchange(port, data, limit=20, path=None):
    """Everything that comes back until the other side closes; b"RESET" at the end if it breaks off."""
    where = socket.socket(socket.AF_UNIX) if path else socket.socket()
    with where as channel:
        channel.settimeout(limit)
        channel.connect(path or ("127.0.0.1", port))
        channel.sendall(data)
        received = b""
        try:
            while more := channel.recv(65536):
                received += more
        except ConnectionResetError:
            received += b"RESET"
        return received


def handshake(host="h", path="/", extra=""):
    key = base64.b64encode(os.urandom(16)).decode()
    return (f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n").encode()


class Target:
    """A server that tells as JSON what it was sent, and obeys its path: .../status/404, .../to?http://elsewhere,
    .../die, .../silent. A WebSocket handshake is taken, and then bytes come back as they were sent; `tunnels` holds its side of them."""

    def __init__(self, name, place=None, tls=None):
        self.name = name
        self.tls = tls
        self.socket = socket.socket(socket.AF_UNIX) if place else socket.socket()
        self.socket.bind(place or ("127.0.0.1", 0))
        self.socket.listen(64)
        self.place = place
        self.port = 0 if place else self.socket.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self.channels = set()
        self.tunnels = []
        self.over = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.over.set()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for channel in list(self.channels):
            with contextlib.suppress(OSError):
                channel.shutdown(socket.SHUT_RDWR)
        if self.place:
            os.unlink(self.place)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                channel = self.socket.accept()[0]
                threading.Thread(target=self.serve, args=(channel,), daemon=True).start()

    def serve(self, channel):
        self.channels.add(channel)
        with contextlib.suppress(OSError), channel:
            if self.tls:
                channel = self.tls.wrap_socket(channel, server_side=True)
            stream = channel.makefile("rb")
            while line := stream.readline():
                method, target, _ = line.decode().split(" ", 2)
                headers = []
                while (field := stream.readline()) not in (b"\r\n", b""):
                    name, value = field.decode("latin-1").rstrip("\r\n").split(":", 1)
                    headers.append((name.lower(), value.strip()))
                values = dict(headers)
                if values.get("upgrade") == "websocket":
                    return self.tunnel(channel, stream, values)
                body = self.read_body(stream, values)
                self.answer(channel, method, target, headers, body)
        self.channels.discard(channel)

    def read_body(self, stream, values):
        if values.get("transfer-encoding") != "chunked":
            return stream.read(int(values.get("content-length", 0)))
        body = b""
        while size := int(stream.readline(), 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
        return body

    def answer(self, channel, method, target, headers, body):
        path, _, query = target.partition("?")
        if path.endswith("/die"):
            channel.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of it")
            return channel.shutdown(socket.SHUT_RDWR)
        if path.endswith("/silent"):
            return self.over.wait()
        status, extra = "200 Fine", "Clear-Site-Data: x\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
        if "/status/" in path:
            status = path.rsplit("/", 1)[1] + " Told"
        if path.endswith("/to"):
            status, extra = "302 There", f"Location: {query}\r\n"
        told = json.dumps({"name": self.name, "method": method, "target": target, "headers": headers,
                           "body": body.decode("latin-1")}).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{extra}Content-Length: {len(told)}\r\n\r\n"
        channel.sendall(head.encode() + told)

    def tunnel(self, channel, stream, values):
        fixed = values["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(fixed.encode()).digest()).decode()
        channel.sendall(("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                         f"Sec-WebSocket-Accept: {accept}\r\nX-Told: {json.dumps(values)}\r\n\r\n").encode())
        self.tunnels.append(channel)
        while data := stream.read1(65536):
            channel.sendall(data)
