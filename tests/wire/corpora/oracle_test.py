"""The judge is judged: what it must find, it finds; what is right, it lets pass."""

import sys

sys.path.insert(0, "tests/drivers")
import oracle  # noqa: E402

GOOD = b"GET /a HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX: y\r\nVia: 1.1 p\r\n\r\n"


def refused(read, data):
    try:
        read(data)
    except oracle.Violation:
        return True
    return False


def requests():
    message, end = oracle.read_request(GOOD + b"rest")
    assert (message.method, message.target, end, message.complete) == (b"GET", b"/a", len(GOOD), True)
    for old, new in ((b"GET /a", b"GET  /a"), (b"/a", b"/a/../b"), (b"/a", b"/%2e"), (b"/a", b"/%zz"), (b"/a", b"/a#"),
                     (b"/a", b"/\\"), (b"1.1\r\nHost", b"1.0\r\nHost"), (b"X: y", b"X : y"), (b"X: y", b"X:y"),
                     (b"X: y", b"X:  y"), (b"X: y", b"X: y "), (b"X: y", b"X: y\x00"), (b"X: y", b"X: y\rz"), (b"X: y", b"X: y\n"),
                     (b"X: y", b" X: y"), (b"X: y", b"X_Y: y"), (b"X: y", b"Host: h"), (b"X: y", b"X-Forwarded-User: root"),
                     (b"X: y", b"Forwarded: for=1"), (b"X: y", b"Authorization: a"), (b"X: y", b"Cookie: passerelle-s=1"),
                     (b"X: y", b"Content-Length: 1\r\nTransfer-Encoding: chunked"), (b"X: y", b"Content-Length: 1\r\nContent-Length: 1"),
                     (b"X: y", b"Content-Length: 01"), (b"X: y", b"Content-Length: +1"), (b"X: y", b"Transfer-Encoding: gzip, chunked"),
                     (b"X: y", b"Connection: close"), (b"X: y", b"Connection: Upgrade\r\nUpgrade: h2c"), (b"X: y", b"Keep-Alive: 1"),
                     (b"X: y", b"Trailer: X"), (b"X: y", b"TE: trailers"), (b"Via: 1.1 p\r\n", b""), (b"Host: h", b"Host: a b")):
        assert old in GOOD and refused(oracle.read_request, GOOD.replace(old, new)), (old, new)


def chunks():
    head = GOOD.replace(b"X: y", b"Transfer-Encoding: chunked")
    message, end = oracle.read_request(head + b"2\r\nab\r\n0\r\n\r\nGET")
    assert message.body == b"ab" and end == len(head) + 12
    for cut in range(len(b"2\r\nab\r\n0\r\n\r\n")):
        message, _ = oracle.read_request(head + b"2\r\nab\r\n0\r\n\r\n"[:cut])
        assert not message.complete and b"ab".startswith(message.body), cut
    for body in (b"2;x\r\nab\r\n0\r\n\r\n", b"02\r\nab\r\n", b"2\nab", b"2\r\nabc\r\n", b"2\r\nab\n", b"A\r\n", b"0\r\nX: y\r\n\r\n", b" 2\r\n"):
        assert refused(oracle.read_request, head + body), body


def clients():
    one = b"POST /a/./b HTTP/1.1\r\nHost:h\r\nx:  y \r\nConnection: q\r\nQ: 1\r\nContent-Length: 2\r\n\r\nab"
    read = oracle.client_requests(one + one[:-1])
    assert [message.complete for message in read] == [True, False]
    right = (b"POST /a/b HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1\r\nX-Forwarded-Proto: http\r\nx: y\r\nVia: 1.1 p\r\n"
             b"Content-Length: 2\r\n\r\nab")
    oracle.compare(read[0], oracle.read_request(right)[0])
    for old, new in ((b"POST", b"PUT"), (b"/a/b", b"/a"), (b"x: y", b"x: z"), (b"x: y\r\n", b""), (b"\r\n\r\nab", b"\r\n\r\nac"),
                     (b"x: y", b"x: y\r\nQ: 1")):
        assert refused(lambda data: oracle.compare(read[0], oracle.read_request(data)[0]), right.replace(old, new)), new
    for bad in (one.replace(b"\r\n\r\n", b"\n\n"), one.replace(b"Host:h", b"Host:h\r\nHost:h"), one.replace(b"th: 2", b"th: 2, 2")):
        assert not [message for message in oracle.client_requests(bad) if message.complete], bad


def responses():
    right = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    assert oracle.read_response(right, 0)[0].body == b"ok"
    for old, new in ((b"Content-Length: 2\r\n", b""), (b"200", b"099"), (b"OK", b"O\x00K"), (b"Length: 2", b"Length: 2\r\nNEL: 1"),
                     (b"Length: 2", b"Length: 2\r\nSet-Cookie: passerelle-x=1"), (b"HTTP/1.1", b"HTTP/1.0")):
        assert refused(lambda data: oracle.read_response(data, 0), right.replace(old, new)), new


for test in (requests, chunks, clients, responses):
    test()
print("ok")
