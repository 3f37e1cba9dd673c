"""Thousands of clients that drip their heads: people beside them do not notice, the proxy gives them up when their
time is over, and its memory comes back."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../drivers"))
from bare_proxy import SANITIZED, BareProxy, eventually, run_all  # noqa: E402
from drill import LONG, GoodUser, PlainServer, connect, raise_descriptors  # noqa: E402

# They need a descriptor each, and one in the proxy.
CLIENTS = min(10_000 if LONG else 3_000, raise_descriptors() - 1_000)
SECONDS = 20 if LONG else 3
MOST = 0.050


def drip(clients, seconds):
    """Each sends another byte every few seconds."""
    until, number = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        for client in clients[number:number + 100]:
            client.send(b"X")
        number = (number + 100) % len(clients)
        time.sleep(0.02)


def dripped_heads():
    with PlainServer() as server, BareProxy({"/a/": f"127.0.0.1:{server.port}"}, header_timeout=600,
                                            max_connections=19_000) as proxy:
        user = GoodUser(proxy.port)
        user.start()
        time.sleep(SECONDS)
        alone = user.finish().worst(0.99)
        clients = []
        for number in range(CLIENTS):
            clients.append(connect(proxy.port, number))
            clients[-1].sendall(b"GET /a/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Drip: ")
        eventually("all are in", lambda: proxy.counters()["connections"] >= CLIENTS)
        per_client = proxy.rss() / CLIENTS
        user, cpu = GoodUser(proxy.port), proxy.cpu()
        user.start()
        drip(clients, SECONDS)
        beside, cpu = user.finish().worst(0.99), proxy.cpu() - cpu
        for client in clients:
            client.close()
        eventually("all are gone", lambda: proxy.counters()["connections"] == 0)
        # A machine that others use is slow without any of this.
        assert SANITIZED or beside < max(MOST, 3 * alone), f"p99 {beside * 1000:.1f} ms, alone {alone * 1000:.1f} ms"
    return (f"{CLIENTS} clients, p99 of a good user {beside * 1000:.1f} ms (alone {alone * 1000:.1f} ms), "
            f"{per_client / 1024:.1f} KiB each, {cpu / SECONDS * 100:.0f} % of a core")


def given_up():
    with PlainServer() as server, BareProxy({"/a/": f"127.0.0.1:{server.port}"}, header_timeout=2,
                                            max_connections=19_000) as proxy:
        before = proxy.descriptors()
        clients = []
        for number in range(1000):
            clients.append(connect(proxy.port, number))
            clients[-1].sendall(b"GET /a/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Drip: ")
        began = time.monotonic()
        for client in clients:
            assert client.recv(65536).startswith(b"HTTP/1.1 408 ")
        took = time.monotonic() - began
        assert took < 6, took
        for client in clients:
            client.close()
        eventually("all are gone", lambda: proxy.descriptors() <= before + 1)
    return f"1000 clients were told 408 after {took:.1f} s"


run_all([dripped_heads, given_up])
