"""Clients that are suddenly not there any more. Short: by FIN and RST in every state. --long (three minutes, root): by a
cable that is pulled, in a network of its own, and by a FIN while the server is still thinking."""

import ctypes
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../drivers"))
from bare_proxy import BareProxy, eventually, run_all  # noqa: E402
from drill import GET, LONG, PlainServer, connect  # noqa: E402
from websocket_frames import Raw, handshake  # noqa: E402

NEWNET = 0x40000000
STATES = {"nothing said": b"", "half a head": GET[:20], "a request that is held": b"GET /a/hold/before HTTP/1.1\r\nHost: h\r\n\r\n",
          "half an answer": b"GET /a/hold/body HTTP/1.1\r\nHost: h\r\n\r\n",
          "half a body": b"POST /a/ HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf", "a tunnel": handshake("/a/ws")}
FORWARDED = {"a request that is held": 1, "half an answer": 1, "half a body": 1, "a tunnel": 1}


def vanish(proxy, clients, end):
    for client in clients:
        end(client)
    return eventually("nobody is left", lambda: proxy.counters()["connections"] == 0 and time.monotonic(), 150)


def enter(proxy, state, count):
    before = proxy.counters()
    clients = [connect(proxy.port, number) for number in range(count)]
    for client in clients:
        client.sendall(STATES[state])
    wanted = count * FORWARDED.get(state, 0)
    eventually(f"all are there: {state}", lambda: proxy.counters()["connections"] == count and
               proxy.counters()["forwarded"] - before["forwarded"] == wanted)
    return clients


def by_rst():
    return everywhere(lambda client: Raw.reset(type("Client", (), {"socket": client})), STATES)


def by_fin():
    # Who said its last word may still wait for the answer: that one is for the long form.
    return everywhere(lambda client: client.close(), [state for state in STATES if state != "a request that is held" or LONG])


def everywhere(end, states):
    slowest = 0.0
    with PlainServer() as server, BareProxy({"/a/": f"127.0.0.1:{server.port}"}) as proxy:
        before = proxy.descriptors()
        for state in states:
            clients = enter(proxy, state, 30)
            began = time.monotonic()
            slowest = max(slowest, vanish(proxy, clients, end) - began)
        eventually("the descriptors are back", lambda: proxy.descriptors() <= before + 1)
    return f"the last was gone after {slowest:.1f} s"


def by_a_pulled_cable():
    """The client's half lives in a network behind a pair of interfaces; the pair goes down, and no word of it comes."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEWNET) != 0:
        return "left out: no right to make a network"
    run = lambda *words: subprocess.run(words, check=True)  # noqa: E731
    run("ip", "link", "set", "lo", "up")
    other = subprocess.Popen(["unshare", "-n", "sleep", "400"])
    try:
        eventually("the other network is there",
                   lambda: os.readlink(f"/proc/{other.pid}/ns/net") != os.readlink("/proc/self/ns/net"))
        inside = ["nsenter", "-n", "-t", str(other.pid)]
        run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(other.pid))
        run("ip", "addr", "add", "10.11.12.1/24", "dev", "near")
        run("ip", "link", "set", "near", "up")
        run(*inside, "ip", "addr", "add", "10.11.12.2/24", "dev", "far")
        run(*inside, "ip", "link", "set", "far", "up")
        return pulled(inside, lambda: run("ip", "link", "set", "near", "down"))
    finally:
        other.kill()
        other.wait()


def pulled(inside, pull):
    with PlainServer() as server, BareProxy({"/a/": f"127.0.0.1:{server.port}"}, address="10.11.12.1") as proxy:
        client = subprocess.Popen(inside + ["/usr/bin/python3", "-c", CLIENTS, str(proxy.port)], stdout=subprocess.PIPE, text=True)
        try:
            assert client.stdout.readline() == "in\n"
            assert proxy.counters()["connections"] == 40 and proxy.counters()["tunnels"] == 20
            pull()
            began = time.monotonic()
            gone = eventually("nobody is left", lambda: proxy.counters()["connections"] == 0 and time.monotonic(), 170, 0.2)
        finally:
            client.kill()
            client.wait()
            client.stdout.close()
    return f"20 tunnels and 20 idle connections were gone {gone - began:.0f} s after the cable"


CLIENTS = """
import socket, sys, time
clients = []
for number in range(40):
    client = socket.create_connection(("10.11.12.1", int(sys.argv[1])))
    if number % 2:
        client.sendall(b"GET /a/ws HTTP/1.1\\r\\nHost: h\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n"
                       b"Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n")
    else:
        client.sendall(b"GET /a/ HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n")
    client.recv(1000)
    clients.append(client)
print("in", flush=True)
time.sleep(400)
"""


run_all([by_rst, by_fin] + ([by_a_pulled_cable] if LONG else []))
