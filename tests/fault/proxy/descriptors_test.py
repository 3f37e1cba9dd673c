"""A proxy that may open 256 files: it does not spin, tells some that it is full, serves who is in, and recovers."""

import os
import resource
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../drivers"))
from bare_proxy import SANITIZED, BareProxy, eventually, run_all  # noqa: E402
from drill import GET, OK, PlainServer, ask, connect, read_until  # noqa: E402
from websocket_frames import handshake  # noqa: E402

FILES = 256


def few():
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))


def crowd(proxy, count):
    # UBSan reads memory through a pipe: what it first checks when no descriptor is left, it takes for a fault.
    proxy.counters()
    return [connect(proxy.port, number) for number in range(count)]


def idle_crowd():
    with PlainServer() as server, BareProxy({"/a/": f"127.0.0.1:{server.port}"}, preexec=few) as proxy:
        inside = connect(proxy.port)
        inside.sendall(GET)
        read_until(inside, OK)
        before = proxy.descriptors()
        clients = crowd(proxy, 600)
        eventually("it is full", lambda: proxy.counters()["turned_away"] > 0)
        began, cpu = time.monotonic(), proxy.cpu()
        inside.sendall(GET)  # who is in, on a connection to the server that stands
        read_until(inside, OK)
        time.sleep(2)
        cpu = (proxy.cpu() - cpu) / (time.monotonic() - began)
        assert SANITIZED or cpu < 0.10, f"{cpu * 100:.0f} % of a core while it is full"
        told = proxy.counters()["turned_away"]
        full = [client for client in clients if not_yet(client).startswith(b"HTTP/1.1 503 ")]
        assert full, "nobody was told"
        for client in clients:
            client.close()
        began = time.monotonic()
        eventually("it serves again", lambda: ask(proxy.port)[0].endswith(OK))
        took = time.monotonic() - began
        assert took < 3, took
        inside.close()
        eventually("all are gone", lambda: proxy.descriptors() <= before + 1)
    return f"{cpu * 100:.1f} % of a core while full, {told} turned away, served again after {took * 1000:.0f} ms"


def not_yet(client):
    """What has come so far, without waiting."""
    client.setblocking(False)
    try:
        return client.recv(65536)
    except OSError:
        return b""


def full_of_tunnels():
    """Each takes two: the last ones find no descriptor for the way to the server, and are told so."""
    with PlainServer() as server, BareProxy({"/a/": f"127.0.0.1:{server.port}"}, preexec=few) as proxy:
        before = proxy.descriptors()
        clients, statuses = [], []
        for client in crowd(proxy, 200):
            clients.append(client)
            client.sendall(handshake("/a/ws"))
        for client in clients:
            client.settimeout(2)
            try:
                statuses.append(client.recv(65536)[9:12])
            except OSError:
                statuses.append(b"")  # still in the kernel's queue
        tunnels = proxy.counters()["tunnels"]
        assert tunnels == statuses.count(b"101") > 30, (tunnels, statuses)
        assert set(statuses) <= {b"101", b"503", b""}, set(statuses)
        cpu, began = proxy.cpu(), time.monotonic()
        time.sleep(1)
        cpu = (proxy.cpu() - cpu) / (time.monotonic() - began)
        assert SANITIZED or cpu < 0.10, f"{cpu * 100:.0f} % of a core while it is full"
        alive = next(client for client, status in zip(clients, statuses) if status == b"101")
        alive.sendall(b"still")
        assert alive.recv(100) == b"still"
        for client in clients:
            client.close()
        eventually("all are gone", lambda: proxy.descriptors() <= before + 1)
        eventually("it serves again", lambda: ask(proxy.port)[0].endswith(OK))
    return f"{tunnels} tunnels, then {statuses.count(b'503')} x 503, {statuses.count(b'')} not heard"


run_all([idle_crowd, full_of_tunnels])
