"""Whoever reads the log stops reading: every request is answered as fast as before, and when reading goes on, one line
tells how many were lost. A blocked write would hold up a thread of the proxy and everybody on it."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, "tests/drivers")
from gateway import PROGRAM, Gateway, wait_until  # noqa: E402

REQUESTS = 4000


def main():
    gateway = Gateway()
    try:
        run(gateway)
    finally:
        gateway.process = None
        shutil.rmtree(gateway.folder, ignore_errors=True)


def run(gateway):
    reading, writing = os.pipe()
    process = subprocess.Popen([PROGRAM, "serve", "--config", gateway.config], stderr=writing, stdout=subprocess.DEVNULL,
                               stdin=subprocess.DEVNULL, start_new_session=True)
    os.close(writing)
    try:
        first = b""
        while b'"message":"listening"' not in first:
            first += os.read(reading, 4096)
        port = next(json.loads(line) for line in first.splitlines() if b'"listening"' in line)["port"]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        slowest = 0.0
        for _ in range(REQUESTS):  # some 700 KB of log: the pipe, what is kept, and more
            began = time.monotonic()
            connection.request("GET", "/hub/health?" + "q" * 10)
            assert connection.getresponse().read() is not None
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 5, slowest
        os.set_blocking(reading, False)
        rest = bytearray()

        def told():
            try:
                rest.extend(os.read(reading, 1 << 20))
            except BlockingIOError:
                pass
            return b"lines were dropped" in rest
        wait_until("the log tells how many lines were lost", told, 20)
        dropped = next(json.loads(l) for l in bytes(rest).splitlines() if b"lines were dropped" in l)["lines"]
        written = sum(1 for l in bytes(rest).splitlines() if b'"area":"access"' in l and json.loads(l))
        assert written + dropped == REQUESTS, (written, dropped)
        print(f"slowest request {slowest * 1000:.1f} ms; {written} lines written, {dropped} dropped and told")
        process.send_signal(signal.SIGTERM)
        os.set_blocking(reading, True)
        while os.read(reading, 65536):
            pass
        assert process.wait(20) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(reading)


main()
