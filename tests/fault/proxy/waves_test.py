"""WebSockets that open and close in waves, some in order, some by RST, some half-closed: after them the proxy is as
it was before, in memory, descriptors and counts."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../drivers"))
from bare_proxy import SANITIZED, BareProxy, eventually, run_all  # noqa: E402
from drill import LONG, PlainServer, ask, connect, raise_descriptors  # noqa: E402
from websocket_frames import Raw, handshake  # noqa: E402

# Each takes a descriptor here, two in the proxy and one in the server.
WAVE = min(5000 if LONG else 1250, raise_descriptors() // 4)
WAVES = 20 if LONG else 4
HANDSHAKE = handshake("/a/ws")


def wave(proxy, first):
    clients = []
    for number in range(WAVE):
        clients.append(connect(proxy.port, first + number))
        clients[-1].sendall(HANDSHAKE)
    for client in clients:
        assert client.recv(65536).startswith(b"HTTP/1.1 101 ")
    eventually("all are open", lambda: proxy.counters()["tunnels"] == WAVE)
    peak = proxy.rss()
    for number, client in enumerate(clients):
        client.sendall(b"m" * (1 + number % 2000))
    for number, client in enumerate(clients):
        left = 1 + number % 2000
        while left:
            left -= len(client.recv(left))
    for number, client in enumerate(clients):
        if number % 3 == 0:
            client.shutdown(1)
        elif number % 3 == 1:
            Raw.reset(type("Client", (), {"socket": client}))
    for client in clients:
        client.close()
    eventually("all are closed", lambda: proxy.counters()["tunnels"] == 0, 30)
    return peak


def waves():
    with PlainServer() as server, BareProxy({"/a/": f"127.0.0.1:{server.port}"}, max_connections=19_000) as proxy:
        for _ in range(20):
            ask(proxy.port)
        eventually("nobody is left", lambda: proxy.counters()["connections"] == 0)
        descriptors, start, began = proxy.descriptors(), proxy.rss(), time.monotonic()
        for number in range(WAVES):
            peak = wave(proxy, number * WAVE)
        took = time.monotonic() - began
        eventually("nobody is left", lambda: proxy.counters()["connections"] == 0)
        eventually("the descriptors are back", lambda: proxy.descriptors() <= descriptors + 1)
        most = start + (1 << 20)  # what malloc cannot give back of the pages that hold something
        end = eventually(f"memory is back at {start} from {peak}",
                         lambda: SANITIZED or proxy.rss() < most and proxy.rss())
        counters = proxy.counters()
        assert counters["tunnels_opened"] == WAVES * WAVE, counters
    return (f"{WAVES * WAVE} WebSockets in {took:.0f} s; KiB at the start {start >> 10}, with {WAVE} open {peak >> 10} "
            f""
            f"({(peak - start) / WAVE / 1024:.2f} each), at the end {end >> 10}")


run_all([waves])
