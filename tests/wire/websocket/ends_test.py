"""How long tunnels live and what they hold: cut within a second of a sign-out or a removed route, whether they rest or
flood; kept by a byte now and then and ended by silence; messages of 10 MiB in little memory."""

import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../drivers"))
from bare_proxy import SANITIZED, BareProxy, eventually, run_all  # noqa: E402
from drill import PlainServer, ask, connect, raise_descriptors, read_until  # noqa: E402
from websocket_frames import handshake  # noqa: E402

MOST = 5.0 if SANITIZED else 1.0  # seconds


def tunnel(proxy, number=0):
    client = connect(proxy.port, number)
    client.sendall(handshake("/a/ws"))
    read_until(client, b"\r\n\r\n")
    return client


def seconds_to_end(client):
    began = time.monotonic()
    try:
        while client.recv(1 << 18):
            pass
    except ConnectionResetError:
        return time.monotonic() - began, True
    return time.monotonic() - began, False


def flood(client, over):
    try:
        while not over.is_set():
            client.sendall(b"f" * 65536)
    except OSError:
        pass


def cut_by(command):
    with PlainServer() as server, BareProxy({"/a/": f"127.0.0.1:{server.port}"}) as proxy:
        resting = [tunnel(proxy, number) for number in range(100)]
        streaming = connect(proxy.port)
        streaming.sendall(b"GET /a/hold/chunk HTTP/1.1\r\nHost: h\r\n\r\n")
        read_until(streaming, b"only this\r\n")
        over, flooding = threading.Event(), tunnel(proxy)
        sender = threading.Thread(target=flood, args=(flooding, over))
        sender.start()
        flooding.recv(1 << 20)
        began = time.monotonic()
        assert proxy.command(command) == "done"
        for client in [*resting, streaming, flooding]:
            _, reset = seconds_to_end(client)
            # (Of the flooding one the RST may have been told to its sender.)
            assert reset or client is flooding, "it must not look like an orderly end"
            client.close()
        took = time.monotonic() - began
        over.set()
        sender.join(10)
        eventually("none is left", lambda: proxy.counters()["tunnels"] == 0)
        assert took < MOST, f"cut after {took:.2f} s"
    return f"102 were cut after {took * 1000:.0f} ms"


def cut_by_sign_out():
    return cut_by("sign-out")


def cut_by_a_removed_route():
    return cut_by("remove /a/")


def silence_ends_and_a_byte_keeps():
    with PlainServer() as server, BareProxy({"/a/": f"127.0.0.1:{server.port}"}, tunnel_timeout=2, idle_timeout=1,
                                            body_timeout=1, response_timeout=1) as proxy:
        silent, kept = tunnel(proxy), tunnel(proxy)
        ended = []
        watcher = threading.Thread(target=lambda: ended.append(seconds_to_end(silent)))
        watcher.start()
        until = time.monotonic() + 4.5
        while time.monotonic() < until:
            kept.sendall(b"\x8a\x80\1\2\3\4")  # a pong is no work, but somebody is there
            assert read_until(kept, b"\4")
            time.sleep(0.4)
        watcher.join(5)
        assert ended and 1.5 < ended[0][0] < (3.5 if not SANITIZED else 10) and ended[0][1], ended
        kept.sendall(b"still")
        read_until(kept, b"still")
        kept.close()
    return f"the silent one ended after {ended[0][0]:.1f} s of 2"


def large_messages_in_little_memory():
    with PlainServer() as server, BareProxy({"/a/": f"127.0.0.1:{server.port}"}) as proxy:
        ask(proxy.port)
        before, peak = proxy.rss(), 0
        clients = [tunnel(proxy, number) for number in range(8)]
        message = os.urandom(1 << 20) * 10
        senders = [threading.Thread(target=client.sendall, args=(message,)) for client in clients]
        for sender in senders:
            sender.start()
        received = [bytearray() for _ in clients]
        while any(len(data) < len(message) for data in received):
            for client, data in zip(clients, received):
                if len(data) < len(message):
                    data += client.recv(1 << 16)
            peak = max(peak, proxy.rss())
        for sender in senders:
            sender.join(10)
        assert all(data == message for data in received), "it came back otherwise"
        # A read's worth for each direction of each.
        assert SANITIZED or peak - before < 16 * (256 << 10), f"{peak - before} bytes more"
        for client in clients:
            client.close()
    return f"8 x 10 MiB there and back in {(peak - before) >> 10} KiB more"


raise_descriptors()
run_all([cut_by_sign_out, cut_by_a_removed_route, silence_ends_and_a_byte_keeps, large_messages_in_little_memory])
