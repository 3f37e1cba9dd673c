"""The proxy alone (bare_proxy) between clients and a server that records and judges every byte that reaches it. For
asyncio; all ports are ephemeral, the proxy ends with its standard input."""

import asyncio
import os

import oracle

BARE_PROXY = os.path.join(os.path.dirname(os.path.abspath(os.environ.get("PASSERELLE", "build/release/passerelle"))), "tests", "bare_proxy")
PATIENCE = 10.0
TURNS = 8  # of the event loop: accept, connection_made, add_reader, data_received


class BareProxy:
    """`async with BareProxy("/=127.0.0.1:80") as proxy: proxy.port`"""

    def __init__(self, *arguments):
        self.arguments = arguments

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(
            BARE_PROXY, *self.arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        self.port = int(await self.process.stdout.readline())
        return self

    async def __aexit__(self, *_):
        self.process.stdin.close()
        await asyncio.wait_for(self.process.wait(), PATIENCE)
        assert self.process.returncode == 0, f"bare_proxy ended with {self.process.returncode}"


class Recorder:
    """A server. `requests` and `unfinished` hold (case, message), `violations` (case, what): a message belongs to the case
    that is current when its first bytes come. `answer(message)` gives (bytes, whether to close behind them)."""

    def __init__(self):
        self.case = None
        self.requests, self.violations = [], []
        self.connections = set()
        self.left = []
        self.answer = lambda message: (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", False)

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: _Served(self), "127.0.0.1", 0, backlog=1024)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for connection in list(self.connections):
            connection.transport.abort()

    def unfinished(self):
        """What was begun and never ended, on all connections so far."""
        return self.left + [(c.case, c.partial) for c in self.connections if c.partial]


class _Served(asyncio.Protocol):
    def __init__(self, recorder):
        self.recorder, self.data, self.case, self.partial = recorder, b"", None, None

    def connection_made(self, transport):
        self.transport = transport
        self.recorder.connections.add(self)

    def data_received(self, data):
        if not self.data:
            self.case = self.recorder.case
        self.data += data
        while self.data:
            try:
                message, used = oracle.read_request(self.data)
            except oracle.Violation as violation:
                self.recorder.violations.append((self.case, f"{violation} in {self.data[:300]!r}"))
                self.data, self.partial = b"", None
                return self.transport.abort()
            self.partial = message
            if message is None or not message.complete:
                return
            self.data, self.partial = self.data[used:], None
            self.recorder.requests.append((self.case, message))
            answer, close = self.recorder.answer(message)
            self.transport.write(answer)
            if close:
                return self.transport.close()

    def connection_lost(self, _):
        self.recorder.connections.discard(self)
        if self.partial:
            self.recorder.left.append((self.case, self.partial))


class Client(asyncio.Protocol):
    """Sends, says that this was all, and keeps what comes until the other side ends."""

    def __init__(self, data):
        self.data, self.received = data, bytearray()
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        transport.write(self.data)
        transport.write_eof()

    def data_received(self, data):
        self.received += data

    def eof_received(self):
        return False

    def connection_lost(self, error):
        if not self.ended.done():
            self.ended.set_result(error)


async def exchange(port, data, patience=PATIENCE):
    """(what came back, whether it ended by a reset); raises asyncio.TimeoutError for a hang."""
    transport, client = await asyncio.get_running_loop().create_connection(lambda: Client(data), "127.0.0.1", port)
    try:
        error = await asyncio.wait_for(client.ended, patience)
    finally:
        transport.abort()
    for _ in range(TURNS):  # what the proxy sent to the server before it ended is in the kernel; let the server see it
        await asyncio.sleep(0)
    return bytes(client.received), error is not None
