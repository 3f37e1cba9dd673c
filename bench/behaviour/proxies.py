"""Caddy and the bare proxy, beside the peers of bench/peers."""

import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "peers"))
import peers as bench  # noqa: E402


class Caddy(bench.Peer):
    """Unlike the one of bench/peers it serves every Host, as the others do."""

    CONF = """
{{
  admin off
  auto_https off
}}
http://:{port} {{
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:{upstream}
}}
"""

    def start(self):
        conf = self.folder / "Caddyfile"
        conf.write_text(self.CONF.format(port=self.port, upstream=self.upstream_port))
        self.spawn([shutil.which("caddy"), "run", "--adapter", "caddyfile", "--config", str(conf)],
                   env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin", "XDG_DATA_HOME": str(self.folder)})


class Passerelle(bench.Peer):
    """The proxy without hub and session: every request is let through."""

    def __init__(self, name, folder, upstream_port, program):
        super().__init__(name, folder, upstream_port)
        self.program = program

    def start(self):
        self.process = subprocess.Popen([str(self.program), f"/=127.0.0.1:{self.upstream_port}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait(15)
        self.process = None


def all_peers(folder, port, program, modules):
    return [Passerelle("passerelle", folder, port, program), bench.Nginx("nginx", folder, port), bench.Haproxy("HAProxy", folder, port),
            Caddy("Caddy", folder, port), bench.Chp("CHP", folder, port, modules)]
