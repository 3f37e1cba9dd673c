#!/usr/bin/env python3
"""docker/: the gateway's image built from docker/Dockerfile, and the workshop of docker/workshop as docker-compose brings it up: a
directory's people, a notebook in a container, a restart. Everything but its bases is built here; no registry is asked: a Debian 12 is
laid out from its packages once per machine, and another one with Jupyter carries the name that the workshop's configuration asks for.

The programs are this build's own. With --compile the first stage of the Dockerfile compiles them instead, some twenty minutes long."""

import ctypes
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests"))
import websocket  # noqa: E402
from drivers.gateway import PROGRAM, Person, wait_until  # noqa: E402
from drivers.notebook import execute  # noqa: E402
from peers.docker.engine import Engine  # noqa: E402

WORKSHOP = os.path.join(ROOT, "docker", "workshop")
KEPT = "/var/cache/passerelle/containers"
BASE, PROGRAMS = "peer.local/debian:12", "peer.local/programs:1"
ORIGIN = "http://localhost:8000"  # the public_url of the workshop
CLONE_NEWNET = 0x40000000
BEGAN = time.monotonic()
# What the image that the workshop names has by that name; Debian's has it by another.
LAB = b"#!/bin/sh\nexec jupyter-server \"$@\"\n"


def said(text):
    print(f"{time.monotonic() - BEGAN:6.1f} s  {text}", flush=True)


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-4000:])
    return done.stdout


def sources():
    """This machine's own, if it is a Debian 12 itself: its mirror is near, or the only one that it may ask."""
    listed = run(["apt-get", "indextargets", "--format", "deb $(SITE) $(RELEASE) $(COMPONENT)", "Created-By: Packages", "Origin: Debian"])
    return "".join(line + "\n" for line in sorted(set(listed.splitlines())) if " bookworm" in line)


