"""An unmodified JupyterHub (Debian's) over `passerelle proxy`: it finds our link named configurable-http-proxy on its PATH,
starts it, and a person signs in, gets a server, and runs code through its WebSocket. Once plainly, once with JupyterHub's
internal TLS, where every side shows a certificate."""

import http.client
import http.cookiejar
import json
import os
import signal
import sys
import time
import urllib.parse
import urllib.request
import uuid

import websocket

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "drivers"))
from gateway import PROGRAM, wait_until  # noqa: E402
from real_jupyterhub import RealJupyterHub  # noqa: E402

CONFIG = """
import os
c.ConfigurableHTTPProxy.api_url = c.ConfigurableHTTPProxy.api_url.replace("http:", "{scheme}:")
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 120
c.Spawner.default_url = "/tree"
c.Spawner.args = ["--allow-root"]
c.Spawner.environment = {{"JUPYTERHUB_SINGLEUSER_APP": "notebook.notebookapp.NotebookApp"}}
c.JupyterHub.internal_ssl = {internal}
c.JupyterHub.internal_certs_location = os.path.abspath("certificates")
c.JupyterHub.last_activity_interval = 2
c.JupyterHub.services = [{{"name": "test", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [{{"name": "test", "services": ["test"],
                            "scopes": ["admin:users", "admin:servers", "access:servers", "proxy"]}}]
"""


class Hub(RealJupyterHub):
    def __init__(self, internal):
        self.token = uuid.uuid4().hex
        super().__init__(CONFIG.format(token=self.token, internal=internal, scheme="https" if internal else "http"), "/base/")
        self.url = f"http://127.0.0.1:{self.port}/base"

    def ask(self, path, method="GET", body=None):
        """As the program that holds the token, through the public side."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, "/base" + path, json.dumps(body) if body is not None else None,
                           {"Authorization": "token " + self.token, "Content-Type": "application/json"})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, data

    def browser(self):
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        return urllib.request.build_opener(jar, urllib.request.ProxyHandler({}))


def run_cell(hub, name, code):
    status, data = hub.ask(f"/user/{name}/api/kernels", "POST", {"name": "python3"})
    assert status == 201, (status, data)
    kernel = json.loads(data)["id"]
    url = f"ws://127.0.0.1:{hub.port}/base/user/{name}/api/kernels/{kernel}/channels"
    channel = websocket.create_connection(url, header=["Authorization: token " + hub.token], timeout=60, http_no_proxy=["*"])
    header = {"msg_id": uuid.uuid4().hex, "username": "t", "session": uuid.uuid4().hex, "msg_type": "execute_request",
              "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    channel.send(json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}))
    while True:
        message = json.loads(channel.recv())
        if message["msg_type"] == "execute_result" and message["parent_header"]["msg_id"] == header["msg_id"]:
            channel.close()
            return message["content"]["data"]["text/plain"]


def use(internal):
    began = time.monotonic()
    with Hub(internal) as hub:
        # Whoever answers is ours, and JupyterHub started it.
        with open(os.path.join(hub.folder, "proxy.pid")) as file:
            proxy = int(file.readline())
        assert os.path.realpath(f"/proc/{proxy}/exe") == os.path.realpath(PROGRAM), proxy

        browser = hub.browser()
        form = urllib.parse.urlencode({"username": "zoë", "password": "x"}).encode()
        request = urllib.request.Request(hub.url + "/hub/login", form, {"Referer": hub.url + "/hub/login"})
        page = browser.open(request, timeout=60)  # signs in, starts the server, and is sent on until it runs
        assert page.status == 200, page.status
        name = urllib.parse.quote("zoë")
        wait_until("the server runs", lambda: hub.ask(f"/user/{name}/api/status")[0] == 200, 120, 0.2)
        page = browser.open(f"{hub.url}/user/{name}/tree", timeout=60)  # by way of OAuth, with cookies only
        assert page.geturl().endswith("/tree") and b"jupyter" in page.read().lower(), page.geturl()

        before = json.loads(hub.ask(f"/hub/api/users/{name}")[1])["last_activity"]
        assert run_cell(hub, name, "6*7") == "42"
        wait_until("the hub has learnt of the activity",
                   lambda: json.loads(hub.ask(f"/hub/api/users/{name}")[1])["last_activity"] > before, 30, 0.2)

        routes = json.loads(hub.ask("/hub/api/proxy")[1])
        assert "/base/user/zoë/" in map(urllib.parse.unquote, routes), routes
        try:
            browser.open(f"{hub.url}/nowhere/at/all", timeout=60)
            raise AssertionError("there is something at /nowhere")
        except urllib.error.HTTPError as error:
            assert error.code == 404, error.code

        assert "Traceback" not in hub.log()
        if not internal:  # it dies: JupyterHub starts another one and tells it all routes again
            os.kill(proxy, signal.SIGKILL)

            def back():
                try:
                    return hub.ask(f"/user/{name}/api/status")[0] == 200
                except OSError:
                    return False
            wait_until("the proxy is back with its routes", back, 60, 0.2)
        assert hub.ask(f"/hub/api/users/{name}/server", "DELETE")[0] in (202, 204)
        wait_until("the route is gone", lambda: hub.ask(f"/user/{name}/api/status")[0] != 200, 60, 0.2)
    print(f"internal TLS {internal}: {time.monotonic() - began:.1f} s", flush=True)


use(False)
use(True)
print("2 passed, 0 failed")
