"""A strict reader of HTTP/1.1 bytes (RFC 9112), made to judge what passerelle sends: to servers (`read_request`), to
clients (`read_response`), and what a client's bytes mean at most (`read_client`). It shares no code and no table with
the proxy. Whatever could be read in two ways is a Violation.

Each reader takes bytes and an offset and gives (message, next offset); message None: more bytes are needed."""

import re

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
VALUE = rb"[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e]+) HTTP/1\.([0-9])\Z")
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)\Z")
OUR_FIELD = re.compile(rb"([0-9A-Za-z!#$%&'*+\-.^_`|~]+): (" + VALUE + rb")?\Z")
ANY_FIELD = re.compile(rb"(" + TOKEN + rb"):[\t ]*(" + VALUE + rb")?[\t ]*\Z")
HOST = re.compile(rb"(?:[0-9A-Za-z._\-]{1,255}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\Z")
PATH = re.compile(rb"(?:/(?:[!$&'()*+,\-.0-9:;<=>@A-Z\[\]^_`a-z{|}~\"]|%[0-9A-Fa-f]{2})*)+\Z")
DOT_SEGMENT = re.compile(rb"/(?:\.|%2[eE]){1,2}(?:/|\Z)")
LENGTH = re.compile(rb"0\Z|[1-9][0-9]{0,18}\Z")
CLIENT_LENGTH = re.compile(rb"[0-9]+\Z")
CHUNK_SIZE = re.compile(rb"0\Z|[1-9a-f][0-9a-f]{0,15}\Z")
CLIENT_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[\t\x20-\x7e\x80-\xff]{0,256})?\Z")
MOST_HEAD = 32 * 1024
MOST_LINE = 20 * 1024

HOP_BY_HOP = {b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization", b"trailer",
              b"http2-settings"}
