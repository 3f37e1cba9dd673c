"""A client that would send a gibibyte of head, chunk extension, trailer or request line is cut off early, and the
proxy's memory stays where it was."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../drivers"))
from bare_proxy import SANITIZED, BareProxy, eventually, run_all  # noqa: E402
from drill import GET, GoodUser, PlainServer, ask, connect  # noqa: E402

GIB = 1 << 30
# What a connection may take before it is cut: what the proxy reads of it, what it drops while its answer is on the
# way (4 MiB), and the kernel's buffers on both sides.
MOST_TAKEN = 24 << 20
MOST_GROWTH = 2 << 20
CLIENTS = 8

HEAD = b"GET /a/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST /a/hold/before HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
FLOODS = {
    "header lines": (HEAD, b"X-Flood: " + b"f" * 1013 + b"\r\n", b"431"),
    "short header lines": (HEAD, b"a:b\r\n" * 200, b"431"),
    "one header line": (HEAD + b"X-Flood: ", b"f" * 1024, b"431"),
    "a header name": (HEAD, b"f" * 1024, b"431"),
    "the request line": (b"GET /", b"f" * 1024, b"414"),
    "a method": (b"", b"F" * 1024, b"4"),
    "empty lines": (b"", b"\r\n" * 512, b"4"),
    "a chunk extension": (POST + b"1;flood=", b"f" * 1024, b"400"),
    "many chunk extensions": (POST + b"1", b";f=" + b"f" * 253, b"400"),
    "a chunk size": (POST, b"0" * 1024, b"400"),
    "extensions of tiny chunks": (POST, b"1;ext=" + b"f" * 200 + b"\r\nx\r\n", b"400"),
    "trailers": (POST + b"0\r\n", b"X-Flood: " + b"f" * 1013 + b"\r\n", b"4"),
}


def flood(port, number, begin, unit):
    """(bytes taken, the answer's beginning)"""
    block = unit * (1 + (1 << 16) // len(unit))
    sent, answer = 0, b""
    with connect(port, number) as client:
        try:
            client.sendall(begin)
            while sent < GIB:
                client.sendall(block)
                sent += len(block)
        except OSError:
            pass
        try:
            while got := client.recv(65536):
                answer += got
        except OSError:
            pass
    return sent, answer


def floods():
    most, growth = 0, 0
    with PlainServer() as server, BareProxy({"/a/": f"127.0.0.1:{server.port}"}) as proxy:
        for _ in range(3):
            ask(proxy.port)
        user = GoodUser(proxy.port, 0.02)
        user.start()
        for name, (begin, unit, status) in FLOODS.items():
            before, began = proxy.rss(), time.monotonic()
            for number in range(CLIENTS):
                sent, answer = flood(proxy.port, number, begin, unit)
                assert sent < MOST_TAKEN, f"{name}: {sent >> 20} MiB were taken"
                assert answer[9:9 + len(status)] == status or not answer, (name, answer[:100])
                most = max(most, sent)
            growth = max(growth, proxy.rss() - before)
            assert SANITIZED or growth < MOST_GROWTH, f"{name}: {growth >> 10} KiB more"
            assert time.monotonic() - began < 60, name
        user.finish()
        eventually("all are gone", lambda: proxy.counters()["connections"] == 0)
    return f"{len(FLOODS)} floods, at most {most >> 10} KiB were taken, at most {growth >> 10} KiB more memory"


run_all([floods])
