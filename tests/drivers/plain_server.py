"""A server for drills: many connections on one thread, and paths on which it stops in the middle of an answer.
usage: plain_server.py [PORT]. Prints its port, then one line whenever it has stopped somewhere; ends with its
standard input. /hold/STAGE stops there, an upgrade is accepted and echoed byte by byte, everything else is "ok"."""

import base64
import hashlib
import re
import resource
import select
import socket
import sys

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HOLDS = {"before": b"", "head": HEAD[:30], "after-head": HEAD, "body": HEAD + b"b" * 5000, "upload": b"",
         "chunk": CHUNKED + b"1000\r\nonly this", "between-chunks": CHUNKED + b"4\r\nthis\r\n"}
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Connection:
    def __init__(self, sock):
        self.socket, self.rest, self.unsent, self.tunnel, self.held, self.body = sock, b"", b"", False, False, 0

    def take(self, data):
        """The answer to what came."""
        if self.tunnel:
            return data
        if self.held:
            return b""
        self.rest += data
        out = b""
        while not self.tunnel and not self.held:
            used = min(self.body, len(self.rest))
            self.rest, self.body = self.rest[used:], self.body - used
            if self.body or b"\r\n\r\n" not in self.rest:
                return out
            head, _, self.rest = self.rest.partition(b"\r\n\r\n")
            out += self.answer(head)
        return out

    def answer(self, head):
        stage = re.search(rb" \S*/hold/([a-z-]+)", head)
        if stage:
            self.held = True
            print(stage.group(1).decode(), flush=True)
            return HOLDS[stage.group(1).decode()]
        key = re.search(rb"\r\nsec-websocket-key: *(\S+)", head, re.I)
        if key:
            self.tunnel = True
            accept = base64.b64encode(hashlib.sha1(key.group(1) + GUID).digest())
            rest, self.rest = self.rest, b""
            return (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + rest)
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
        self.body = int(length.group(1)) if length else 0
        return OK


class Server:
    def __init__(self, port):
        self.listening = socket.create_server(("127.0.0.1", port), backlog=4096)
        self.listening.setblocking(False)
        self.connections = {}
        self.poll = select.epoll()
        self.poll.register(self.listening, select.EPOLLIN)
        self.poll.register(sys.stdin, select.EPOLLIN)

    def run(self):
        print(self.listening.getsockname()[1], flush=True)
        while True:
            for fd, events in self.poll.poll():
                if fd == sys.stdin.fileno():
                    return
                if fd == self.listening.fileno():
                    self.accept()
                elif fd in self.connections:
                    self.serve(fd, self.connections[fd])

    def accept(self):
        for _ in range(64):
            try:
                sock, _ = self.listening.accept()
            except OSError:
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections[sock.fileno()] = Connection(sock)
            self.poll.register(sock, select.EPOLLIN)

    def serve(self, fd, connection):
        try:
            if not connection.unsent:
                data = connection.socket.recv(65536)
                if not data:
                    raise ConnectionResetError
                connection.unsent = connection.take(data)
            if connection.unsent:
                connection.unsent = connection.unsent[connection.socket.send(connection.unsent):]
            self.poll.modify(fd, select.EPOLLOUT if connection.unsent else select.EPOLLIN)
        except BlockingIOError:
            self.poll.modify(fd, select.EPOLLOUT if connection.unsent else select.EPOLLIN)
        except OSError:
            self.poll.unregister(fd)
            connection.socket.close()
            del self.connections[fd]


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    Server(int(sys.argv[1]) if len(sys.argv) > 1 else 0).run()