OURS_ALONE = {b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port", b"host"}
ONCE = OURS_ALONE | {b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"te", b"cookie", b"authorization",
                     b"content-type", b"origin", b"expect"}
NEVER_DOWN = {b"clear-site-data", b"service-worker-allowed", b"strict-transport-security", b"alt-svc", b"nel", b"report-to"}


class Violation(Exception):
    pass


class Message:
    """A request (method, target) or a response (status), its fields as (name, value) in order, its decoded body."""

    __slots__ = ("method", "target", "minor", "status", "fields", "body", "complete", "framing")

    def __init__(self):
        self.method = self.target = None
        self.status = None
        self.minor = 1
        self.fields, self.body, self.complete, self.framing = [], b"", True, "none"

    def values(self, name):
        return [value for key, value in self.fields if key.lower() == name]

    def value(self, name):
        found = self.values(name)
        return found[0] if found else None

    def __repr__(self):
        return f"{self.method or self.status} {self.target} {self.fields} {self.body[:60]!r}"


def require(condition, what, *about):
    if not condition:
        raise Violation(what + "".join(f" {item!r}" for item in about))


def head_lines(data, at, limit=MOST_HEAD):
    """The lines of the head at `at`, without the empty one, and the offset behind it; (None, at) if it has not ended."""
    end = data.find(b"\r\n\r\n", at)
    if end < 0:
        require(len(data) - at <= limit + MOST_LINE, "an endless head")
        return None, at
    return data[at:end].split(b"\r\n"), end + 4


def read_fields(lines, pattern):
    fields = []
    for line in lines:
        match = pattern.match(line)
        require(match, "malformed field line", line)
        fields.append((match.group(1), match.group(2) or b""))
    return fields


def read_chunks(data, at, size_line, canonical):
    """(body, offset, complete). Canonical chunks have neither extension nor trailer."""
    body = []
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            rest = data[at:]
            require(b"\n" not in rest and len(rest) < 400, "malformed chunk line", rest[:80])
            return b"".join(body), at, False
        match = size_line.match(data[at:end])
        require(match, "malformed chunk size", data[at:end][:80])
        size = int(match.group(1) if match.lastindex else match.group(0), 16)
        at = end + 2
        if size == 0:
            break
        if len(data) < at + size + 2:
            body.append(data[at:at + size])
            require(b"\r\n".startswith(data[at + size:at + size + 2]), "no CR LF behind a chunk")
            return b"".join(body), len(data), False
        require(data[at + size:at + size + 2] == b"\r\n", "no CR LF behind a chunk", data[at + size:at + size + 2])
        body.append(data[at:at + size])
        at += size + 2
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            require(b"\n" not in data[at:], "bare LF in trailers")
            return b"".join(body), at, False
        line, at = data[at:end], end + 2
        if not line:
            return b"".join(body), at, True
        require(not canonical, "a trailer", line)
        require(ANY_FIELD.match(line), "malformed trailer", line)


def attach_body(message, data, at, framing, size_line, canonical):
    message.framing = framing[0]
    if framing[0] == "chunked":
        message.body, at, message.complete = read_chunks(data, at, size_line, canonical)
    elif framing[0] == "length":
        message.body = data[at:at + framing[1]]
        message.complete = len(message.body) == framing[1]
        at += len(message.body)
    return at


def our_framing(message):
    lengths, codings = message.values(b"content-length"), message.values(b"transfer-encoding")
    require(len(lengths) + len(codings) <= 1, "two framings", lengths, codings)
    if codings:
        require(codings[0] == b"chunked", "odd transfer coding", codings)
        return ("chunked",)
    if lengths:
        require(LENGTH.match(lengths[0]), "odd length", lengths)
        return ("length", int(lengths[0]))
    return ("none",)


def judge_target(method, target):
    if target == b"*":
        require(method == b"OPTIONS", "* without OPTIONS")
        return
    path, _, _ = target.partition(b"?")
    require(PATH.match(path), "odd path", path[:80])
    require(b"%00" not in path, "NUL in the path", path)
    require(not DOT_SEGMENT.search(path), "dot segment", path)
    require(b"#" not in target, "fragment", target)


def judge_connection(message):
    connection, upgrade, te = (message.value(name) for name in (b"connection", b"upgrade", b"te"))
    require(connection in (None, b"Upgrade", b"TE"), "odd Connection", connection)
    require((connection == b"Upgrade") == (upgrade == b"websocket") and (upgrade is None or upgrade == b"websocket"),
            "Upgrade without Connection", connection, upgrade)
    require((connection == b"TE") == (te is not None) and te in (None, b"trailers"), "TE", connection, te)


def judge_request_fields(message):
    seen = set()
    for name, _ in message.fields:
        lower = name.lower()
        require(re.match(rb"[0-9a-z\-]+\Z", lower), "odd field name went through", name)
        require(lower not in HOP_BY_HOP, "hop-by-hop field went through", name)
        require(lower not in ONCE or lower not in seen, "field stands twice", name)
        require(not lower.startswith(b"x-forwarded-") or lower in OURS_ALONE, "a claim about the client", name)
        require(lower not in (b"forwarded", b"x-real-ip", b"x-scheme", b"authorization"), "went through", name)
        seen.add(lower)
    require(b"via" in seen, "no Via")
    require({b"host", b"x-forwarded-for", b"x-forwarded-proto"} <= seen or message.value(b"host") is None, "our fields")
    for pair in (message.value(b"cookie") or b"").split(b";"):
        require(not pair.strip().lstrip(b"=").startswith((b"passerelle-", b"__Host-passerelle-")), "our cookie", pair)


def read_request(data, at=0):
    """One request as we forward it: canonical to the last byte."""
    lines, body_at = head_lines(data, at)
    if lines is None:
        return None, at
    message = Message()
    match = REQUEST_LINE.match(lines[0])
    require(match and match.group(3) == b"1", "malformed request line", lines[0][:120])
    message.method, message.target = match.group(1), match.group(2)
    judge_target(message.method, message.target)
    message.fields = read_fields(lines[1:], OUR_FIELD)
    host = message.value(b"host")
    require(host is None or HOST.match(host), "odd Host", host)
    judge_request_fields(message)
    judge_connection(message)
    framing = our_framing(message)
    return message, attach_body(message, data, body_at, framing, CHUNK_SIZE, True)


def client_framing(message):
    lengths, codings = message.values(b"content-length"), message.values(b"transfer-encoding")
    require(len(lengths) + len(codings) <= 1, "two framings")
    if codings:
        require(message.minor > 0 and codings[0].lower() == b"chunked", "transfer coding")
        return ("chunked",)
    if lengths:
        require(CLIENT_LENGTH.match(lengths[0]) and int(lengths[0]) < 2**63, "length")
        return ("length", int(lengths[0]))
    return ("none",)


def read_client(data, at=0):
    """One request as a client may write it: the grammar, without any of its leniencies but one empty line in front."""
    if data[at:at + 2] == b"\r\n":
        at += 2
    lines, body_at = head_lines(data, at)
    if lines is None:
        return None, at
    message = Message()
    match = REQUEST_LINE.match(lines[0])
    require(match, "malformed request line", lines[0][:120])
    message.method, message.target, message.minor = match.group(1), match.group(2), int(match.group(3) != b"0")
    message.fields = read_fields(lines[1:], ANY_FIELD)
    hosts = message.values(b"host")
    require(len(hosts) == 1 or (not hosts and message.minor == 0), "not one Host")
    require(all(HOST.match(host) for host in hosts), "odd Host")
    framing = client_framing(message)
    return message, attach_body(message, data, body_at, framing, CLIENT_CHUNK_LINE, False)


def client_requests(data):
    """All that a strict server could take `data` for: whole requests, up to the first doubt; then perhaps one unfinished."""
    requests, at = [], 0
    while at < len(data):
        try:
            message, after = read_client(data, at)
        except Violation:
            # A body that goes wrong half-way has a good head: it may have been forwarded, unfinished.
            message, after = unfinished(data, at)
            if message is not None:
                requests.append(message)
            break
        if message is None:
            break
        requests.append(message)
        if not message.complete:
            break
        at = after
    return requests


def unfinished(data, at):
    if data[at:at + 2] == b"\r\n":
        at += 2
    end = data.find(b"\r\n\r\n", at)
    if end < 0:
        return None, at
    try:
        message, _ = read_client(data[:end + 4], at)
    except Violation:
        return None, at
    if message is None or message.complete:
        return None, at
    return message, end + 4


def read_response(data, at, asked_head=False):
    """One response as we give it to a client of HTTP/1.1."""
    lines, body_at = head_lines(data, at)
    if lines is None:
        return None, at
    message = Message()
    match = STATUS_LINE.match(lines[0])
    require(match, "malformed status line", lines[0][:120])
    message.status = int(match.group(1))
    message.fields = read_fields(lines[1:], OUR_FIELD)
    for name, value in message.fields:
        lower = name.lower()
        require(lower not in HOP_BY_HOP and lower not in NEVER_DOWN, "field went through", name)
        require(lower != b"set-cookie" or not value.lstrip(b" =").startswith((b"passerelle-", b"__Host-passerelle-")),
                "our cookie", value)
    require(message.value(b"connection") in (None, b"close", b"keep-alive", b"Upgrade"), "odd Connection")
    framing = our_framing(message)
    if message.status < 200 or message.status in (204, 304) or asked_head:
        require(message.status >= 200 or framing == ("none",), "an interim response with a length")
        return message, body_at
    require(framing[0] != "none", "a response that only ends with the connection")
    return message, attach_body(message, data, body_at, framing, CHUNK_SIZE, True)


# What of a client's request must arrive, by a model of its own.

DROPPED_UP = HOP_BY_HOP | OURS_ALONE | {b"connection", b"te", b"upgrade", b"transfer-encoding", b"content-length", b"cookie",
                                        b"authorization", b"forwarded", b"x-real-ip", b"x-scheme"}
IMMUNE = {b"origin", b"expect", b"content-type", b"date", b"set-cookie", b"sec-fetch-mode", b"sec-fetch-site",
          b"sec-websocket-accept", b"sec-websocket-key", b"sec-websocket-version"}


def canonical_target(target):
    """Path with dot segments resolved (also %2e), query as it is; absolute form reduced to both."""
    match = re.match(rb"(?i)https?://[^/?]*", target)
    if match:
        target = target[match.end():]
        if not target.startswith(b"/"):
            target = b"/" + target
    path, mark, query = target.partition(b"?")
    out = []
    segments = path.split(b"/")[1:]
    for index, segment in enumerate(segments):
        plain = segment.lower().replace(b"%2e", b".")
        last = index == len(segments) - 1
        if plain == b".." and out:
            out.pop()
        if plain not in (b".", b".."):
            out.append(segment)
        elif last:
            out.append(b"")
    return b"/" + b"/".join(out) + mark + query


def end_to_end(message):
    """The fields that cross unchanged, in order."""
    named = {token.strip().lower() for value in message.values(b"connection") for token in value.split(b",")} - IMMUNE
    return [(name, value) for name, value in message.fields
            if re.match(rb"[0-9A-Za-z\-]+\Z", name) and name.lower() not in DROPPED_UP and name.lower() not in named
            and not name.lower().startswith(b"x-forwarded-")]


def cookies(message):
    pairs = [pair.strip(b" \t") for line in message.values(b"cookie") for pair in line.split(b";")]
    return [pair for pair in pairs if pair]


def compare(sent, forwarded, finished=True):
    """Raises Violation unless `forwarded` is `sent` as it must arrive."""
    require(sent.method == forwarded.method, "another method", sent.method, forwarded.method)
    wanted = sent.target if sent.target == b"*" else canonical_target(sent.target)
    require(wanted == forwarded.target, "another target", wanted, forwarded.target)
    ours = [(name, b"%d" % (int(value) - 1) if name.lower() == b"max-forwards" and sent.method == b"OPTIONS" else value)
            for name, value in end_to_end(sent)]
    arrived = end_to_end(forwarded)
    require(arrived and arrived[-1][0] == b"Via", "Via is not the last", arrived)
    require(ours == arrived[:-1], "other fields", ours, arrived)
    require(cookies(sent) == cookies(forwarded), "other cookies")
    if finished:
        require(sent.complete and sent.body == forwarded.body, "another body", sent.body[:80], forwarded.body[:80])
    else:
        require(sent.body.startswith(forwarded.body), "another beginning of a body", sent.body[:80], forwarded.body[:80])
