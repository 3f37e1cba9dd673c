"""Debian's JupyterHub 3.0.0 beside us: with a dummy sign-in, a folder of its own, and the place of its proxy (which does not
start on Debian 12) taken by `passerelle proxy`. What a caller wants besides stands in `config`, JupyterHub's configuration."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile

from gateway import PROGRAM, TEST_SERVER, steady_port, wait_until

COMMON = """
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{port}{base}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub}"
c.JupyterHub.authenticator_class = "jupyterhub.auth.DummyAuthenticator"
c.JupyterHub.spawner_class = "jupyterhub.spawner.SimpleLocalProcessSpawner"
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/home-{{username}}"
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.ConfigurableHTTPProxy.pid_file = "{folder}/proxy.pid"
"""
# Servers that cost nothing and answer at once.
LIGHT_SERVERS = f"""
from jupyterhub.spawner import SimpleLocalProcessSpawner
class Light(SimpleLocalProcessSpawner):
    cmd = [{os.path.abspath(TEST_SERVER)!r}, "serve"]
    def get_env(self):
        return {{**super().get_env(), "PASSERELLE_PORT": str(self.port)}}
c.JupyterHub.spawner_class = Light
"""


class RealJupyterHub:
    """Runs inside `with`; `port` is its public one, `folder` what it writes, `process` the hub (its proxy has its session)."""

    def __init__(self, config="", base="/"):
        self.folder = tempfile.mkdtemp(prefix="passerelle-jupyterhub-")
        self.port = steady_port()
        self.log_path = os.path.join(self.folder, "log")
        os.mkdir(os.path.join(self.folder, "bin"))
        os.symlink(os.path.abspath(PROGRAM), os.path.join(self.folder, "bin", "configurable-http-proxy"))
        with open(os.path.join(self.folder, "config.py"), "w") as file:
            file.write(COMMON.format(port=self.port, base=base, hub=steady_port(), api=steady_port(), folder=self.folder) + config)

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def start(self, up=None, limit=120):
        """Until it says that it runs, or until `up()` if that is given."""
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["/usr/bin/python3", "-m", "jupyterhub", "-f", "config.py"], cwd=self.folder, stdout=log, stderr=log,
                env={**os.environ, "PATH": os.path.join(self.folder, "bin") + ":/usr/bin:/bin", "HOME": self.folder},
                stdin=subprocess.DEVNULL, start_new_session=True)

        def there():
            assert self.process.poll() is None, self.log()[-4000:]
            return up() if up else "JupyterHub is now running" in self.log()
        wait_until("JupyterHub runs", there, limit, 0.02)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print(self.log()[-4000:])
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(120)
            except subprocess.TimeoutExpired:
                self.kill()
        # Its proxy and servers have sessions of their own when it was killed; they are known by their folder.
        for entry in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{entry}/cwd").startswith(self.folder):
                    os.kill(int(entry), signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)
