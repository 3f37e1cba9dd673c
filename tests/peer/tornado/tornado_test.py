"""Property: what we forward, tornado reads as exactly one identical request: method, target, fields, body; and it is
what the client sent, as it must arrive. Damaged streams of requests through the proxy to a real tornado, each from a
loopback address of its own, by which its requests are known again.

  tornado_test.py [--streams 20000] [--seed 1] [--first 0]     a million streams: 15 minutes, 1 GB in the temporary folder"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, "tests/drivers")
import oracle  # noqa: E402
import streams  # noqa: E402

BARE_PROXY = os.path.join(os.path.dirname(os.path.abspath(os.environ.get("PASSERELLE", "build/release/passerelle"))), "tests", "bare_proxy")
READER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reader.py")
AT_ONCE = 24
PATIENCE = 20
MOST_SHOWN = 20


def address_of(number):
    return f"127.{1 + (number >> 16) % 127}.{number >> 8 & 255}.{number & 255}"


def send(port, number, data):
    client = socket.socket()
    client.settimeout(PATIENCE)
    client.bind((address_of(number), 0))
    client.connect(("127.0.0.1", port))
    try:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it has refused already and said so
    return client


def drain(client):
    """Until the end; False for a hang."""
    try:
        while client.recv(65536):
            pass
    except socket.timeout:
        return False
    except ConnectionError:
        pass
    finally:
        client.close()
    return True


class Run:
    def __init__(self, seed, log):
        self.seed, self.log = seed, log
        self.failures, self.forwarded, self.sent = [], 0, 0

    def fail(self, number, what, data=b""):
        self.failures.append(f"stream {number} of seed {self.seed}: {what}\n    {data[:600]!r}")

    def batch(self, port, first, count):
        made = {number: streams.stream(self.seed, number) for number in range(first, first + count)}
        clients = [(number, send(port, number, data)) for number, (data, _) in made.items()]
        for number, client in clients:
            if not drain(client):
                self.fail(number, "a hang", made[number][0])
        arrived = self.read_log()
        for number, (data, whole) in made.items():
            self.judge(number, data, whole, arrived.pop(address_of(number), []))
        for client in arrived:
            self.fail(-1, f"requests of {client}, who is not there")
        self.sent += count

    def read_log(self):
        arrived = {}
        for line in self.log:
            client, method, target, fields, body, complaint = json.loads(line)
            if complaint:
                self.fail(-1, f"{client}: {complaint}")
            if method is None:
                continue
            message = oracle.Message()
            message.method, message.target = method.encode(), target.encode("latin-1")
            message.fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
            message.body = body.encode("latin-1")
            arrived.setdefault(client, []).append(message)
        return arrived

    def judge(self, number, data, whole, arrived):
        meant = [message for message in oracle.client_requests(data) if message.complete]
        self.forwarded += len(arrived)
        if len(arrived) > len(meant):
            return self.fail(number, f"{len(arrived)} requests of {len(meant)}", data)
        try:
            for sent, got in zip(meant, arrived):
                oracle.compare(sent, got)
        except oracle.Violation as violation:
            self.fail(number, str(violation), data)
        if whole and len(arrived) < len(meant) and not refusable(meant[len(arrived)]):
            self.fail(number, f"an undamaged request was not forwarded: {meant[len(arrived)]}", data)


def refusable(message):
    """What is right by the grammar and yet refused or answered by us, with all that stands behind it."""
    guarded = message.target.partition(b"?")[0].lower().replace(b"%25", b"")
    return b"%zz" in message.target or b"%2f" in guarded or b"%5c" in guarded or b"%32" in guarded or len(message.values(b"expect")) > 0


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--streams", type=int, default=20_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--first", type=int, default=0)
    given = options.parse_args()
    begun = time.monotonic()
    with tempfile.NamedTemporaryFile(prefix="passerelle-tornado-") as log:
        reader = subprocess.Popen(["/usr/bin/python3", READER, log.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        proxy = None
        try:
            port = int(reader.stdout.readline())
            proxy = subprocess.Popen([BARE_PROXY, f"/=127.0.0.1:{port}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            public = int(proxy.stdout.readline())
            run = Run(given.seed, log)
            for first in range(given.first, given.first + given.streams, AT_ONCE):
                run.batch(public, first, min(AT_ONCE, given.first + given.streams - first))
                if len(run.failures) > MOST_SHOWN:
                    break
                if run.sent % 50_000 < AT_ONCE:
                    print(f"{run.sent} streams, {run.forwarded} requests, {time.monotonic() - begun:.0f} s", flush=True)
        finally:
            for process in (proxy, reader):
                if process:
                    process.stdin.close()
                    process.wait(PATIENCE)
        run.read_log()
    assert proxy.returncode == 0 and reader.returncode == 0, (proxy.returncode, reader.returncode)
    print(f"seed {given.seed}: {run.sent} streams, {run.forwarded} requests reached tornado, {len(run.failures)} failures, "
          f"{time.monotonic() - begun:.1f} s")
    for failure in run.failures[:MOST_SHOWN]:
        print("  " + failure)
    sys.exit(1 if run.failures or run.forwarded < run.sent // 10 else 0)


main()
