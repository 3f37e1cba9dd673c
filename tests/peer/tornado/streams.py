"""Streams of one to three requests, right or damaged in a place or two; the same seed makes the same stream."""

import random

METHODS = (b"GET", b"GET", b"GET", b"POST", b"POST", b"PUT", b"DELETE", b"PATCH", b"HEAD", b"OPTIONS", b"PROPFIND", b"M-SEARCH", b"get")
TARGETS = (b"/", b"/a", b"/user/a/api/contents/x%20y.ipynb?content=1", b"/a//b/", b"/a/./b/../c", b"/a/%2E%2e/b", b"/q?x=/../&y=%zz?#"[:-1],
           b"/a;p=1/b@c:d~e+f", b"/x/y/%2f%5c/z", b"/t/%C3%A9?", b"/?", b"/a?=&&=", b"/" + b"long" * 60, b"http://o.example/x?y", b"/%41%zz"[:4],
           b"/a/b/c/%00"[:-3], b"/..", b"/a/..//../b", b"/%25%32%65/x")
FIELDS = (b"Accept: */*", b"accept:text/html,application/xhtml+xml;q=0.9", b"X-Empty:", b"X-Tab:\ta\tb\t", b"X-Utf: \xc3\xa9t\xc3\xa9",
          b"Cookie: a=b; c=d", b"Cookie: e=\"f;g\"", b"Connection: keep-alive", b"Connection: X-Hop, TE", b"X-Hop: 1", b"TE: trailers",
          b"Keep-Alive: timeout=5", b"X_Forwarded_User: root", b"X-Forwarded-For: 1.2.3.4", b"Forwarded: for=1", b"Via: 1.0 fred",
          b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", b"Authorization: token x", b"X-Dup: 1", b"X-Dup: 2",
          b"Range: bytes=0-1", b"If-None-Match: \"x\"", b"Sec-Fetch-Site: same-origin", b"Origin: http://h", b"Upgrade: h2c",
          b"Content-Type: application/json", b"X-XSRFToken: 2|ab", b"X-Colon: a: b:c", b"Max-Forwards: 7", b"DNT: 1",
          b"Proxy-Connection: keep-alive", b"Trailer: X-Sum", b"x!#$%&'*+-.^_`|~: tchar", b"Priority: u=1, i")
INSERTS = (b"\r\n", b"\r", b"\n", b"\x00", b" ", b"\t", b":", b",", b";", b"\x0b", b"\x85", b"\xa0", b"\xff", b"\r\n ", b"\r\n\r\n", b"0\r\n\r\n",
           b"%2e", b"%00", b"/../", b"\\", b"#", b"?", b"chunked", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n",
           b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Content-Length: +3\r\n", b"Host: evil\r\n", b"GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n",
           b"HTTP/1.1", b"HTTP/1.0", b"Transfer-Encoding : chunked\r\n", b"Transfer_Encoding: chunked\r\n", b"Connection: close\r\n",
           b"Expect: 100-continue\r\n", b"Connection: content-length\r\n", b"Connection: transfer-encoding, host\r\n", b"X: a\r\n b\r\n", b"5", b"-", b"0x", b"_")


def chunked(pick, body):
    out = []
    while body:
        size = pick.randint(1, len(body))
        extension = pick.choice((b"", b"", b"", b";a=b", b";a=\"c;d\"", b";" + b"x" * 200))
        form = pick.choice((b"%x", b"%X", b"0%x"))
        out.append(form % size + extension + b"\r\n" + body[:size] + b"\r\n")
        body = body[size:]
    trailer = pick.choice((b"", b"", b"", b"X-Sum: 1\r\n", b"X-Remote-User: root\r\nY:\r\n"))
    return b"".join(out) + b"0\r\n" + trailer + b"\r\n"


def request(pick):
    method = pick.choice(METHODS)
    lines = [method + b" " + pick.choice(TARGETS) + b" HTTP/1.1", pick.choice((b"Host: h", b"host: h.example:8000", b"HOST:\t[::1]:80"))]
    lines += pick.sample(FIELDS, pick.randint(0, 6))
    body = b""
    framing = pick.random()
    if framing < 0.5:
        content = pick.choice((b"", b"x", b"GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n", b"0\r\n\r\n", b"\x00\xff" * 40, b"abc" * 700))
        if framing < 0.25:
            lines.append(b"Content-Length: %d" % len(content))
            body = content
        else:
            lines.append(pick.choice((b"Transfer-Encoding: chunked", b"transfer-encoding:CHUNKED ")))
            body = chunked(pick, content)
        if pick.random() < 0.5:
            pick.shuffle(lines[1:])
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def damage(pick, data):
    kind = pick.randrange(7)
    at = pick.randrange(len(data))
    if kind < 2:  # between lines or words, where it hurts most
        places = [i for i in range(at, min(len(data), at + 200)) if data[i:i + 1] in b"\r\n :;,="]
        at = pick.choice(places) if places else at
        at += pick.choice((0, 0, 1, 2))
        return data[:at] + pick.choice(INSERTS) + data[at:]
    if kind == 2:
        return data[:at] + bytes((pick.randrange(256),)) + data[at + 1:]
    if kind == 3:
        return data[:at] + data[at + pick.choice((1, 1, 2, 5)):]
    if kind == 4:
        end = at + pick.choice((1, 2, 10, 40))
        return data[:end] + data[at:end] + data[end:]
    if kind == 5:
        return data[:at] + bytes((data[at] ^ (1 << pick.randrange(8)),)) + data[at + 1:]
    return data[:at]


def stream(seed, number):
    """(bytes, whether nothing was damaged)"""
    pick = random.Random(seed * 1_000_003 + number)
    data = b"".join(request(pick) for _ in range(pick.choice((1, 1, 1, 2, 3))))
    wounds = pick.choice((0, 0, 1, 1, 1, 2, 3))
    for _ in range(wounds):
        data = damage(pick, data) or b"G"
    return data, wounds == 0
