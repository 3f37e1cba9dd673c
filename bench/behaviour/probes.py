"""The probes of docs/http-behaviour.md: what is sent, what the server behind the proxy answers, and what of the outcome the
table shows. Numbers are those of the list of behaviours."""

from dataclasses import dataclass

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Probe:
    number: int
    what: str
    send: bytes
    answer: bytes = OK           # what the server says to each request
    closes: bool = False         # ... and whether it ends the connection then
    show: str = ""               # a regular expression for what reached the server (or the client)
    at: str = "server"           # whose bytes `show` is about
    half_close: bool = False     # the client says that this was all
    early: bool = False          # the server answers when it has the head
    pause_before: bytes = b""    # of `answer`: sent half a second later


def get(lines="", target="/p", method="GET", version="1.1", host="Host: t.example\r\n", body=b""):
    return f"{method} {target} HTTP/{version}\r\n{host}{lines}\r\n".encode("latin-1") + body


def post(lines, body):
    return get(lines, method="POST", body=body)


def chunked(body, lines="", **more):
    return get(lines + "Transfer-Encoding: chunked\r\n", method="POST", body=body, **more)


LINE = r"\A[^\r\n]*"
BODY = r"(?s)\r\n\r\n(.*)"
WEBSOCKET = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: "

PROBES = [
    Probe(1, "two spaces behind the method", b"GET  /p HTTP/1.1\r\nHost: t.example\r\n\r\n", show=LINE),
    Probe(1, "a tab behind the method", b"GET\t/p HTTP/1.1\r\nHost: t.example\r\n\r\n", show=LINE),
    Probe(1, "`http/1.1` in small letters", b"GET /p http/1.1\r\nHost: t.example\r\n\r\n", show=LINE),
    Probe(2, "one empty line first", b"\r\n" + get()),
    Probe(2, "three empty lines first", b"\r\n\r\n\r\n" + get()),
    Probe(3, "HTTP/0.9: `GET /p`", b"GET /p\r\n\r\n"),
    Probe(4, "HTTP/1.2", get(version="1.2"), show=LINE),
    Probe(4, "HTTP/2.0 in this form", get(version="2.0"), show=LINE),
    Probe(5, "no Host", get(host="")),
    Probe(6, "two Hosts", get("Host: u.example\r\n"), show=r"(?im)^host:[^\r]*"),
    Probe(7, "`Host: a/evil`", get(host="Host: a/evil\r\n"), show=r"(?im)^host:[^\r]*"),
    Probe(7, "`Host: a evil`", get(host="Host: a evil\r\n"), show=r"(?im)^host:[^\r]*"),
    Probe(7, "empty Host", get(host="Host:\r\n"), show=r"(?im)^host:[^\r]*"),
    Probe(7, "`Host: u@t.example`", get(host="Host: u@t.example\r\n"), show=r"(?im)^host:[^\r]*"),
    Probe(8, "`GET http://u.example/p`, Host another", get(target="http://u.example/p"), show=r"(?im)^host:[^\r]*"),
    Probe(9, "CONNECT", get(target="t.example:443", method="CONNECT"), show=LINE),
    Probe(10, "TRACE", get(method="TRACE"), show=LINE),
    Probe(11, "OPTIONS *", get(target="*", method="OPTIONS"), show=LINE),
    Probe(12, "a method nobody knows", get(method="BREW"), show=LINE),
    Probe(13, "a fragment in the target", get(target="/p#x"), show=LINE),
    Probe(14, "a byte of 0xe9 in the target", get(target="/p\xe9"), show=LINE),
    Probe(15, "`/%zz`", get(target="/%zz"), show=LINE),
    Probe(16, "`/%00`", get(target="/%00"), show=LINE),
    Probe(17, "a target of 17 KiB", get(target="/" + "a" * 17000)),
    Probe(18, "`/a/../b`", get(target="/a/../b"), show=LINE),
    Probe(19, "`/a/%2e%2e/b`", get(target="/a/%2e%2e/b"), show=LINE),
    Probe(20, "`/a/%252e%252e/b`", get(target="/a/%252e%252e/b"), show=LINE),
    Probe(21, "`/u/n/a%2Fb`", get(target="/u/n/a%2Fb"), show=LINE),
    Probe(22, "`/a;b+c~d@e:f`", get(target="/a;b+c~d@e:f"), show=LINE),
    Probe(23, "`/u/n//b`", get(target="/u/n//b"), show=LINE),
    Probe(24, "`/p??a='\"&`", get(target="/p??a='\"&"), show=LINE),
    Probe(27, "a folded line", get("X: a\r\n b\r\n"), show=r"(?im)^x:[^\r]*(\r\n [^\r]*)?"),
    Probe(28, "a space before the colon", get("X : a\r\n"), show=r"(?im)^x ?:[^\r]*"),
    Probe(29, "an empty name", get(": a\r\n"), show=r"(?m)^:[^\r]*"),
    Probe(29, "NUL in a value", get("X: a\0b\r\n"), show=r"(?im)^x:[^\r]*"),
    Probe(29, "a bare CR in a value", get("X: a\rb\r\n"), show=r"(?im)^x:[^\n]*"),
    Probe(29, "lines that end in LF", b"GET /p HTTP/1.1\nHost: t.example\n\n", show=LINE),
    Probe(30, "150 header lines", get("A: b\r\n" * 150)),
    Probe(30, "a header of 20 KiB", get("X: " + "a" * 20000 + "\r\n")),
    Probe(30, "a header of 40 KiB", get("X: " + "a" * 40000 + "\r\n")),
    Probe(31, "`X_Forwarded_User: root`", get("X_Forwarded_User: root\r\n"), show=r"(?im)^x_[^\r]*"),
    Probe(32, "two Cookie lines", get("Cookie: a=1\r\nCookie: b=2\r\n"), show=r"(?ims)^cookie:[^\r]*(\r\ncookie:[^\r]*)?"),
    Probe(33, "`aCCept: x`", get("aCCept: x\r\n"), show=r"(?im)^accept:[^\r]*"),
    Probe(34, "Content-Length and Transfer-Encoding", chunked(b"0\r\n\r\n", "Content-Length: 5\r\n"), show=r"(?im)^(content-l|transfer)[^\r]*"),
    Probe(35, "two equal Content-Lengths", post("Content-Length: 2\r\nContent-Length: 2\r\n", b"hi"), show=r"(?ims)^content-length.*?(?=\r\n\r\n)"),
    Probe(35, "two different ones", post("Content-Length: 2\r\nContent-Length: 3\r\n", b"hi"), show=r"(?ims)^content-length.*?(?=\r\n\r\n)"),
    Probe(36, "`Content-Length: +2`", post("Content-Length: +2\r\n", b"hi"), show=r"(?im)^content-length[^\r]*"),
    Probe(36, "a Content-Length of 2^63", post("Content-Length: 9223372036854775808\r\n", b"hi"), show=r"(?im)^content-length[^\r]*"),
    Probe(37, "`Transfer-Encoding: gzip, chunked`", get("Transfer-Encoding: gzip, chunked\r\n", method="POST", body=b"0\r\n\r\n"), show=r"(?im)^transfer[^\r]*"),
    Probe(37, "`Transfer-Encoding: ,chunked`", get("Transfer-Encoding: ,chunked\r\n", method="POST", body=b"0\r\n\r\n"), show=r"(?im)^transfer[^\r]*"),
    Probe(38, "Transfer-Encoding in HTTP/1.0", chunked(b"0\r\n\r\n", version="1.0"), show=r"(?im)^transfer[^\r]*"),
    Probe(39, "a chunk size of `0x2`", chunked(b"0x2\r\nhi\r\n0\r\n\r\n"), show=BODY),
    Probe(39, "a chunk size of 17 digits", chunked(b"00000000000000002\r\nhi\r\n0\r\n\r\n"), show=BODY),
    Probe(40, "a chunk extension", chunked(b"2;a=b\r\nhi\r\n0\r\n\r\n"), show=BODY),
    Probe(40, "a chunk extension of 4 KiB", chunked(b"2;" + b"a" * 4096 + b"\r\nhi\r\n0\r\n\r\n"), show=BODY),
    Probe(41, "a bare LF behind a chunk size", chunked(b"2\nhi\r\n0\r\n\r\n"), show=BODY),
    Probe(42, "a trailer `X-Remote-User`", chunked(b"2\r\nhi\r\n0\r\nX-Remote-User: root\r\n\r\n"), show=r"(?i)x-remote-user[^\r]*"),
    Probe(43, "a request behind the last chunk", chunked(b"2\r\nhi\r\n0\r\n\r\n" + get(target="/q")), show=r"[A-Z]+ /q"),
    Probe(44, "three pipelined requests", get(target="/1") + get(target="/2") + get(target="/3"), show=r"GET /3"),
    Probe(45, "GET with a body", get("Content-Length: 2\r\n", body=b"hi"), show=BODY),
    Probe(46, "`Connection: x-a` and `X-A`", get("Connection: x-a\r\nX-A: 1\r\n"), show=r"(?im)^x-a:[^\r]*"),
    Probe(46, "`Connection: cookie` and a Cookie", get("Connection: cookie\r\nCookie: a=1\r\n"), show=r"(?im)^cookie:[^\r]*"),
    Probe(47, "Keep-Alive", get("Keep-Alive: 5\r\n"), show=r"(?im)^keep-alive:[^\r]*"),
    Probe(47, "Proxy-Authorization", get("Proxy-Authorization: x\r\n"), show=r"(?im)^proxy-[^\r]*"),
    Probe(47, "`Upgrade: h2c`", get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"), show=r"(?im)^upgrade:[^\r]*"),
    Probe(48, "Via", get("Via: 1.0 fred\r\n"), show=r"(?ims)^via:.*?(?=\r\n(?!via))"),
    Probe(49, "`X-Forwarded-For: 192.0.2.9` from anybody", get("X-Forwarded-For: 192.0.2.9\r\n"), show=r"(?ims)^x-forwarded-for:[^\r]*"),
    Probe(49, "`Forwarded: for=192.0.2.9`", get("Forwarded: for=192.0.2.9\r\n"), show=r"(?im)^forwarded:[^\r]*"),
    Probe(50, "OPTIONS, `Max-Forwards: 0`", get("Max-Forwards: 0\r\n", method="OPTIONS"), show=r"(?im)^max-f[^\r]*"),
    Probe(51, "a response without Date", get(), show=r"(?im)^date:", at="client"),
    Probe(52, "`Expect: 100-continue`, the body at once", post("Expect: 100-continue\r\nContent-Length: 2\r\n", b"hi"), show=r"(?im)^expect[^\r]*"),
    Probe(52, "`Expect: what`", get("Expect: what\r\n"), show=r"(?im)^expect[^\r]*"),
    Probe(53, "103 to HTTP/1.1", get(), b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK, show=r"103 Early", at="client"),
    Probe(53, "103 to HTTP/1.0", get(version="1.0"), b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK, show=r"103 Early", at="client"),
    Probe(54, "an answer before the body's end", post("Content-Length: 1000000\r\n", b"x" * 1000), early=True),
    Probe(55, "413 and close before the body's end", post("Content-Length: 4000000\r\n", b"x" * 4000000),
          b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno", closes=True, early=True),
    Probe(56, "101 that nobody asked for", get(), b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    Probe(57, "HEAD answered with a body", get(method="HEAD"), OK, show=r"(?s)\r\n\r\n(.+)", at="client"),
    Probe(57, "204 with a Content-Length", get(), b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", closes=True,
          show=r"(?s)\r\n\r\n(.+)", at="client"),
    Probe(58, "a response with two framings", get(), b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
          show=r"(?im)^(content-length|transfer-encoding)[^\r]*", at="client"),
    Probe(58, "a response with lengths 2 and 3", get(), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhiX",
          show=r"(?im)^content-length[^\r]*", at="client"),
    Probe(59, "a response up to the close", get(), b"HTTP/1.1 200 OK\r\n\r\nhello", closes=True,
          show=r"(?im)^(content-length|transfer-encoding|connection)[^\r]*", at="client"),
    Probe(60, "a body cut at 3 of 10 bytes", get(), b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", closes=True, show=BODY, at="client"),
    Probe(60, "a body cut between chunks", get(), b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", closes=True,
          show=BODY, at="client"),
    Probe(61, "a status of 99999", get(), b"HTTP/1.1 99999 OK\r\nContent-Length: 2\r\n\r\nok", closes=True),
    Probe(61, "a response with a folded line", get(), b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok", show=r"(?im)^x:[^\r]*(\r\n [^\r]*)?", at="client"),
    Probe(61, "a response with NUL in a value", get(), b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok", show=r"(?im)^x:[^\r]*", at="client"),
    Probe(62, "an event of a stream", get(), b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n", closes=True,
          pause_before=b"data: 2\n\n", show="@data: 1", at="client"),
    Probe(63, "206 with Content-Range", get("Range: bytes=0-1\r\n"), b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nok",
          show=r"(?im)^content-range:[^\r]*", at="client"),
    Probe(64, "two Set-Cookie lines", get(), b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok",
          show=r"(?ims)^set-cookie:[^\r]*(\r\nset-cookie:[^\r]*)?", at="client"),
    Probe(64, "Set-Cookie with Domain", get(), b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Domain=example\r\nContent-Length: 2\r\n\r\nok", show=r"(?im)^set-cookie:[^\r]*", at="client"),
    Probe(65, "Location that names the server", get(), b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{port}/x\r\nContent-Length: 2\r\n\r\nok",
          show=r"(?im)^location:[^\r]*", at="client"),
    Probe(66, "a response's trailer, wanted", get("Connection: TE\r\nTE: trailers\r\n"),
          b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n", show=r"X-Sum: 1", at="client"),
    Probe(66, "a response's trailer, not wanted", get(),
          b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n", show=r"X-Sum: 1", at="client"),
    Probe(67, "the client half-closes", get(), half_close=True, pause_before=b"ok"),
    Probe(69, "WebSocket of version 8", get(WEBSOCKET + "8\r\n"), show=r"(?im)^sec-websocket-version[^\r]*"),
    Probe(79, "`Host: [::1]:80`", get(host="Host: [::1]:80\r\n"), show=r"(?im)^host:[^\r]*"),
    Probe(80, "a chunked response to HTTP/1.0", get(version="1.0"), b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
          show=BODY, at="client"),
]
