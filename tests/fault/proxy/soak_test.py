"""Everything at once for a while: people who read pages and upload, WebSockets that come and go in every manner, broken
requests, servers that are killed. Nothing may grow: memory, descriptors, tunnels. usage: soak_test.py [SECONDS] [--calm]
--calm: people think between visits, so that hours of it leave the machine to others."""

import os
import random
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../drivers"))
from bare_proxy import SANITIZED, BareProxy, eventually, run_all  # noqa: E402
from drill import GET, OK, PlainServer, connect, raise_descriptors, read_until  # noqa: E402
from websocket_frames import handshake  # noqa: E402

SECONDS = float(next((argument for argument in sys.argv[1:] if not argument.startswith("-")), 20))
WORKERS = 6
THINK = 0.1 if "--calm" in sys.argv else 0  # seconds, at most


def browse(client, dice):
    for _ in range(dice.randrange(1, 20)):
        client.sendall(GET)
        read_until(client, OK)


def upload(client, dice):
    size = dice.choice([1, 1000, 100_000, 1_000_000])
    client.sendall(b"POST /a/ HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size + b"u" * size)
    read_until(client, OK)


def chunks(client, dice):
    client.sendall(b"POST /a/hold/upload HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(dice.randrange(50)):
        client.sendall(b"%x\r\n" % 700 + b"c" * 700 + b"\r\n")


def tunnel(client, dice):
    client.sendall(handshake("/a/ws"))
    read_until(client, b"\r\n\r\n")
    for _ in range(dice.randrange(30)):
        message = b"m" * dice.choice([1, 100, 5000, 60_000])
        client.sendall(message)
        left = len(message)
        while left:
            got = client.recv(left)
            if not got:
                raise ConnectionResetError
            left -= len(got)


def half_close(client, dice):
    tunnel(client, dice)
    client.shutdown(1)
    while client.recv(65536):
        pass


def leave_unread(client, dice):
    client.sendall(handshake("/a/ws"))
    client.sendall(b"n" * dice.randrange(200_000))


def nonsense(client, dice):
    client.sendall(dice.choice([b"GET  / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                                b"POST /a/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]))
    client.recv(65536)


def half_a_head(client, dice):
    client.sendall(GET[:dice.randrange(1, len(GET))])


def stuck(client, dice):
    client.sendall(b"GET /a/hold/%b HTTP/1.1\r\nHost: h\r\n\r\n" % dice.choice([b"before", b"head", b"body", b"chunk"]))


WAYS = [browse, browse, browse, upload, chunks, tunnel, tunnel, half_close, leave_unread, nonsense, half_a_head, stuck]


def worker(port, seed, over, done, hung):
    dice = random.Random(seed)
    while not over.is_set():
        way = dice.choice(WAYS)
        try:
            with connect(port, dice.randrange(2000)) as client:
                way(client, dice)
                # Who waits for a server that does not answer leaves by a RST: after a FIN alone somebody may still read, and
                # only TCP's keepalive knows better, a minute later (vanishing_test.py).
                if way in (stuck, chunks) or dice.random() < 0.3:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            done.append(way)
        except TimeoutError:
            hung.append(way.__name__)
        except (OSError, AssertionError):
            done.append(None)  # the server was killed under it
        over.wait(dice.uniform(0, THINK))
        if len(done) > 100_000:
            del done[:50_000]


def rounds(proxy, server):
    """Figures at the end of each tenth of the time, when nobody is in."""
    seen = []
    for number in range(10):
        done, hung, over = [], [], threading.Event()
        workers = [threading.Thread(target=worker, args=(proxy.port, number * 100 + seed, over, done, hung)) for seed in range(WORKERS)]
        reader = threading.Thread(target=swallow, args=(server.process,))
        for thread in [*workers, reader]:
            thread.start()
        time.sleep(SECONDS / 20)
        if number % 2:
            server.kill()
            server.start()
            reader = threading.Thread(target=swallow, args=(server.process,))
            reader.start()
        time.sleep(SECONDS / 20)
        over.set()
        for thread in workers:
            thread.join(60)
            assert not thread.is_alive() and not hung, f"somebody hangs: {hung}"
        eventually("nobody is left", lambda: proxy.counters()["connections"] == 0, 30)
        assert proxy.counters()["tunnels"] == 0
        assert number % 2 or done.count(None) == 0, f"{done.count(None)} failed though no server was killed"
        time.sleep(1 if SECONDS < 60 else 5)
        seen.append((proxy.rss() >> 10, proxy.descriptors()))
    return seen


def swallow(process):
    """The server tells whenever it has stopped somewhere: nobody needs it here."""
    try:
        for _ in process.stdout:
            pass
    except ValueError:
        pass


def soak():
    raise_descriptors()
    with PlainServer() as server, BareProxy({"/a/": f"127.0.0.1:{server.port}"}, header_timeout=5) as proxy:
        seen = rounds(proxy, server)
        counters = proxy.counters()
    memory, files = [row[0] for row in seen], [row[1] for row in seen]
    tail = max(memory[6:])
    assert SANITIZED or tail < max(memory[1:4]) * 1.1 + 512, f"KiB after each tenth: {memory}"
    # Pooled connections stay open, at most one a worker, and a pipe or two.
    assert max(files) <= min(files) + WORKERS + 4, f"descriptors after each tenth: {files}"
    return (f"{counters['accepted']} connections, {counters['requests']} requests, {counters['tunnels_opened']} WebSockets, "
            f"KiB {memory}, descriptors {files}")


run_all([soak])
