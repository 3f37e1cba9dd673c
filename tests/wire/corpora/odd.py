"""Odd requests: those of tests/data/http, and the mutations of one field line that smuggler (defparam/smuggler, MIT)
tries, made anew from its three lists: 134 + 966 + 668."""

import os
import re

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../data/http")
TE = b"Transfer-Encoding"


def unescape(text):
    raw = text.encode("latin-1").decode("unicode_escape").encode("latin-1")
    return re.sub(rb"\{(\d+) (.)\}", lambda match: match.group(2) * int(match.group(1)), raw)


def from_file(path=os.path.join(FOLDER, "odd_requests.txt")):
    """(name, bytes) of each line."""
    with open(path, encoding="ascii") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                name, payload = line.rstrip("\n").split(": ", 1)
                yield name, unescape(payload)


def from_trophies(path):
    """The payloads of the HTTP Garden's own list, for a run by hand beside a checkout."""
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            payload = re.match(r"\s*- Payload: `(.*)`", line)
            if payload:
                raw = "".join(payload.group(1).split("` `"))
                yield f"TROPHIES.md:{number}", raw.encode("latin-1").decode("unicode_escape").encode("latin-1")


def line(before="", name_end="", value_start=" ", value_end=""):
    return f"{before}Transfer-Encoding{name_end}:{value_start}chunked{value_end}"


def default_lines():
    yield line(before=" ")
    yield line(value_start="\t")
    yield line(name_end="\t", value_start="\t")
    yield line(name_end=" ")
    for code in (1, 4, 8, 9, 10, 11, 12, 13, 0x1F, 0x20, 0x7F, 0xA0, 0xFF):
        c = chr(code)
        yield line(value_start=c)
        yield line(name_end=c)
        yield line(before=c)
        yield line(value_end=c)
        for front in ("X: X" + c, "X: X\r" + c, "X: X" + c + "\n"):
            yield line(before=front)
        for behind in (c + "X: X", "\r" + c + "X: X", c + "\nX: X"):
            yield line(value_end=behind)


def double_lines():
    places = ("before", "name_end", "value_start", "value_end")
    for code in [*range(1, 0x21), *range(0x7F, 0x100)]:
        for first in range(4):
            for second in range(first + 1, 4):
                yield line(**{places[first]: chr(code), places[second]: chr(code)})


def exhaustive_lines():
    yield from (line(before=" "), line(value_start="\t"), line(name_end="\t", value_start="\t"), line(name_end=" "),
                line(value_start="  "), line(value_start="\v"), line(value_end=", cow"), line(value_start=" cow, "),
                line(value_start="\n "), line(value_end="\r"), line(value_end="\t"), line(value_start="\xff"),
                line(before=line(value_start=" cow").replace("chunked", "") + "\r\n"), line(before="X:X\r"), line(before="X:X\n"),
                "Transfer Encoding: chunked", "Transfer_Encoding: chunked", "Transfer Encoding:chunked", "Content-Encoding: chunked",
                'Transfer-Encoding: "chunked"', "Transfer-Encoding: 'chunked'", "Transfer-Encoding: chunk",
                "TrAnSFer-EnCODinG: cHuNkeD", "TRANSFER-ENCODING: CHUNKED", "Transfer\r-Encoding: chunked",
                "Transfer-Encoding: cow chunked bar", "Transfer-Encoding: ch\x96nked", "Transf\x82r-Encoding: chunked")
    for code in [*range(1, 0x20), *range(0x7F, 0x100)]:
        for place in ("before", "name_end", "value_start", "value_end"):
            yield line(**{place: chr(code)})


def mutations():
    """(name, bytes): each line with a length that reaches too far behind the chunks, and with one that ends among them;
    as smuggler sends it (UTF-8), and where that differs, with the very byte."""
    bodies = ((6, b"0\r\n\r\nX"), (4, b"1\r\nZ\r\n0\r\n\r\n"))
    for group, lines in (("default", default_lines()), ("double", double_lines()), ("exhaustive", exhaustive_lines())):
        for number, odd in enumerate(lines):
            for coding in ("utf-8", "latin-1"):
                if coding == "latin-1" and odd.isascii():
                    continue
                for length, body in bodies:
                    head = (b"POST /u?cb=1 HTTP/1.1\r\n" + odd.encode(coding) + b"\r\nHost: t.example\r\nUser-Agent: Mozilla/5.0\r\n"
                            b"Content-type: application/x-www-form-urlencoded; charset=UTF-8\r\nContent-Length: %d\r\n\r\n" % length)
                    yield f"{group} {number} {coding} {length}", head + body
