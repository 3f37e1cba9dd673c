"""Every case of cases.py to a real WebSocket server, once directly and once through the proxy: what comes back is the
same, byte for byte. usage: suite_test.py tornado|ws [a part of the cases' names]"""

import concurrent.futures
import os
import re
import subprocess
import sys
import time
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../drivers"))
from bare_proxy import BareProxy, eventually  # noqa: E402
from cases import ECHOES, all_cases  # noqa: E402
from websocket_frames import Raw, handshake, parse_frames  # noqa: E402

SERVERS = {"tornado": ["/usr/bin/python3", os.path.join(HERE, "tornado_server.py")],
           "ws": ["node", os.path.join(HERE, "ws_server.mjs")]}


def head_fields(head):
    """The handshake's answer as it counts: who sent it and when does not."""
    lines = head.decode().split("\r\n")
    fields = [line.split(":", 1) for line in lines[1:] if line]
    return lines[0], sorted((name.lower(), value.strip()) for name, value in fields
                            if name.lower() not in ("date", "server", "via"))


def play(port, case):
    def expected(received):
        return case.echoes is None or sum(fin and code < 8 for fin, _, code, _ in parse_frames(received)) >= len(case.echoes)
    with Raw(port, limit=15) as client:
        client.send(handshake("/ws", case.fields))
        head = client.read_until(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):  # the server does not like it: then the same words in both runs
            size = int(re.search(rb"\r\ncontent-length: (\d+)", head, re.I).group(1))
            return head.split(b"\r\n")[0], client.read_exactly(size), "refused"
        pieces = [expected if piece is ECHOES else piece for piece in case.pieces]
        received, end = client.exchange(pieces, case.half_close)
        return head_fields(head), received, end


def echoed(data):
    """The messages that a server sent, inflated where they were compressed."""
    out, opcode, parts, squeezed, stream = [], None, [], False, zlib.decompressobj(-15)
    for fin, rsv, code, payload in parse_frames(data):
        if code >= 8:
            continue
        if code != 0:
            opcode, parts, squeezed = code, [], bool(rsv & 4)
        parts.append(payload)
        if fin:
            whole = b"".join(parts)
            out.append((opcode, stream.decompress(whole + b"\0\0\xff\xff") if squeezed else whole))
    return out


def trouble(ports, case):
    """What is wrong with a case; empty if nothing is."""
    direct, proxied = (play(port, case) for port in ports)
    if direct[2] == "silence":
        return "the server itself did not end it"
    if proxied[2] == "silence":
        return f"no end through the proxy: {proxied[1][:60]!r} against {direct[1][:60]!r}, {direct[2]}"
    if direct[0] != proxied[0]:
        return f"the handshake: {proxied[0]} against {direct[0]}"
    if direct[1] != proxied[1]:
        return f"{len(proxied[1])} bytes {proxied[1][:60]!r} against {len(direct[1])} bytes {direct[1][:60]!r}"
    # Who gives up on a client does it before or after that client's last bytes: an end or a RST, as it happens.
    if direct[2] != proxied[2] and case.echoes is not None:
        return f"its end: {proxied[2]} against {direct[2]}"
    if case.echoes is not None and "no server takeover" not in case.name and "no takeover" not in case.name:
        if echoed(proxied[1]) != case.echoes:
            return f"no echo: {proxied[1][:60]!r}"
    return ""


def judged(ports, case, wrong):
    """Whether a case is well; tells what is not. After ten of them nobody needs the others."""
    if len(wrong) >= 10:
        return False
    what = trouble(ports, case)
    if what:
        wrong.append(case.name)
        print(f"{case.name}: {what}", flush=True)
    return not what


def main(kind, part=""):
    cases = [case for case in all_cases() if part in case.name and case.not_for != kind]
    assert len({case.name for case in cases}) == len(cases), "two cases of one name"
    server = subprocess.Popen(SERVERS[kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    began, wrong = time.monotonic(), []
    try:
        port = int(server.stdout.readline())
        with BareProxy({"/": f"127.0.0.1:{port}"}) as proxy, concurrent.futures.ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda case: judged((port, proxy.port), case, wrong), cases))
            opened = proxy.counters()["tunnels_opened"]
            if not wrong:
                eventually("no tunnel is left", lambda: proxy.counters()["tunnels"] == 0)
    finally:
        server.stdin.close()
        server.wait(10)
    print(f"{kind}: {found.count(True)} of {len(cases)} cases the same ({time.monotonic() - began:.1f} s)")
    if wrong:
        return 1
    assert opened > len(cases) * 0.9, opened
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
