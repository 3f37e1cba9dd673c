"""The peers: how each is configured, started on one core, and stopped. Each has name, port, path, pid, headers_file, and may
be asked for TLS on its port, or for many routes instead of one."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from measure import pinned

CHP_VERSION = "5.3.0"
ROUTE = "/user/user-{}/"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, name, log=None, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            said = log.read_text(errors="replace")[-2000:] if log else ""
            raise RuntimeError(f"{name} ended with code {process.returncode}\n{said}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"{name} does not listen on {port}")


def make_certificate(folder):
    """A P-256 key and a certificate that nobody checks."""
    key, cert = Path(folder) / "key.pem", Path(folder) / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-keyout", str(key), "-out", str(cert)], check=True, stderr=subprocess.DEVNULL)
    both = Path(folder) / "both.pem"
    both.write_text(cert.read_text() + key.read_text())
    both.chmod(0o600)
    return {"key": key, "cert": cert, "both": both}


class Peer:
    """A program on core 0, in a session of its own: only stop() ends it. What it writes goes to <folder>/<name>.log."""

    headers_file = None
    checks = "nothing"

    def __init__(self, name, folder, upstream_port, tls=None, routes=0):
        self.name, self.folder, self.upstream_port = name, Path(folder), upstream_port
        self.tls, self.routes = tls, routes
        self.path = ROUTE if routes else "/bench"
        self.port = free_port()
        self.process = None
        self.wrapper = []

    @property
    def pid(self):
        return self.process.pid if self.process else None

    def spawn(self, command, **more):
        self.log = self.folder / f"{self.name.replace(' ', '-')}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.wrapper + command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            preexec_fn=pinned(0), start_new_session=True, **more)
        wait_for_port(self.port, self.process, self.name, self.log)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def paths(self):
        return [ROUTE.format(i) for i in range(self.routes)] or ["/"]

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None


class Direct(Peer):
    """No proxy at all: what the load tool and the upstream cost by themselves."""

    def start(self):
        self.port = self.upstream_port


class Nginx(Peer):
    # One process (no master), keep-alive upstream: its best usual settings. Buffers as they come, but 64 KiB ones for
    # WebSockets would change every row; access log off. Routes: one location each.
    CONF = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log;
events {{ worker_connections 16384; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder}; client_max_body_size 0;
  map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
  upstream up {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 1000000000; }}
  proxy_http_version 1.1; proxy_read_timeout 1h; proxy_request_buffering off;
  proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
  server {{
    listen 127.0.0.1:{port} backlog=4096{ssl};
    {certificate}
{locations}
  }}
}}
"""

    def start(self):
        certificate = f"ssl_certificate {self.tls['cert']}; ssl_certificate_key {self.tls['key']}; ssl_protocols TLSv1.3;" if self.tls else ""
        locations = "\n".join(f"    location {path} {{ proxy_pass http://up; }}" for path in self.paths())
        conf = self.write("nginx.conf", self.CONF.format(
            folder=self.folder, port=self.port, upstream=self.upstream_port, ssl=" ssl" if self.tls else "",
            certificate=certificate, locations=locations))
        self.spawn([shutil.which("nginx", path="/usr/sbin:" + os.environ["PATH"]), "-c", conf, "-p", str(self.folder)])


class Haproxy(Peer):
    CONF = """
global
  nbthread 1
  maxconn 6000
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
  http-reuse always
  option forwardfor
  option splice-auto
frontend in
  bind 127.0.0.1:{port} backlog 4096{ssl}
  {choose}
backend up
  server one 127.0.0.1:{upstream}
"""

    def start(self):
        choose = "default_backend up"
        if self.routes:
            routes = self.write("haproxy.map", "".join(f"{path} up\n" for path in self.paths()))
            choose = f"use_backend %[path,map_beg({routes})]"
        conf = self.write("haproxy.cfg", self.CONF.format(
            port=self.port, upstream=self.upstream_port, choose=choose, ssl=f" ssl crt {self.tls['both']}" if self.tls else ""))
        self.spawn([shutil.which("haproxy", path="/usr/sbin:" + os.environ["PATH"]), "-db", "-f", conf])


class Caddy(Peer):
    CONF = """
{{
  admin off
  auto_https off
  storage file_system {folder}/caddy
}}
{scheme}://127.0.0.1:{port} {{
  bind 127.0.0.1
  {certificate}
{handles}
}}
"""

    def start(self):
        one = f"reverse_proxy 127.0.0.1:{self.upstream_port} {{ transport http {{\n keepalive_idle_conns_per_host 128\n }}\n }}"
        one = one.replace("{ transport", "{\n transport")
        handles = "\n".join(f"  handle {path}* {{\n {one}\n }}" for path in self.paths()) if self.routes else one
        conf = self.write("Caddyfile", self.CONF.format(
            folder=self.folder, port=self.port, scheme="https" if self.tls else "http", handles=handles,
            certificate=f"tls {self.tls['cert']} {self.tls['key']}" if self.tls else ""))
        environment = dict(os.environ, GOMAXPROCS="1", HOME=str(self.folder), XDG_CONFIG_HOME=str(self.folder))
        self.spawn(["caddy", "run", "--config", conf, "--adapter", "caddyfile"], env=environment)


class ChpLike(Peer):
    """What JupyterHub starts as its proxy: routes come over the REST API."""

    def start(self):
        self.api, self.token = free_port(), os.urandom(16).hex()
        command = self.program() + ["--ip", "127.0.0.1", "--port", str(self.port), "--api-ip", "127.0.0.1",
                                    "--api-port", str(self.api), "--log-level", "error"]
        if self.tls:
            command += ["--ssl-key", str(self.tls["key"]), "--ssl-cert", str(self.tls["cert"])]
        target = f"http://127.0.0.1:{self.upstream_port}"
        if not self.routes:
            command += ["--default-target", target]
        self.spawn(command, env=dict(os.environ, CONFIGPROXY_AUTH_TOKEN=self.token))
        if self.routes:
            wait_for_port(self.api, self.process, self.name, self.log)
            self.add_routes(self.api, self.token, target)

    def add_routes(self, port, token, target):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        begin = time.monotonic()
        for path in self.paths():
            connection.request("POST", "/api/routes" + path, json.dumps({"target": target}), {"Authorization": f"token {token}"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 201:
                raise RuntimeError(f"{self.name}: a route was answered {answer.status}")
        self.adds_per_second = self.routes / (time.monotonic() - begin)


class Chp(ChpLike):
    """configurable-http-proxy, fetched on first use."""

    def __init__(self, name, folder, upstream_port, modules, **more):
        super().__init__(name, folder, upstream_port, **more)
        self.modules = Path(modules)

    def program(self):
        package = self.modules / "node_modules/configurable-http-proxy"
        if not package.exists():
            self.modules.mkdir(parents=True, exist_ok=True)
            subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(self.modules),
                            f"configurable-http-proxy@{CHP_VERSION}"], check=True, stdout=subprocess.DEVNULL)
        return ["node", str(package / "bin/configurable-http-proxy")]


class DropIn(ChpLike):
    """`passerelle proxy`, on one thread as far as the core goes: nobody's session is asked for, as with the others."""

    def __init__(self, name, folder, upstream_port, passerelle, **more):
        super().__init__(name, folder, upstream_port, **more)
        self.passerelle = passerelle

    def program(self):
        return [str(self.passerelle), "proxy"]
