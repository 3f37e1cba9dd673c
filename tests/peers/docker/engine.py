"""A Docker engine of the test's own: Debian's dockerd on a socket in a temporary folder, without a bridge of its own and
without iptables, and one small image made here, for no registry is asked. Ended by pid. Needs root."""

import contextlib
import http.client
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time

# Where the engine's programs are when no package put them on the PATH.
PROGRAMS = os.environ.get("DOCKER_PROGRAMS", "")
IMAGE = "peer.local/machine:1"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("docker", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def image():
    """The file system of an image that is nothing without this machine's /usr."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, mode, owner in [("usr", 0o755, 0), ("etc", 0o755, 0), ("proc", 0o555, 0), ("sys", 0o555, 0),
                                  ("dev", 0o755, 0), ("tmp", 0o1777, 0), ("test", 0o755, 0), ("home", 0o755, 0), ("sbin", 0o755, 0),
                                  ("home/jovyan", 0o755, 1000)]:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, mode, owner, 100 if owner else 0
            tar.addfile(entry)
        # /sbin is a folder: the engine lays its init there.
        for name in ["bin", "lib", "lib64"]:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, "usr/" + name
            tar.addfile(entry)
        text = b"root:x:0:0:root:/root:/bin/sh\njovyan:x:1000:100::/home/jovyan:/bin/sh\n"
        entry = tarfile.TarInfo("etc/passwd")
        entry.size, entry.mode = len(text), 0o644
        tar.addfile(entry, io.BytesIO(text))
    return buffer.getvalue()


class Engine:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="passerelle-docker-")
        self.socket = os.path.join(self.folder, "docker.sock")
        self.containerd_socket = os.path.join(self.folder, "containerd.sock")
        self.process = None
        self.containerd = None
        self.environment = dict(os.environ, PATH=(PROGRAMS + ":" if PROGRAMS else "") + os.environ["PATH"] + ":/usr/sbin")

    def spawn(self, command):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            return subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                    start_new_session=True)

    def wait(self, process, ready, what):
        end = time.monotonic() + 90
        while not ready():
            if process.poll() is not None or time.monotonic() > end:
                raise AssertionError(what + " does not start:\n" + self.log()[-3000:])
            time.sleep(0.1)

    def start(self):
        """containerd is a program of its own, as Debian's unit has it: a dockerd that starts one itself gives it 15 seconds,
        which a busy machine exceeds, and lets it die or live with a killed engine as chance has it."""
        if self.containerd is None:
            config = os.path.join(self.folder, "containerd.toml")
            with open(config, "w") as file:
                file.write('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]\n')
            self.containerd = self.spawn(
                ["containerd", "--config", config, "--address", self.containerd_socket,
                 "--root", os.path.join(self.folder, "containerd"), "--state", os.path.join(self.folder, "containerd-state")])
            self.wait(self.containerd, lambda: os.path.exists(self.containerd_socket), "containerd")
        self.process = self.spawn(
            ["dockerd", "-H", "unix://" + self.socket, "--pidfile", os.path.join(self.folder, "pid"),
             "--containerd", self.containerd_socket,
             "--data-root", os.path.join(self.folder, "data"), "--exec-root", os.path.join(self.folder, "exec"),
             "--bridge=none", "--iptables=false", "--ip6tables=false"])
        self.wait(self.process, self.answers, "the engine")

    def answers(self):
        with contextlib.suppress(OSError):
            return self.call("GET", "/_ping").status == 200
        return False

    def log(self):
        with open(os.path.join(self.folder, "log"), errors="replace") as file:
            return file.read()

    def call(self, method, path, body=None, kind="application/json", timeout=60):
        connection = UnixConnection(self.socket, timeout)
        try:
            connection.request(method, "/v1.41" + path, json.dumps(body) if kind == "application/json" and body else body,
                               {"Content-Type": kind})
            response = connection.getresponse()
            response.text = response.read().decode("utf-8", "replace")
            return response
        finally:
            connection.close()

    def json(self, method, path, body=None):
        answer = self.call(method, path, body)
        assert answer.status < 300, (method, path, answer.status, answer.text)
        return json.loads(answer.text) if answer.text else None

    def make_image(self, name=IMAGE):
        repository, tag = name.rsplit(":", 1)
        answer = self.call("POST", f"/images/create?fromSrc=-&repo={repository}&tag={tag}", image(), "application/x-tar")
        assert answer.status == 200 and "error" not in answer.text, answer.text

    def containers(self):
        return self.json("GET", "/containers/json?all=1")

    def kill(self):
        """As when the machine's engine crashes: its containers go on."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        self.start()
        self.make_image()
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print(self.log()[-4000:])
        with contextlib.suppress(Exception):
            if self.process.poll() is not None:
                self.start()
            for container in self.containers():
                self.call("DELETE", f"/containers/{container['Id']}?force=1&v=1")
            for network in self.json("GET", "/networks?filters=%7B%22type%22%3A%5B%22custom%22%5D%7D"):
                self.call("DELETE", f"/networks/{network['Id']}")
        for process in filter(None, [self.process, self.containerd]):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
            process.wait()
        with open("/proc/mounts") as mounts:
            for place in sorted((line.split()[1] for line in mounts if self.folder in line), reverse=True):
                subprocess.run(["umount", "-l", place], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def main(command):
    """Runs a test program beside an engine: its socket in DOCKER_SOCKET, and a network called "lab"."""
    if os.geteuid() != 0:
        sys.exit("this starts a Docker engine, which needs root")
    with Engine() as engine:
        engine.json("POST", "/networks/create", {"Name": "lab", "Driver": "bridge"})
        return subprocess.run(command, env=dict(os.environ, DOCKER_SOCKET=engine.socket), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
