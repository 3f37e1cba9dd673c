"""The peers: how each is configured, started on one core, and stopped. Each has name, port, path, pid, headers_file."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from measure import pinned

CHP_VERSION = "5.3.0"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, name, log=None, seconds=15):
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


class Peer:
    """A program on core 0, in a session of its own: only stop() ends it. What it writes goes to <folder>/<name>.log."""

    path = "/bench"
    headers_file = None
    checks = "nothing"

    def __init__(self, name, folder, upstream_port):
        self.name, self.folder, self.upstream_port = name, Path(folder), upstream_port
        self.port = free_port()
        self.process = None

    @property
    def pid(self):
        return self.process.pid if self.process else None

    def spawn(self, command, **more):
        self.log = self.folder / f"{self.name.replace(' ', '-')}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            preexec_fn=pinned(0), start_new_session=True, **more)
        wait_for_port(self.port, self.process, self.name, self.log)

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
    # One process (no master), keep-alive upstream: its best usual settings. Buffers as they come.
    CONF = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log;
events {{ worker_connections 16384; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
  upstream up {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://up; proxy_http_version 1.1; proxy_read_timeout 1h;
      proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
    }}
  }}
}}
"""

    def start(self):
        conf = self.folder / "nginx.conf"
        conf.write_text(self.CONF.format(folder=self.folder, port=self.port, upstream=self.upstream_port))
        self.spawn([shutil.which("nginx", path="/usr/sbin:" + os.environ["PATH"]), "-c", str(conf), "-p", str(self.folder)])


class Haproxy(Peer):
    CONF = """
global
  nbthread 1
  maxconn 8000
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
  http-reuse always
  option forwardfor
frontend in
  bind 127.0.0.1:{port} backlog 4096
  default_backend up
backend up
  server one 127.0.0.1:{upstream}
"""

    def start(self):
        conf = self.folder / "haproxy.cfg"
        conf.write_text(self.CONF.format(port=self.port, upstream=self.upstream_port))
        self.spawn([shutil.which("haproxy", path="/usr/sbin:" + os.environ["PATH"]), "-db", "-f", str(conf)])


class Chp(Peer):
    """configurable-http-proxy, fetched on first use; what JupyterHub runs."""

    def __init__(self, name, folder, upstream_port, modules):
        super().__init__(name, folder, upstream_port)
        self.modules = Path(modules)

    def start(self):
        package = self.modules / "node_modules/configurable-http-proxy"
        if not package.exists():
            self.modules.mkdir(parents=True, exist_ok=True)
            subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(self.modules),
                            f"configurable-http-proxy@{CHP_VERSION}"], check=True, stdout=subprocess.DEVNULL)
        environment = dict(os.environ, CONFIGPROXY_AUTH_TOKEN=os.urandom(16).hex())
        self.spawn(["node", str(package / "bin/configurable-http-proxy"), "--ip", "127.0.0.1", "--port", str(self.port),
                    "--api-ip", "127.0.0.1", "--api-port", str(free_port()), "--log-level", "error",
                    "--default-target", f"http://127.0.0.1:{self.upstream_port}"], env=environment)
