"""What is sent to a WebSocket echo server, right and wrong, in the order of Autobahn's categories: 1 framing, 2 pings
and pongs, 3 reserved bits, 4 opcodes, 5 fragments, 6 UTF-8, 7 closing, 9 sizes, 10 many fragments, 12 and 13
permessage-deflate. A case is the pieces that are written one by one, and, where a server must echo, the messages."""

import zlib
from dataclasses import dataclass, field

from websocket_frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_frame, frame

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"


ECHOES = object()  # stands for: wait for them


@dataclass
class Case:
    name: str
    pieces: list
    echoes: list = None       # the messages that come back; None: whatever the server says to this
    fields: list = field(default_factory=list)  # of the handshake
    half_close: bool = False  # after the last piece
    not_for: str = ""         # a server that never ends this one


def chopped(data, size):
    return [data[at:at + size] for at in range(0, len(data), size)]


def finished(pieces):
    """Says goodbye when all echoes are there: a server may drop what it has not sent when the other side closes."""
    return list(pieces) + [ECHOES, close_frame(1000)]


def text(size):
    return (b"Un gateau a la creme, s'il vous plait. " * (size // 39 + 1))[:size]


def noise(size, seed=7):
    """Bytes that do not compress and are the same each time."""
    state, out = seed, bytearray()
    while len(out) < min(size, 1 << 16):
        state = (state * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
        out += state.to_bytes(8, "little")
    return (bytes(out) * (size // max(1, len(out)) + 1))[:size]


def framing():
    for number, (opcode, make) in enumerate([(TEXT, text), (BINARY, noise)], 1):
        for size in [0, 1, 125, 126, 127, 128, 65535, 65536]:
            payload = make(size)
            yield Case(f"1.{number} {size} bytes", finished([frame(opcode, payload)]), [(opcode, payload)])
        payload = make(65536)
        yield Case(f"1.{number} 65536 bytes in pieces of 997", finished(chopped(frame(opcode, payload), 997)),
                   [(opcode, payload)])
        payload = make(300)
        yield Case(f"1.{number} byte by byte", chopped(frame(opcode, payload) + close_frame(1000), 1), [(opcode, payload)])
    for size, width in [(5, 16), (5, 64), (300, 64)]:
        yield Case(f"1.3 a length of {size} written with {width} bits", finished([frame(TEXT, text(size), width=width)]))
    yield Case("1.4 a length with its highest bit set", finished([frame(BINARY, b"x", length=1 << 63 | 1, width=64)]))
    yield Case("1.5 a frame without a mask", finished([frame(TEXT, b"bare", mask=None)]))
    yield Case("1.6 a mask of zeros", finished([frame(TEXT, b"plain", mask=b"\0\0\0\0")]), [(TEXT, b"plain")])


def pings():
    ten = [frame(PING, b"%d" % number) for number in range(10)]
    for name, pieces in [
            ("nothing in it", [frame(PING)]),
            ("a word in it", [frame(PING, b"hello")]),
            ("bytes in it", [frame(PING, bytes([0, 255, 254, 253, 252, 251, 0, 255]))]),
            ("125 bytes in it", [frame(PING, noise(125))]),
            ("126 bytes in it", [frame(PING, noise(126))]),
            ("byte by byte", chopped(frame(PING, noise(125)), 1)),
            ("a pong nobody asked for, empty", [frame(PONG)]),
            ("a pong nobody asked for", [frame(PONG, b"unasked")]),
            ("a pong and a ping", [frame(PONG, b"unasked"), frame(PING, b"asked")]),
            ("ten", ten),
            ("ten at once", [b"".join(ten)]),
            ("ten, byte by byte", chopped(b"".join(ten), 1)),
            ("in fragments", [frame(PING, b"a", fin=False), frame(CONTINUATION, b"b")])]:
        yield Case(f"2.{name}", finished(pieces))


def reserved_bits():
    for bits in range(1, 8):
        yield Case(f"3.{bits} on a text", finished([frame(TEXT, b"odd", rsv=bits)]))
        yield Case(f"3.{bits} after a good text", finished([frame(TEXT, b"good"), frame(TEXT, b"odd", rsv=bits),
                                                            frame(PING)]))
    for opcode in (PING, PONG, CLOSE, BINARY):
        yield Case(f"3.4 on opcode {opcode}", finished([frame(opcode, b"\x03\xe8" if opcode == CLOSE else b"odd", rsv=4)]))


def opcodes():
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]:
        yield Case(f"4.{opcode} empty", finished([frame(opcode)]))
        yield Case(f"4.{opcode} full", finished([frame(opcode, b"reserved")]))
        yield Case(f"4.{opcode} after a text", finished([frame(TEXT, b"good"), frame(opcode, b"reserved"), frame(PING)]))
        yield Case(f"4.{opcode} byte by byte", chopped(frame(TEXT, b"good") + frame(opcode, b"reserved") +
                                                       close_frame(1000), 1))


def fragments():
    first, middle, last = frame(TEXT, b"one ", fin=False), frame(CONTINUATION, b"two ", fin=False), frame(CONTINUATION, b"three")
    whole = [(TEXT, b"one two three")]
    good = {"three fragments": [first, middle, last], "three fragments at once": [first + middle + last],
            "three fragments, byte by byte": chopped(first + middle + last, 1),
            "a ping between": [first, frame(PING, b"now"), middle, last],
            "a ping between each": [first, frame(PING, b"1"), middle, frame(PING, b"2"), last, frame(PING, b"3")],
            "a ping between, byte by byte": chopped(first + frame(PING, b"now") + middle + last, 1),
            "a pong between": [first, frame(PONG, b"hm"), middle, last]}
    for name, pieces in good.items():
        yield Case(f"5.{name}", finished(pieces), whole)
    empty = [frame(TEXT, fin=False), frame(CONTINUATION, fin=False), frame(CONTINUATION)]
    yield Case("5.three empty fragments", finished(empty), [(TEXT, b"")])
    yield Case("5.an empty end", finished([first, frame(CONTINUATION)]), [(TEXT, b"one ")])
    many = [frame(BINARY, b"", fin=False)] + [frame(CONTINUATION, b"%02d" % at, fin=False) for at in range(50)]
    yield Case("5.fifty fragments", finished(many + [frame(CONTINUATION)]), [(BINARY, b"".join(b"%02d" % at for at in range(50)))])
    for name, pieces in {
            "an end without a beginning": [last],
            "a middle without a beginning": [middle],
            "a middle and a text": [middle, frame(TEXT, b"good")],
            "an end after a text": [frame(TEXT, b"good"), last],
            "a text inside a text": [first, frame(TEXT, b"again")],
            "a binary inside a text": [first, frame(BINARY, b"again"), last],
            "a close inside a text": [first, close_frame(1000)],
            "an end twice": [first, last, last],
            "a pong in fragments": [frame(PONG, b"a", fin=False), frame(CONTINUATION, b"b")],
            "a close in fragments": [frame(CLOSE, b"\x03", fin=False), frame(CONTINUATION, b"\xe8")]}.items():
        yield Case(f"5.{name}", finished(pieces))
        yield Case(f"5.{name}, at once", [b"".join(pieces) + close_frame(1000)])


GOOD_UTF8 = ["κόσμε", "Hello-µ@ßöäüàá-UTF-8!!", "\0", "\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd",
             "\ufffe", "\uffff", "\U00010000", "\U0001f600", "\U0010ffff", "é" * 100, "日本語", "e\u0301"]
BAD_UTF8 = {
    "a lonely continuation": b"\x80", "two lonely continuations": b"\xbf\x80", "seven continuations": b"\x80" * 7,
    "a start of two without the rest": b"\xc3 ", "a start of three without the rest": b"\xe2 ",
    "a start of four without the rest": b"\xf0 ", "two of three": b"\xe2\x82", "three of four": b"\xf0\x9f\x98",
    "all starts in a row": bytes(range(0xc2, 0xf5)),
    "fe": b"\xfe", "ff": b"\xff", "fe fe ff ff": b"\xfe\xfe\xff\xff", "c0": b"\xc0\xaf", "c1": b"\xc1\xbf",
    "overlong of three": b"\xe0\x80\xaf", "overlong of four": b"\xf0\x80\x80\xaf", "overlong of five": b"\xf8\x80\x80\x80\xaf",
    "overlong of six": b"\xfc\x80\x80\x80\x80\xaf", "highest overlong of two": b"\xc1\xbf",
    "highest overlong of three": b"\xe0\x9f\xbf", "highest overlong of four": b"\xf0\x8f\xbf\xbf", "overlong nul": b"\xc0\x80",
    "the lowest high surrogate": b"\xed\xa0\x80", "the highest high surrogate": b"\xed\xaf\xbf",
    "the lowest low surrogate": b"\xed\xb0\x80", "the highest low surrogate": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\xbd\xed\xb8\x80", "above the last": b"\xf4\x90\x80\x80", "f5": b"\xf5\x80\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80", "six bytes": b"\xfc\x84\x80\x80\x80\x80"}


def utf8():
    for number, word in enumerate(GOOD_UTF8):
        payload, half = word.encode(), (len(word.encode()) + 1) // 2
        echo = [(TEXT, payload)]
        two = frame(TEXT, payload[:half], fin=False) + frame(CONTINUATION, payload[half:])
        yield Case(f"6.good {number} whole", finished([frame(TEXT, payload)]), echo)
        yield Case(f"6.good {number} cut in two", finished([two]), echo)
        yield Case(f"6.good {number} cut in two, byte by byte", chopped(two + close_frame(1000), 1), echo)
    for name, wrong in BAD_UTF8.items():
        payload = "κόσμε".encode() + wrong + b"edited"
        cut = len("κόσμε".encode()) + 1
        yield Case(f"6.{name}", finished([frame(TEXT, payload)]))
        yield Case(f"6.{name}, cut in two", finished([frame(TEXT, payload[:cut], fin=False) +
                                                      frame(CONTINUATION, payload[cut:])]))
    yield Case("6.bytes in a binary message need not be any", finished([frame(BINARY, b"\xff\xfe\x80")]), [(BINARY, b"\xff\xfe\x80")])


def closing():
    yield Case("7.at once", [close_frame()], [])
    yield Case("7.after a text", finished([frame(TEXT, b"good")]), [(TEXT, b"good")])
    yield Case("7.twice", [close_frame(1000), close_frame(1000)])
    yield Case("7.then a ping", [close_frame(1000), frame(PING)])
    yield Case("7.then a text", [close_frame(1000) + frame(TEXT, b"late")])
    yield Case("7.after a large text", finished([frame(TEXT, text(256 << 10)), frame(PING)]), [(TEXT, text(256 << 10))])
    yield Case("7.one byte", [frame(CLOSE, b"\x03")])
    yield Case("7.a reason", [close_frame(1000, b"Enough")], [])
    yield Case("7.a reason of 123 bytes", [close_frame(1000, text(123))], [])
    yield Case("7.a reason of 124 bytes", [close_frame(1000, text(124))])
    yield Case("7.a reason that is no UTF-8", [close_frame(1000, b"\xce\xba\xe1\xbd\xb9\xed\xa0\x80")])
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]:
        yield Case(f"7.code {code}", [close_frame(code)], [])
    for code in [0, 999, 1004, 1005, 1006, 1012, 1013, 1014, 1015, 1016, 1100, 2000, 2999, 5000, 65535]:
        yield Case(f"7.code {code}", [close_frame(code)])
    yield Case("7.the end inside a head", [b"\x81"], half_close=True)
    yield Case("7.the end inside a payload", [frame(TEXT, b"cut short")[:-4]], half_close=True)
    yield Case("7.the end inside a message", [frame(TEXT, b"a part", fin=False)], half_close=True)
    yield Case("7.the end and no word", [], half_close=True)
    yield Case("7.the end after a text", [frame(TEXT, b"good")], half_close=True)


def sizes():
    for opcode, make in [(TEXT, text), (BINARY, noise)]:
        for kib in [64, 256, 1024, 4096, 10240]:
            payload = make(kib << 10)
            yield Case(f"9.{opcode} {kib} KiB", finished([frame(opcode, payload)]), [(opcode, payload)])
        payload = make(4 << 20)
        for size in [1 << 10, 16 << 10, 256 << 10, 1 << 20]:
            parts = chopped(payload, size)
            frames = [frame(opcode if at == 0 else CONTINUATION, part, fin=at == len(parts) - 1) for at, part in enumerate(parts)]
            yield Case(f"9.{opcode} 4 MiB in fragments of {size}", finished(frames), [(opcode, payload)])
        payload = make(1 << 20)
        for size in [512, 4096, 65537]:
            yield Case(f"9.{opcode} 1 MiB in pieces of {size}", finished(chopped(frame(opcode, payload), size)), [(opcode, payload)])
    for size in [1, 16, 64, 256, 1024]:
        yield Case(f"9.a thousand messages of {size}", finished([frame(BINARY, noise(size, at + 1)) for at in range(1000)]),
                   [(BINARY, noise(size, at + 1)) for at in range(1000)])
    yield Case("9.fifty pings and messages at once", finished([b"".join(  # ws gives up at sixty pings
        frame(TEXT, b"%d" % at) + frame(PING, b"%d" % at) for at in range(50))]), [(TEXT, b"%d" % at) for at in range(50)])
    yield Case("10.65536 bytes in fragments of 1300", finished(
        [frame(TEXT if at == 0 else CONTINUATION, part, fin=at == 50) for at, part in enumerate(chopped(text(65536), 1300))]),
        [(TEXT, text(65536))])


class Deflater:
    """The client's side of permessage-deflate (RFC 7692)."""

    def __init__(self, bits=15, takeover=True, level=6):
        self.bits, self.takeover, self.level = bits, takeover, level
        self.stream = None

    def __call__(self, payload):
        if self.stream is None or not self.takeover:
            self.stream = zlib.compressobj(self.level, zlib.DEFLATED, -self.bits)
        return (self.stream.compress(payload) + self.stream.flush(zlib.Z_SYNC_FLUSH))[:-4]


def compressed():
    offers = {"12.plain": ("", {}), "12.no server takeover": ("; server_no_context_takeover", {}),
              "13.no client takeover": ("; client_no_context_takeover", {"takeover": False}),
              "13.no takeover": ("; client_no_context_takeover; server_no_context_takeover", {"takeover": False}),
              "13.small windows": ("; server_max_window_bits=9; client_max_window_bits=9", {"bits": 9})}
    for name, (offer, options) in offers.items():
        fields = ["Sec-WebSocket-Extensions: permessage-deflate" + offer]
        for size in [0, 16, 1024, 65536, 1 << 20]:
            for opcode, make in [(TEXT, text), (BINARY, noise)]:
                deflate, payload = Deflater(**options), make(size)
                yield Case(f"{name}, {size} bytes of {opcode}, five times", finished(
                    [frame(opcode, deflate(payload), rsv=4) for _ in range(5)]), [(opcode, payload)] * 5, fields)
    fields, deflate = [DEFLATE], Deflater()
    squeezed = deflate(text(1000))
    yield Case("13.in fragments", finished([frame(TEXT, squeezed[:10], fin=False, rsv=4),
                                            frame(CONTINUATION, squeezed[10:])]), [(TEXT, text(1000))], fields)
    yield Case("13.a ping between", finished([frame(TEXT, squeezed[:10], fin=False, rsv=4), frame(PING, b"now"),
                                              frame(CONTINUATION, squeezed[10:])]), fields=fields)
    yield Case("13.a message that is not compressed", finished([frame(TEXT, b"plain")]), [(TEXT, b"plain")], fields)
    yield Case("13.the bit on a later fragment", finished([frame(TEXT, b"a", fin=False), frame(CONTINUATION, b"b", rsv=4)]), fields=fields)
    yield Case("13.the bit on a ping", finished([frame(PING, b"a", rsv=4)]), fields=fields)
    yield Case("13.no deflate at all", finished([frame(TEXT, b"\xff\xff\xff\xff\xff", rsv=4)]), fields=fields,
               not_for="tornado")  # 6.2 stops reading and forgets the connection
    yield Case("13.not agreed", finished([frame(TEXT, Deflater()(b"squeezed"), rsv=4)]))
    yield Case("13.an unknown extension", finished([frame(TEXT, b"plain")]), [(TEXT, b"plain")],
               ["Sec-WebSocket-Extensions: x-unknown; a=\"b\", permessage-deflate"])
    yield Case("13.an unknown parameter", finished([frame(TEXT, b"plain")]),
               fields=["Sec-WebSocket-Extensions: permessage-deflate; nonsense=1"])
    yield Case("13.a subprotocol", finished([frame(TEXT, b"plain")]), [(TEXT, b"plain")],
               ["Sec-WebSocket-Protocol: v1.kernel.websocket.jupyter.org, other"])


def all_cases():
    groups = [framing, pings, reserved_bits, opcodes, fragments, utf8, closing, sizes, compressed]
    return [case for group in groups for case in group()]
