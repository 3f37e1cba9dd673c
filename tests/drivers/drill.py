"""What the drills of the proxy share: the server behind it, a crowd of clients from many loopback addresses, and a
user who measures how long an answer takes."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
GET = b"GET /a/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
OK = b"\r\n\r\nok"
LONG = "--long" in sys.argv  # the whole drill; without it seconds


def raise_descriptors():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


class PlainServer:
    """plain_server.py in a process that can be killed and started again on its port."""

    def __init__(self):
        self.port = 0
        self.start()

    def start(self):
        self.process = subprocess.Popen(["/usr/bin/python3", os.path.join(HERE, "plain_server.py"), str(self.port)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def held(self, count=1):
        """Waits until it has stopped on `count` requests."""
        for _ in range(count):
            assert self.process.stdout.readline(), "the server is gone"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.returncode is None:
            self.kill()


def source(number):
    """Loopback addresses in turn: ephemeral ports are few, and nobody is one client with ten thousand connections."""
    return f"127.0.{1 + number // 200 % 250}.{1 + number % 200}"


def connect(port, number=0, limit=10.0):
    client = socket.create_connection(("127.0.0.1", port), limit, (source(number), 0))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def read_until(client, end):
    data = b""
    while not data.endswith(end):
        got = client.recv(65536)
        if not got:
            raise AssertionError(f"ended after {data[-200:]!r}")
        data += got
        if data.startswith(b"HTTP/1.1 5"):
            raise AssertionError(f"no answer but {data[:200]!r}")
    return data


def read_to_end(client):
    """All that comes, and whether the end was a RST."""
    data = b""
    try:
        while got := client.recv(65536):
            data += got
    except ConnectionResetError:
        return data, True
    return data, False


def ask(port, request=GET, limit=10.0):
    """One request on a connection of its own; all that came, and whether the end was a RST."""
    with connect(port, limit=limit) as client:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        return read_to_end(client)


class GoodUser(threading.Thread):
    """Asks every few milliseconds, now on one connection, now on a new one; `worst(0.99)` in seconds."""

    def __init__(self, port, pause=0.005):
        super().__init__(daemon=True)
        self.port, self.pause, self.over, self.took, self.failed = port, pause, threading.Event(), [], []

    def run(self):
        kept = connect(self.port)
        number = 0
        while not self.over.wait(self.pause):
            number += 1
            began = time.monotonic()
            try:
                if number % 4:
                    kept.sendall(GET)
                    read_until(kept, OK)
                else:
                    with connect(self.port, number) as fresh:
                        fresh.sendall(GET)
                        read_until(fresh, OK)
            except (OSError, AssertionError) as error:
                self.failed.append(repr(error))
                kept = connect(self.port)
            self.took.append(time.monotonic() - began)

    def finish(self):
        self.over.set()
        self.join(20)
        assert not self.failed, self.failed[:3]
        return self

    def worst(self, share):
        ordered = sorted(self.took)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
