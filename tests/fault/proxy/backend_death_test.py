"""The server is killed at every stage of an answer: whoever waited for its head gets a page, whoever has a part of an
answer sees that it is none, at once; nothing is left, and the next server on that port is used."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../drivers"))
from bare_proxy import BareProxy, eventually, run_all  # noqa: E402
from drill import LONG, PlainServer, ask, connect, read_to_end  # noqa: E402
from websocket_frames import handshake  # noqa: E402

ROUNDS = 20 if LONG else 2
CLIENTS = 20
# What a client may have seen when the server died: a whole answer of ours, or a part that ends in a RST.
STAGES = {"before": b"502", "head": b"502", "after-head": b"200", "body": b"200", "chunk": b"200", "between-chunks": b"200"}


def die_at(proxy, server, stage, request):
    clients = [connect(proxy.port, number) for number in range(CLIENTS)]
    for client in clients:
        client.sendall(request)
    server.held(CLIENTS)
    if STAGES.get(stage) == b"200":  # what was sent has arrived
        for client in clients:
            client.settimeout(10)
            assert client.recv(1, 2) == b"H", "MSG_PEEK"
    began = time.monotonic()
    server.kill()
    for client in clients:
        data, reset = read_to_end(client)
        expected = STAGES.get(stage, b"502")
        assert data[9:12] == expected, (stage, data[:100])
        assert reset == (expected == b"200"), (stage, data[-100:], reset)
        # One of them came on a pooled connection and is asked again, of nobody.
        assert expected == b"200" or data.endswith((b"upstream-closed", b"upstream-unreachable")), (stage, data)
        client.close()
    took = time.monotonic() - began
    assert took < 3, f"{stage}: {took} s"
    server.start()
    return took


def every_stage():
    slowest = 0.0
    with PlainServer() as server, BareProxy({"/a/": f"127.0.0.1:{server.port}"}) as proxy:
        ask(proxy.port)
        eventually("nobody is left", lambda: proxy.counters()["connections"] == 0)
        before = proxy.descriptors()
        for _ in range(ROUNDS):
            for stage in STAGES:
                request = b"GET /a/hold/%b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" % stage.encode()
                slowest = max(slowest, die_at(proxy, server, stage, request))
            upload = b"POST /a/hold/upload HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 90000\r\n\r\n" + b"u" * 50000
            slowest = max(slowest, die_at(proxy, server, "upload", upload))
            data, _ = ask(proxy.port)
            assert data.endswith(b"\r\n\r\nok"), data
        eventually("nobody is left", lambda: proxy.counters()["connections"] == 0)
        eventually("the descriptors are back", lambda: proxy.descriptors() <= before + 1)
    return f"{ROUNDS * 7 * CLIENTS} clients, the slowest stage was over after {slowest * 1000:.0f} ms"


def tunnels():
    with PlainServer() as server, BareProxy({"/a/": f"127.0.0.1:{server.port}"}) as proxy:
        before = proxy.descriptors()
        clients = [connect(proxy.port, number) for number in range(100)]
        for client in clients:
            client.sendall(handshake("/a/ws"))
            assert client.recv(65536).startswith(b"HTTP/1.1 101 ")
        eventually("all are tunnels", lambda: proxy.counters()["tunnels"] == 100)
        server.kill()
        for client in clients:
            read_to_end(client)
            client.close()
        eventually("no tunnel is left", lambda: proxy.counters()["tunnels"] == 0)
        eventually("the descriptors are back", lambda: proxy.descriptors() <= before + 1)


run_all([every_stage, tunnels])
