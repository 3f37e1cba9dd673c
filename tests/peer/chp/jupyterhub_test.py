"""An unmodified JupyterHub (Debian's) over `passerelle proxy`: it finds our link named configurable-http-proxy on its PATH,
starts it, and a person signs in, gets a server, and runs code through its WebSocket. Once plainly, once with JupyterHub's
internal TLS, where every side shows a certificate."""

import http.client
import http.cookiejar
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import uuid

import websocket

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "drivers"))
from gateway import PROGRAM, wait_until  # noqa: E402

CONFIG = """
c.JupyterHub.bind_url = "http://127.0.0.1:{public}/base/"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub}"
c.ConfigurableHTTPProxy.api_url = "http{secure}://127.0.0.1:{api}"
c.JupyterHub.authenticator_class = "jupyterhub.auth.DummyAuthenticator"
c.JupyterHub.spawner_class = "jupyterhub.spawner.SimpleLocalProcessSpawner"
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/home-{{username}}"
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 120
c.Spawner.default_url = "/tree"
c.Spawner.args = ["--allow-root"]
c.Spawner.environment = {{"JUPYTERHUB_SINGLEUSER_APP": "notebook.notebookapp.NotebookApp"}}
c.JupyterHub.internal_ssl = {internal}
c.JupyterHub.internal_certs_location = "{folder}/certificates"
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = "{folder}/proxy.pid"
c.JupyterHub.last_activity_interval = 2
c.JupyterHub.services = [{{"name": "test", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [{{"name": "test", "services": ["test"],
                            "scopes": ["admin:users", "admin:servers", "access:servers", "proxy"]}}]
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Hub:
    def __init__(self, internal):
        self.folder = tempfile.mkdtemp(prefix="passerelle-hub-")
        self.token = uuid.uuid4().hex
        self.public, self.hub, self.api = free_ports(3)
        os.mkdir(os.path.join(self.folder, "bin"))
        os.symlink(os.path.abspath(PROGRAM), os.path.join(self.folder, "bin", "configurable-http-proxy"))
        with open(os.path.join(self.folder, "config.py"), "w") as file:
            file.write(CONFIG.format(public=self.public, hub=self.hub, api=self.api, folder=self.folder, token=self.token,
                                     internal=internal, secure="s" if internal else ""))
        self.log_path = os.path.join(self.folder, "log")
        self.url = f"http://127.0.0.1:{self.public}/base"

    def __enter__(self):
        path = os.path.join(self.folder, "bin") + os.pathsep + "/usr/bin:/bin"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["/usr/bin/python3", "-m", "jupyterhub", "-f", "config.py"], cwd=self.folder, stdout=log, stderr=log,
                env={**os.environ, "PATH": path, "HOME": self.folder}, stdin=subprocess.DEVNULL, start_new_session=True)

        def up():
            if self.process.poll() is not None:
                raise AssertionError(f"JupyterHub ended with {self.process.returncode}\n{self.log()[-4000:]}")
            return "JupyterHub is now running" in self.log()
        wait_until("JupyterHub runs", up, 120)
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print(self.log()[-8000:])
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def ask(self, path, method="GET", body=None):
        """As the program that holds the token, through the public side."""
        connection = http.client.HTTPConnection("127.0.0.1", self.public, timeout=60)
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
    url = f"ws://127.0.0.1:{hub.public}/base/user/{name}/api/kernels/{kernel}/channels"
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
