"""A browser as a program sees it, where there are several origins: a jar of cookies for each host, redirects followed one by one."""

import http.client
import os
import re
import socket
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from gateway import PASSWORD, Answer, wait_until  # noqa: E402


class Browser:
    """Cookies belong to the host that set them, as all of ours do."""

    def __init__(self, gateway, name, hub="hub.localhost"):
        self.gateway, self.name = gateway, name
        self.hub = f"{hub}:{gateway.port}"
        self.jars = {}
        self.xsrf = ""

    def own(self):
        return f"{self.name}.{self.hub}"

    def request(self, method, url, body=None, headers=None):
        parts = urllib.parse.urlsplit(url)
        jar = self.jars.setdefault(parts.netloc, {})
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=30)
        everything = {"Host": parts.netloc, "Accept": "text/html"}
        if jar:
            everything["Cookie"] = "; ".join(f"{k}={v}" for k, v in jar.items())
        everything.update(headers or {})
        try:
            connection.request(method, urllib.parse.urlunsplit(("", "", *parts[2:4], "")), body, everything)
            response = connection.getresponse()
            answer = Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()
        for key, value in answer.headers:
            if key.lower() == "set-cookie":
                assert "domain=" not in value.lower(), value
                name, _, rest = value.partition("=")
                jar[name] = rest.split(";")[0]
                if "max-age=0" in value.lower():
                    del jar[name]
        token = re.search(r'name="_xsrf" value="([^"]+)"', answer.text)
        if token:
            self.xsrf = token.group(1)
        answer.url = url
        return answer

    def follow(self, url, **options):
        """All answers on the way to the first that is no redirect."""
        way = []
        while True:
            way.append(self.request("GET", url, **options))
            if way[-1].status not in (302, 303):
                return way
            assert len(way) < 12, [answer.url for answer in way]
            url = urllib.parse.urljoin(url, way[-1].header("location"))

    def post(self, path, **fields):
        return self.request("POST", f"http://{self.hub}{path}", urllib.parse.urlencode({"_xsrf": self.xsrf, **fields}),
                            {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{self.hub}"})

    def sign_in(self):
        self.follow(f"http://{self.hub}/hub/login")
        assert self.post("/hub/auth/room/login", username=self.name, password=PASSWORD).status == 303
        self.follow(f"http://{self.hub}/hub/home")
        return self

    def run(self):
        assert self.post("/hub/spawn", profile="light").status == 303
        wait_until("it runs", lambda: self.api(f"/users/{self.name}").json()["servers"].get("", {}).get("ready"))
        return self

    def api(self, path):
        return self.request("GET", f"http://{self.hub}/hub/api{path}", headers={"Accept": "application/json"})

    def own_cookie(self):
        return self.jars[self.own()]["passerelle-origin"]


def websocket(gateway, path, headers):
    connection = socket.create_connection(("127.0.0.1", gateway.port), 10)
    lines = [f"GET {path} HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="] + headers
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    head = b""
    while b"\r\n\r\n" not in head and (got := connection.recv(4096)):
        head += got
    return connection, int(head.split()[1]) if head else 0
