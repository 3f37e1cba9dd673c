"""WebSocket from the client's side by hand (RFC 6455), so that wrong frames can be sent too: the handshake, frames,
and an exchange that keeps every byte that came back."""

import base64
import collections
import hashlib
import select
import socket
import struct
import time

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = base64.b64encode(b"sixteen bytes 16").decode()
ACCEPT = base64.b64encode(hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


def masked(payload, mask):
    if not payload:
        return b""
    stream = (mask * (len(payload) // 4 + 1))[:len(payload)]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(stream, "little")).to_bytes(len(payload), "little")


def frame(opcode, payload=b"", fin=True, rsv=0, mask=b"\x1f\x2e\x3d\x4c", length=None, width=None):
    """`length` lies about the payload's length; `width` (7, 16, 64) writes it longer than it must be; `mask` None: none."""
    length = len(payload) if length is None else length
    width = width or (7 if length < 126 else 16 if length < 65536 else 64)
    bit = 0 if mask is None else 0x80
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if width == 7:
        head += bytes([bit | length])
    else:
        head += bytes([bit | (126 if width == 16 else 127)]) + struct.pack(">H" if width == 16 else ">Q", length)
    return head + (payload if mask is None else mask + masked(payload, mask))


def close_frame(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


def parse_frames(data):
    """Each whole frame (fin, rsv, opcode, payload) of a server, which masks nothing."""
    frames, at = [], 0
    while len(data) >= at + 2:
        size, begin = data[at + 1] & 0x7f, at + 2
        if size >= 126:
            width = 2 if size == 126 else 8
            if len(data) < begin + width:
                break
            size, begin = int.from_bytes(data[begin:begin + width], "big"), begin + width
        if len(data) < begin + size:
            break
        frames.append((bool(data[at] & 0x80), data[at] >> 4 & 7, data[at] & 15, bytes(data[begin:begin + size])))
        at = begin + size
    return frames


def handshake(path, fields=()):
    return ("\r\n".join([f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: Upgrade", "Upgrade: websocket",
                         "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {KEY}", *fields]) + "\r\n\r\n").encode()


class Raw:
    """A client's socket with a time limit for everything."""

    def __init__(self, port, limit=30.0, source=None):
        self.socket = socket.create_connection(("127.0.0.1", port), limit, (source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.limit = limit
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def read_until(self, end):
        while end not in self.rest:
            got = self.socket.recv(65536)
            if not got:
                raise AssertionError(f"ended after {self.rest[:200]!r}")
            self.rest += got
        head, _, self.rest = self.rest.partition(end)
        return head + end

    def read_exactly(self, count):
        parts, have = [self.rest], len(self.rest)
        while have < count:
            got = self.socket.recv(1 << 18)
            if not got:
                raise AssertionError(f"ended after {have} of {count} bytes")
            parts.append(got)
            have += len(got)
        data = b"".join(parts)
        self.rest = data[count:]
        return data[:count]

    def open_websocket(self, path, fields=()):
        self.send(handshake(path, fields))
        head = self.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        return head

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def exchange(self, pieces, half_close=False):
        """Writes the pieces one by one while it reads; all that came up to the end, and how it ended. A piece may be a
        function of what has come so far: what follows is written once it says so."""
        self.socket.setblocking(False)
        until = time.monotonic() + self.limit
        pieces, received, ending = collections.deque(pieces), bytearray(self.rest), half_close
        while True:
            while pieces and callable(pieces[0]) and pieces[0](received):
                pieces.popleft()
            if not pieces and ending:
                self.socket.shutdown(socket.SHUT_WR)
                ending = False
            writes = bool(pieces) and not callable(pieces[0])
            wanted = select.poll()
            wanted.register(self.socket, select.POLLIN | (select.POLLOUT if writes else 0))
            if not wanted.poll(max(0, until - time.monotonic()) * 1000):
                return bytes(received), "silence"
            try:
                if (end := self.take(received)) is not None:
                    return bytes(received), end
                if writes:
                    piece = memoryview(pieces.popleft())
                    if sent := piece[self.socket.send(piece):]:
                        pieces.appendleft(sent)
            except BlockingIOError:
                if writes:
                    pieces.appendleft(piece)
            except (BrokenPipeError, ConnectionResetError):
                pieces.clear()  # the server has heard enough; what it said is still to be read

    def take(self, received):
        """Reads what there is; how it ended, if it did."""
        try:
            got = self.socket.recv(1 << 18)
            received += got
            return None if got else "end"
        except BlockingIOError:
            return None
        except ConnectionResetError:
            return "reset"
