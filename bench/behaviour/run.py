#!/usr/bin/env python3
"""Sends each probe through passerelle, nginx, HAProxy, Caddy and configurable-http-proxy to a server that records what
arrives, and prints what each of them made of it, as the table of docs/http-behaviour.md. Five minutes.

  run.py [--peers passerelle,nginx,...] [--only 34,35] [--write docs/http-behaviour.md]

A cell: the status that the client got; behind an arrow what reached the server (for responses, what reached the client)."""

import argparse
import re
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

from evidence import TESTS, WITHOUT_PROBE
from probes import BODY, OK, PROBES
from proxies import all_peers

ROOT = Path(__file__).resolve().parents[2]
QUIET, PATIENCE = 0.4, 3.0
BEGIN, END = "<!-- table: bench/behaviour/run.py -->\n", "<!-- end of the table -->\n"


class Server:
    """Answers as the current probe says and keeps every byte that it was sent."""

    def __init__(self):
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listening.getsockname()[1]
        self.probe, self.heard = None, []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        data, probe = b"", self.probe
        connection.settimeout(30)
        with connection:
            try:
                while True:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    if not data:
                        probe = self.probe
                    if probe is self.probe:
                        self.heard.append(piece)
                    data += piece
                    while (used := self.whole(data, probe)):
                        data = data[used:]
                        if not self.say(connection, probe):
                            return
            except OSError:
                pass

    @staticmethod
    def whole(data, probe):
        """Bytes of the first request, leniently, or 0."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return 0
        head, end = data[:end].lower(), end + 4
        if probe.early:
            return len(data)
        if b"\r\ntransfer-encoding:" in head:
            last = re.search(rb"(?:\A|\r\n)0+(?:;[^\r]*)?\r\n(?:[^\r\n]+\r\n)*\r\n", data[end:])
            return end + last.end() if last else 0
        length = re.search(rb"\r\ncontent-length: *(\d+)", head)
        total = end + (int(length.group(1)) if length else 0)
        return total if len(data) >= total else 0

    def say(self, connection, probe):
        answer = probe.answer.replace(b"{port}", str(self.port).encode())
        if probe.pause_before:
            at = answer.find(probe.pause_before)
            first, later = (answer, probe.pause_before) if at < 0 else (answer[:at], answer[at:])
            connection.sendall(first)
            time.sleep(0.6)
            connection.sendall(later)
        else:
            connection.sendall(answer)
        return not probe.closes


def ask(port, probe):
    """(all that came, how it ended, when the first bytes of the body came)"""
    data, times, began = b"", [], time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(PATIENCE)
        sender = threading.Thread(target=push, args=(client, probe), daemon=True)
        sender.start()
        try:
            while True:
                piece = client.recv(65536)
                if not piece:
                    return data, "closed", times
                data += piece
                times.append((len(data), time.monotonic() - began))
                client.settimeout(QUIET if not probe.pause_before else 1.2)
        except socket.timeout:
            return data, "open", times
        except OSError:
            return data, "reset", times


def push(client, probe):
    try:
        client.sendall(probe.send)
        if probe.half_close:
            client.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def statuses(data):
    return re.findall(rb"HTTP/1\.[01] (\d{3,5})[^\r\n]*\r\n(?=[^\r\n]*:|\r\n)", data)


def shown(probe, data, times):
    """What `show` finds, for a cell."""
    pattern = probe.show.lstrip("@")
    match = re.search(pattern, data.decode("latin-1"))
    if not match:
        return None
    if probe.show.startswith("@"):
        came = next(t for size, t in times if size >= match.end())
        return "at once" if came < 0.5 else "late"
    text = match.group(1) if match.groups() and match.group(1) is not None and "(.*)" in pattern or "(.+)" in pattern else match.group(0)
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:port", text)
    text = re.sub(r"(passerelle-)[0-9a-f]{8}", r"\1…", text)
    text = text.replace("\r", "\\r").replace("\n", "\\n").replace("\0", "\\0")
    text = "".join(c if " " <= c <= "~" or c == "…" else f"\\x{ord(c):02x}" for c in text)
    return text if len(text) <= 70 else text[:60] + "…"


def cell(probe, port, server):
    server.probe, server.heard = probe, []
    data, end, times = ask(port, probe)
    time.sleep(0.05)
    heard = b"".join(server.heard)
    finals = [s.decode() for s in statuses(data) if not s.startswith(b"1") or s == b"101"]
    word = " ".join(finals) or ("no answer" if end == "open" else end)
    if any(s == b"100" for s in statuses(data)):
        word = "100, " + word
    if probe.at == "client":
        found = shown(probe, data, times) if finals and finals[0] in ("200", "206", "302") else None
        word += f" → `{escape(found)}`" if found else " → without" if finals and finals[0] == "200" else ""
        if probe.number == 60:
            word += f", {end}"
        return word
    if not heard or probe.answer is not OK:
        return word
    found = shown(probe, heard, times) if probe.show else None
    if found:
        return f"{word} → `{escape(found)}`"
    return f"{word} → {'head only' if probe.show == BODY else 'without' if probe.show else 'passed on'}"


def escape(text):
    return text.replace("|", "\\|").replace("`", "'")


def rows(peers, server, only):
    numbers = sorted({probe.number for probe in PROBES} | set(WITHOUT_PROBE))
    for number in numbers:
        if only and number not in only:
            continue
        first = True
        for probe in [probe for probe in PROBES if probe.number == number]:
            cells = [cell(probe, peer.port, server) for peer in peers]
            print(number, probe.what, cells, file=sys.stderr, flush=True)
            yield [str(number), probe.what, *cells, names(number) if first else ""]
            first = False
        if number in WITHOUT_PROBE:
            what, ours = WITHOUT_PROBE[number]
            yield [str(number), what, ours, *[""] * (len(peers) - 1), names(number)]


def names(number):
    return " ".join(f"`{name}`" for name in TESTS[number])


def disagreements(lines):
    """How many probes the other four do not all treat alike."""
    return sum(len({cell.casefold() for cell in line[3:7]}) > 1 for line in lines if line[3])


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--peers", default="passerelle,nginx,HAProxy,Caddy,CHP")
    options.add_argument("--only", default="")
    options.add_argument("--write")
    given = options.parse_args()
    only = {int(number) for number in given.only.split(",") if number}
    server = Server()
    with tempfile.TemporaryDirectory(prefix="passerelle-behaviour-") as folder:
        wanted = given.peers.split(",")
        peers = [peer for peer in all_peers(folder, server.port, ROOT / "build/release/tests/bare_proxy", ROOT / "build/bench")
                 if peer.name in wanted]
        try:
            server.probe = PROBES[3]
            for peer in peers:
                peer.start()
            lines = [["", "probe", *[peer.name for peer in peers], "our test"], ["---"] * (len(peers) + 3), *rows(peers, server, only)]
        finally:
            for peer in peers:
                peer.stop()
    print(f"{len(PROBES)} probes; the others disagree on {disagreements(lines[2:])}", file=sys.stderr)
    table = "".join("| " + " | ".join(line) + " |\n" for line in lines)
    if not given.write:
        return print(table)
    page = Path(given.write)
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(before + BEGIN + table + END + rest.partition(END)[2])


main()
