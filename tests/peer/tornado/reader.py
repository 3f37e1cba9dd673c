"""A tornado server (what every Jupyter server is) that writes down how it read each request, beside what the strict
reader makes of the very bytes that came. One JSON line for each request on the file given; the port goes to standard
output; it ends with its standard input.

A line: [client, method, target, fields, body, complaint]; complaint is null when both readers agree."""

import asyncio
import json
import os
import sys

from tornado.http1connection import HTTP1ConnectionParameters
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPMessageDelegate, HTTPServerConnectionDelegate, ResponseStartLine, HTTPHeaders
from tornado.netutil import bind_sockets

sys.path.insert(0, "tests/drivers")
import oracle  # noqa: E402

ANSWER = HTTPHeaders({"Content-Length": "2"})
# Tornado takes these off the ends of values, because Python calls them blanks: \x85 and \xa0 are parts of UTF-8 letters.
BLANKS_OF_PYTHON = "\x85\xa0\x1c\x1d\x1e\x1f"


def by_name(fields):
    together = {}
    for name, value in fields:
        together.setdefault(name.lower(), []).append(value.strip(BLANKS_OF_PYTHON + " \t"))
    return together


class Reading(HTTPMessageDelegate):
    def __init__(self, connection, raw, write):
        self.connection, self.raw, self.write = connection, raw, write
        self.body = b""

    def headers_received(self, start_line, headers):
        self.line, self.headers = start_line, headers

    def data_received(self, chunk):
        self.body += chunk

    def finish(self):
        message, complaint = None, None
        try:
            message, used = oracle.read_request(bytes(self.raw))
            complaint = self.differs(message)
            del self.raw[:used]
        except oracle.Violation as violation:
            complaint = f"{violation} in {bytes(self.raw[:400])!r}"
        self.write(message, complaint)
        body = None if self.line.method == "HEAD" else b"ok"
        self.connection.write_headers(ResponseStartLine("HTTP/1.1", 200, "OK"), ANSWER, body)
        self.connection.finish()

    def differs(self, message):
        if message is None or not message.complete:
            return f"tornado saw an end that is none: {bytes(self.raw[-200:])!r}"
        strict = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.fields]
        for what, ours, theirs in (("method", message.method.decode(), self.line.method),
                                   ("target", message.target.decode("latin-1"), self.line.path),
                                   ("body", message.body, self.body),
                                   ("fields", by_name(strict), by_name(self.headers.get_all()))):
            if ours != theirs:
                return f"another {what}: {ours!r} and {theirs!r}"
        return None


class Server(HTTPServerConnectionDelegate):
    def __init__(self, out):
        self.out, self.raws = out, {}

    def write(self, message, complaint):
        client = message.value(b"x-forwarded-for").decode() if message else None
        fields = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in message.fields] if message else []
        line = [client, message and message.method.decode(), message and message.target.decode("latin-1"), fields,
                message.body.decode("latin-1") if message else "", complaint]
        os.write(self.out, json.dumps(line).encode() + b"\n")

    def start_request(self, server_conn, request_conn):
        return Reading(request_conn, self.raws[server_conn.stream], self.write)

    def on_close(self, server_conn):
        raw = bytes(self.raws.pop(server_conn.stream, b""))
        try:
            while raw:  # whole requests that tornado did not take
                message, used = oracle.read_request(raw)
                if message is None or not message.complete:
                    break
                self.write(message, f"tornado did not take {raw[:used]!r}")
                raw = raw[used:]
        except oracle.Violation as violation:
            self.write(None, f"{violation} in {raw[:400]!r}")


class Tee(HTTPServer):
    """Keeps the bytes of each connection as they come off the socket."""

    def initialize(self, delegate):
        self.tee = delegate
        super().initialize(delegate)

    def handle_stream(self, stream, address):
        raw = self.tee.raws[stream] = bytearray()
        read = stream.read_from_fd

        def keep(buffer):
            count = read(buffer)
            if count:
                raw.extend(memoryview(buffer)[:count])
            return count

        stream.read_from_fd = keep
        super().handle_stream(stream, address)


async def main():
    assert HTTP1ConnectionParameters  # of the tornado that Debian ships
    out = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
    server = Tee(Server(out))
    sockets = bind_sockets(0, "127.0.0.1", backlog=1024)
    server.add_sockets(sockets)
    print(sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.stop()
    await server.close_all_connections()


asyncio.run(main())
