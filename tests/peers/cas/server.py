#!/usr/bin/python3
"""A stand-in for a CAS server: neither Debian nor npm has one that starts in seconds. It holds to CAS protocol 3.0 and is
strict where servers in the field are: a ticket is good once, for ten seconds and for the very service it was made for, and
services that are not registered get none. Single logout is sent to the service of each ticket, as Apereo CAS does.

usage: server.py REGISTERED-SERVICE-PREFIX    prints its port; people are PEOPLE below, the password is the name
GET /peer/logout?user=alice ends her session over here as an administrator would, and tells the services.
GET /peer/down?s=3 answers 503 to validations for that long. GET /peer/hang makes the next validation hang."""

import html
import http.server
import secrets
import sys
import threading
import time
import urllib.parse
import urllib.request

PEOPLE = {
    "alice": {"displayName": ["Alice Dupont"], "eduPersonAffiliation": ["member", "staff"], "uid": ["adupont"]},
    "zoe": {"displayName": ["Zoé <Müller>"], "eduPersonAffiliation": ["student"]},
    "../fry": {"displayName": ["Fry"], "eduPersonAffiliation": ["student"]},
    "ghost": {},
}
PREFIX = sys.argv[1]
lock = threading.Lock()
sessions = {}  # cookie -> user
tickets = {}   # ticket -> (service, user, renewed, until)
issued = {}    # user -> [(ticket, service)]
trouble = {"down_until": 0.0, "hang": False}


def answer(inside):
    return f"<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'>{inside}</cas:serviceResponse>".encode()


def failure(code):
    return answer(f'<cas:authenticationFailure code="{code}">no</cas:authenticationFailure>')


def success(user, with_attributes):
    inside = f"<cas:user>{html.escape(user)}</cas:user>"
    if with_attributes:
        values = "".join(f"<cas:{k}>{html.escape(v)}</cas:{k}>" for k, all_of in PEOPLE[user.lower()].items() for v in all_of)
        inside += f"<cas:attributes>{values}</cas:attributes>"
    return answer(f"<cas:authenticationSuccess>{inside}</cas:authenticationSuccess>")


def logout_request(ticket):
    return ('<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="LR-1" Version="2.0" '
            f'IssueInstant="{time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}"><saml:NameID '
            'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">@NOT_USED@</saml:NameID>'
            f"<samlp:SessionIndex>{html.escape(ticket)}</samlp:SessionIndex></samlp:LogoutRequest>")


def end_everywhere(user):
    statuses = []
    with lock:
        told = issued.pop(user, [])
        for cookie in [c for c, u in sessions.items() if u == user]:
            del sessions[cookie]
    for ticket, service in told:
        body = urllib.parse.urlencode({"logoutRequest": logout_request(ticket)}).encode()
        with urllib.request.urlopen(service, body, timeout=10) as response:
            statuses.append(response.status)
    return statuses


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", content_type="text/html; charset=utf-8", **headers):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def fields(self):
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))

    def user(self):
        cookies = dict(p.strip().split("=", 1) for p in self.headers.get("Cookie", "").split(";") if "=" in p)
        return sessions.get(cookies.get("TGC"))

    def back_to(self, service, user, renewed, **headers):
        ticket = "ST-" + secrets.token_urlsafe(24)
        with lock:
            tickets[ticket] = (service, user, renewed, time.monotonic() + 10)
            issued.setdefault(user, []).append((ticket, service))
        between = "&" if "?" in service else "?"
        self.reply(302, Location=f"{service}{between}ticket={urllib.parse.quote(ticket)}", **headers)

    def do_GET(self):
        path, fields = urllib.parse.urlsplit(self.path).path, self.fields()
        service = fields.get("service", "")
        if path == "/cas/login":
            if not service.startswith(PREFIX):
                return self.reply(403, b"application not authorised to use CAS")
            if self.user() and fields.get("renew") != "true":
                return self.back_to(service, self.user(), False)
            if fields.get("gateway") == "true" and fields.get("renew") != "true":
                return self.reply(302, Location=service)
            form = (f'<form method="post" action="{html.escape(self.path)}"><input name="username">'
                    '<input name="password" type="password"><button>Sign in</button></form>')
            return self.reply(200, form.encode())
        if path in ("/cas/serviceValidate", "/cas/p3/serviceValidate"):
            return self.validate(path, service, fields)
        if path == "/cas/logout":
            user = self.user()
            if user:
                end_everywhere(user)
            if service.startswith(urllib.parse.urljoin(PREFIX, "/")):
                return self.reply(302, Location=service, Set_Cookie="TGC=; Path=/cas; Max-Age=0")
            return self.reply(200, b"signed out", Set_Cookie="TGC=; Path=/cas; Max-Age=0")
        if path == "/peer/logout":
            return self.reply(200, repr(end_everywhere(fields["user"])).encode())
        if path == "/peer/down":
            trouble["down_until"] = time.monotonic() + float(fields["s"])
            return self.reply(200)
        if path == "/peer/hang":
            trouble["hang"] = True
            return self.reply(200)
        self.reply(404)

    def validate(self, path, service, fields):
        if trouble["hang"]:
            trouble["hang"] = False
            self.rfile.read(1)  # until the caller hangs up
            return None
        if time.monotonic() < trouble["down_until"]:
            return self.reply(503)
        ticket = fields.get("ticket", "")
        if not service or not ticket:
            body = failure("INVALID_REQUEST")
        elif not service.startswith(PREFIX):
            body = failure("UNAUTHORIZED_SERVICE")
        else:
            with lock:
                made_for, user, renewed, until = tickets.pop(ticket, ("", "", False, 0))
            if not made_for or time.monotonic() > until or (fields.get("renew") == "true" and not renewed):
                body = failure("INVALID_TICKET")
            elif made_for != service:
                body = failure("INVALID_SERVICE")
            else:
                body = success(user, path.startswith("/cas/p3/"))
        return self.reply(200, body, "application/xml; charset=utf-8")

    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        service = self.fields().get("service", "")
        user = form.get("username", "")
        if user.lower() not in PEOPLE or form.get("password") != user or not service.startswith(PREFIX):
            return self.reply(401, b"wrong")
        cookie = secrets.token_urlsafe(24)
        with lock:
            sessions[cookie] = user  # as it was typed: most servers hand that on
        return self.back_to(service, user, True, Set_Cookie=f"TGC={cookie}; Path=/cas; HttpOnly")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