def layout(name, packages):
    """A Debian 12 with those packages, as a tar file that is kept."""
    os.makedirs(KEPT, exist_ok=True)
    path = os.path.join(KEPT, name + ".tar")
    with open(path + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            include = ["--include=" + ",".join(packages)] if packages else []
            own = sources()
            run(["mmdebstrap", "--quiet", "--variant=minbase", "--dpkgopt=force-unsafe-io", *include, "bookworm", path + ".new.tar",
                 *(["-"] if own else [])], input=own)
            os.replace(path + ".new.tar", path)
    return path


class Client:
    """Debian's docker and docker-compose on that engine."""

    def __init__(self, engine, folder):
        self.environment = dict(os.environ, DOCKER_HOST="unix://" + engine.socket, DOCKER_BUILDKIT="1", HOME=folder,
                                DOCKER_GID=str(os.stat(engine.socket).st_gid))
        self.override = os.path.join(folder, "here.yaml")
        with open(self.override, "w") as file:  # the engine of the test has a socket of its own
            json.dump({"services": {"gateway": {"volumes": [f"{engine.socket}:/var/run/docker.sock"]}}}, file)

    def docker(self, *arguments, **options):
        return run(["/usr/bin/docker", *arguments], env=self.environment, **options)

    def compose(self, *arguments):
        return run(["/usr/bin/docker-compose", "-p", "workshop", "-f", os.path.join(WORKSHOP, "compose.yaml"), "-f", self.override,
                    *arguments], env=self.environment)

    def gateway(self):
        name = self.compose("ps", "-q", "gateway").strip()
        return json.loads(self.docker("inspect", name))[0]


def import_bases(client, folder, compile_it):
    client.docker("import", layout("debian-12", []), BASE)
    with open(os.path.join(WORKSHOP, "passerelle.yaml")) as file:
        wanted = re.search(r'image: "([^"]+)"', file.read()).group(1)
    client.docker("import", layout("notebook", ["jupyter-server", "python3-ipykernel"]), "peer.local/notebook:1")
    with open(os.path.join(folder, "jupyter-lab"), "wb") as file:
        file.write(LAB)
    with open(os.path.join(folder, "Dockerfile"), "w") as file:
        file.write("FROM peer.local/notebook:1\nCOPY --chmod=755 jupyter-lab /usr/bin/\n"
                   "RUN useradd --uid 1000 --gid 100 --create-home jovyan\nUSER 1000\nENV HOME=/home/jovyan\n")
    client.docker("build", "-q", "--network", "host", "-t", wanted, folder)  # as if it had been pulled
    if compile_it:
        return
    tree = os.path.join(folder, "tree")
    run(["cmake", "--install", os.path.dirname(os.path.abspath(PROGRAM)), "--prefix", tree + "/usr/local", "--strip"])
    programs = [os.path.join(tree, "usr/local/bin", name) for name in os.listdir(tree + "/usr/local/bin") if name.startswith("passerelle")]
    os.makedirs(tree + "/usr/local/share", exist_ok=True)
    with open(tree + "/usr/local/share/passerelle.packages", "w") as file:
        file.write(run([os.path.join(ROOT, "docker", "needed-packages.sh"), *programs]))
    path = os.path.join(folder, "programs.tar")
    with tarfile.open(path, "w") as tar:
        tar.add(tree, "out")
    client.docker("import", path, PROGRAMS)


def build_images(client, compile_it):
    begins = ["--network", "host", "--build-arg", "BASE=" + BASE]
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        begins += ["--build-arg", name] if name in os.environ else []
    programs = [] if compile_it else ["--build-arg", "PROGRAMS=" + PROGRAMS]
    client.docker("build", "-t", "passerelle", "-f", os.path.join(ROOT, "docker", "Dockerfile"), *begins, *programs, ROOT)
    said("docker/Dockerfile is built")
    client.docker("build", "-t", "passerelle-workshop-directory", *begins, os.path.join(WORKSHOP, "directory"))
    said("docker/workshop/directory is built")
    image = json.loads(client.docker("image", "inspect", "passerelle"))[0]
    assert image["Config"]["User"] == "64000" and image["Config"]["Healthcheck"]["Test"][1:3] == ["passerelle", "status"], image["Config"]
    built = json.loads(client.docker("image", "inspect", BASE))[0]["Size"]
    said(f"the image has {(image['Size'] - built) >> 20} MiB more than its base")


def alone():
    """From here on this process, and what it starts, has a network of its own: the workshop publishes a port to all addresses."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    run(["ip", "link", "set", "lo", "up"])


class Guest(Person):
    """Somebody who typed the address of the workshop."""

    class Address:
        port = 8000

    def __init__(self, name):
        super().__init__(self.Address, name)

    def request(self, method, path, body=None, headers=None, timeout=60):
        headers = {**(headers or {}), "Host": "localhost:8000"}
        if "Origin" in headers:
            headers["Origin"] = ORIGIN
        return super().request(method, path, body, headers, timeout)

    def enter(self, password):
        self.get("/hub/login")
        return self.post("/hub/auth/people/login", username=self.name, password=password)

    def compute(self, code):
        made = self.request("POST", f"/user/{self.name}/api/kernels?_xsrf=", "{}", {"Content-Type": "application/json", "Origin": ORIGIN})
        assert made.status == 201, (made.status, made.text)
        channel = websocket.create_connection(f"ws://localhost:8000/user/{self.name}/api/kernels/{made.json()['id']}/channels",
                                              header=["Cookie: " + self.cookie_header()], origin=ORIGIN, timeout=60)
        try:
            return execute(channel, code)
        finally:
            channel.close()


def exec_works(client):
    """Whoever enters a container's mount namespace stands at that namespace's root. Where this machine is a chroot, that is outside of
    the container, and neither `docker exec` nor a health check can do anything."""
    own = "/usr/local/share/passerelle.packages"  # of the image, and nowhere else
    return subprocess.run(["/usr/bin/docker", "exec", client.gateway()["Id"], "test", "-e", own], env=client.environment,
                          capture_output=True, check=False).returncode == 0


def healthy(client):
    def look():
        gateway = client.gateway()
        assert gateway["State"]["Running"], client.compose("logs", "gateway")[-3000:]
        return gateway["State"]["Health"]["Status"] == "healthy"

    def ask():
        """The same command beside it."""
        asked = subprocess.run(["/usr/bin/docker", "run", "--rm", "--network=none", "--volumes-from", client.gateway()["Id"], "passerelle",
                                "status", "--data-dir", "/var/lib/passerelle"], env=client.environment, capture_output=True, check=False)
        return asked.returncode == 0
    if exec_works(client):
        wait_until("the gateway is healthy", look, 90, 0.5)
    else:
        said("this is a chroot, where no health check can run: asked beside it")
        wait_until("the gateway is healthy", ask, 90, 0.5)


def least_privilege(engine, client):
    """Of the gateway itself, as the kernel tells it."""
    listed = engine.json("GET", f"/containers/{client.gateway()['Id']}/top?ps_args=-eo%20pid,args")["Processes"]
    pid = next(pid for pid, command in listed if command.startswith("passerelle serve"))
    with open(f"/proc/{pid}/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    assert set(status["Uid"].split()) == {"64000"} and int(status["CapEff"], 16) == 0 and status["NoNewPrivs"] == "1", status


def workshop(engine, client):
    client.compose("up", "-d", "--no-build")
    healthy(client)
    said("the gateway is healthy")
    least_privilege(engine, client)

    ada = Guest("ada")
    assert ada.enter("wrong").status == 403
    assert ada.enter("change me, Ada").status == 303
    assert ada.get("/hub/admin").status == 403
    ada.launch("notebook")
    ada.wait_ready(120)
    assert ada.compute("6 * 7") == "42"
    said("ada computes in a container")
    notebooks = [c for c in engine.containers() if c["Labels"].get("passerelle.user") == "ada"]
    assert len(notebooks) == 1 and list(notebooks[0]["NetworkSettings"]["Networks"]) == ["passerelle-notebooks"], notebooks
    limits = engine.json("GET", f"/containers/{notebooks[0]['Id']}/json")["HostConfig"]
    assert limits["Memory"] == 2 << 30 and limits["PidsLimit"] == 512 and limits["NanoCpus"] == 2 * 10**9, limits

    emmy = Guest("emmy")  # of the teachers
    assert emmy.enter("change me, Emmy").status == 303 and emmy.get("/hub/admin").status == 200

    # Another container of the same image and volume takes over; the notebook does not notice.
    before = client.gateway()["Id"]
    client.compose("up", "-d", "--no-build", "--force-recreate", "--no-deps", "gateway")
    healthy(client)
    assert client.gateway()["Id"] != before
    wait_until("ada's server is adopted", lambda: ada.server()["ready"], 30)
    assert ada.compute("7 * 8") == "56"
    said("and goes on after the gateway's container was replaced")
    ada.stop()
    ada.wait_stopped()
    assert not [c for c in engine.containers() if c["Labels"].get("passerelle.user")]
    said("her container is gone")
    client.compose("down", "-v")
    assert not engine.containers()
    said("all are gone")


def main():
    if os.geteuid() != 0:
        sys.exit("this starts a Docker engine, which needs root")
    compile_it = "--compile" in sys.argv[1:]
    folder = tempfile.mkdtemp(prefix="passerelle-workshop-")
    engine = Engine()
    try:
        with engine:
            client = Client(engine, folder)
            import_bases(client, folder, compile_it)
            said("the bases are there")
            build_images(client, compile_it)
            engine.process.terminate()
            engine.process.wait(60)
            alone()
            engine.start()
            try:
                workshop(engine, client)
            except BaseException:
                print(client.compose("logs", "--no-color")[-6000:])
                raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    said("done")


if __name__ == "__main__":
    main()
