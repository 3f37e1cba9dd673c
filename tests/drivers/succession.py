"""A gateway that is replaced while it works (`passerelle upgrade`, `passerelle reload`), a crowd of WebSockets, and
people who never stop asking."""

import contextlib
import http.client
import json
import os
import re
import select
import signal
import subprocess
import threading
import time

from gateway import PROGRAM, Gateway, raw_websocket, wait_until
from websocket_frames import TEXT, frame, parse_frames

ECHO = {"command": ["/usr/bin/python3", os.path.abspath("tests/drivers/echo_server.py")]}


def alive(pid):
    with contextlib.suppress(OSError, IndexError), open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    return False


class Replaceable(Gateway):
    """Started by a link that can lead to another program later."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.link = os.path.join(self.folder, "passerelle")
        self.point_to(os.path.abspath(PROGRAM))
        self.serving = 0

    def point_to(self, program):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.link)
        os.symlink(program, self.link)

    def start(self, limit=20.0):
        super().start(limit, program=self.link)
        self.serving = self.process.pid
        wait_until("it takes commands", lambda: self.command("status")[0] == 0 and self.status()["pid"] == self.serving)
        return self

    def command(self, *words, timeout=90):
        done = subprocess.run([PROGRAM, *words, "--data-dir", self.data], capture_output=True, text=True, timeout=timeout)
        return done.returncode, done.stdout + done.stderr

    def status(self):
        code, text = self.command("status", "--json")
        assert code == 0, text
        return json.loads(text)

    def replace(self, what="upgrade"):
        """The new process; AssertionError with what was said if there is none."""
        code, text = self.command(what)
        assert code == 0, text
        before, self.serving = self.serving, int(re.search(r"process (\d+)", text).group(1))
        assert self.serving != before and alive(self.serving), text
        return self.serving

    def gateways(self):
        """pids of all processes of the gateway: the one that serves, and those that were replaced."""
        return sorted(pid for pid, what in self.processes().items() if f"serve --config {self.config}" in what)

    def kill_serving(self):
        os.kill(self.serving, signal.SIGKILL)
        if self.serving == self.process.pid:
            self.process.wait()

    def stop(self, limit=30.0):
        if self.serving and alive(self.serving):
            os.kill(self.serving, signal.SIGTERM)
        if self.process is not None:
            self.process.wait(limit)
        wait_until("all processes of the gateway have ended", lambda: not self.gateways(), limit)


class Crowd:
    """WebSockets of one person to one path."""

    def __init__(self, gateway, path, headers, count):
        self.sockets = []
        for _ in range(count):
            client, status = raw_websocket(gateway, path, headers)
            assert status == 101, status
            self.sockets.append(client)

    def echo(self, word, limit=20.0):
        """Every one says it and gets it back. Those that did not."""
        payload, waiting, lost = word.encode(), {}, []
        for client in self.sockets:
            try:
                client.sendall(frame(TEXT, payload))
                waiting[client] = b""
            except OSError as error:
                lost.append(repr(error))
        end = time.monotonic() + limit
        poller = select.poll()
        by_fd = {client.fileno(): client for client in waiting}
        for fd in by_fd:
            poller.register(fd, select.POLLIN)
        while by_fd and time.monotonic() < end:
            for fd, _ in poller.poll(200):
                client = by_fd[fd]
                try:
                    got = client.recv(65536)
                except OSError:
                    got = b""
                waiting[client] += got
                if not got:
                    lost.append("closed")
                elif [f[3] for f in parse_frames(waiting[client])] != [payload]:
                    continue
                poller.unregister(fd)
                del by_fd[fd]
        return lost + ["silent"] * len(by_fd)

    def closed_within(self, limit):
        """Seconds until the first one was cut; None if it still stands."""
        began = time.monotonic()
        ready = select.select([self.sockets[0]], [], [], limit)[0]
        if not ready:
            return None
        with contextlib.suppress(OSError):
            if self.sockets[0].recv(4096):
                return None
        return time.monotonic() - began

    def close(self):
        for client in self.sockets:
            client.close()


class Asker(threading.Thread):
    """Never stops asking `path`: mostly on one connection that it keeps, every `fresh`-th time on a new one, now and then
    after a pause. What it was not answered well is in `failed`."""

    def __init__(self, gateway, path, headers, good=(200,), fresh=5, pause=0.0):
        super().__init__(daemon=True)
        self.gateway, self.path, self.headers, self.good, self.fresh, self.pause = gateway, path, headers, good, fresh, pause
        self.over, self.failed, self.count, self.slowest = threading.Event(), [], 0, 0.0
        self.start()

    def ask(self, connection):
        connection.request("GET", self.path, headers=self.headers)
        response = connection.getresponse()
        body = response.read()
        if response.status not in self.good:
            self.failed.append(f"{response.status} {body[:200]!r}")
        if response.will_close:
            connection.close()

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=30)

    def run(self):
        kept = self.connection()
        while not self.over.wait(self.pause):
            self.count += 1
            began = time.monotonic()
            try:
                if self.count % self.fresh:
                    self.ask(kept)
                else:
                    with contextlib.closing(self.connection()) as fresh:
                        self.ask(fresh)
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
                kept.close()
            self.slowest = max(self.slowest, time.monotonic() - began)

    def finish(self):
        self.over.set()
        self.join(40)
        return self


class Wrk:
    """Debian's wrk on kept connections, in the background."""

    def __init__(self, gateway, path, cookie, seconds, connections=32):
        url = f"http://127.0.0.1:{gateway.port}{path}"
        self.process = subprocess.Popen(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-H",
                                         f"Cookie: {cookie}", url], stdout=subprocess.PIPE, text=True)

    def finish(self):
        """(requests, failures)"""
        text, _ = self.process.communicate(timeout=300)
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        failed = sum(int(n) for n in errors.groups()) if errors else 0
        return int(re.search(r"(\d+) requests in", text).group(1)), failed + (int(refused.group(1)) if refused else 0)


def stream(gateway, path, headers, limit=60.0):
    """A browser's EventSource: reads events, and connects again with the last id when the stream breaks off. The data of
    all events up to the end of the launch, and how often it connected."""
    last, events, connects, end = "", [], 0, time.monotonic() + limit
    while time.monotonic() < end:
        connects += 1
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=limit)
            with contextlib.closing(connection):
                connection.request("GET", path, headers={**headers, "Accept": "text/event-stream", "Last-Event-ID": last})
                response = connection.getresponse()
                for line in response:
                    text = line.decode().strip()
                    if text.startswith("id: "):
                        last = text[4:]
                    if text.startswith("data: "):
                        events.append(json.loads(text[6:]))
                        if events[-1].get("ready") or events[-1].get("failed"):
                            return events, connects
        time.sleep(0.05)
    raise AssertionError(f"no end of the launch: {events}")
