"""The hub's own work beside JupyterHub's, in one run: the calls that servers, cullers and administrators make all day, 20,000
users, a start with all of them and their servers there, and memory. Both hubs run on core 0, who asks on core 1, one request at a
time. JupyterHub is Debian's, with `passerelle proxy` in the place of configurable-http-proxy and its database in SQLite; both start
the same light server. A figure of the hub's is CPU time, which a busy machine stretches less than the clock; start is the clock.

usage: /usr/bin/python3 bench/hub/run.py [--users 20000] [--servers 200] [--requests 300] [--only passerelle]
Needs build/release (./dev build, and the target test-server) and jupyterhub. Prints a table in Markdown."""

import argparse
import contextlib
import http.client
import json
import os
import re
import sqlite3
import statistics
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.chdir(ROOT)
sys.path.insert(0, os.path.join(ROOT, "tests", "drivers"))
from gateway import Gateway, Person, wait_until  # noqa: E402
from real_jupyterhub import LIGHT_SERVERS, RealJupyterHub  # noqa: E402

PAGE = "application/jupyterhub-pagination+json"
TOKEN = "b" * 40
CONFIG = """
c.JupyterHub.log_level = "ERROR"
c.JupyterHub.concurrent_spawn_limit = 0
c.JupyterHub.services = [{{"name": "bench", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [{{"name": "admin", "services": ["bench"]}}]
"""


def tree(pid):
    """That process and its children, without servers: those have sessions of their own."""
    session = os.getsid(pid)
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.getsid(int(entry)) == session:
                found.append(int(entry))
    return found


class Peer:
    def ask(self, method, path, body=None, accept="application/json", expected=(200, 201, 202, 204)):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        self.connection.request(method, "/hub/api" + path, None if body is None else json.dumps(body),
                                {"Authorization": "token " + self.token, "Accept": accept, "Content-Type": "application/json"})
        answer = self.connection.getresponse()
        data = answer.read()
        assert answer.status in expected, (self.name, method, path, answer.status, data[:500])
        return data

    def answers(self):
        self.connection = None
        with contextlib.suppress(OSError, http.client.HTTPException, AssertionError):
            self.ask("GET", "/users?limit=1")
            return True
        return False

    def cpu(self):
        """Seconds, to the nanosecond: the scheduler's own account of every thread."""
        total = 0
        for pid in self.hub():
            for task in os.listdir(f"/proc/{pid}/task"):
                with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/schedstat") as file:
                    total += int(file.read().split()[0])
        return total / 1e9

    def memory(self):
        total = 0
        for pid in self.hub():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as file:
                total += int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1))
        return total / 1024


class Ours(Peer):
    name = "passerelle"

    def __enter__(self):
        self.connection = None
        self.gateway = Gateway(extra="proxy: {threads: 1}\nlimits: {queue: 100000}\n")
        self.gateway.__enter__()
        self.port = self.gateway.port
        self.token = Person(self.gateway, "teacher").sign_in().token()
        return self

    def __exit__(self, *why):
        self.gateway.__exit__(*why)

    def fill(self, names):
        for first in range(0, len(names), 500):
            self.ask("POST", "/users", {"usernames": names[first:first + 500]})

    def hub(self):
        return [self.gateway.process.pid]

    def restart(self):
        self.gateway.kill()
        began = time.monotonic()
        self.gateway.start(limit=120)
        wait_until("it answers", self.answers, 120, 0.005)
        return time.monotonic() - began


class Theirs(Peer):
    name = "JupyterHub"
    token = TOKEN

    def __enter__(self):
        self.jupyterhub = RealJupyterHub(LIGHT_SERVERS + CONFIG.format(token=TOKEN))
        self.port = self.jupyterhub.port
        self.start()
        return self

    def start(self):
        self.jupyterhub.start(self.answers, 600)

    def __exit__(self, *why):
        self.jupyterhub.kill()  # a stop would end thousands of servers one by one
        self.jupyterhub.__exit__(*why)

    def fill(self, names):
        """Past the API, by which it would take a quarter of an hour."""
        database = sqlite3.connect(os.path.join(self.jupyterhub.folder, "hub.sqlite"), timeout=60)
        (role,) = database.execute("SELECT id FROM roles WHERE name = 'user'").fetchone()
        for name in names:
            user = database.execute("INSERT INTO users (name, admin, created, last_activity, cookie_id) "
                                    "VALUES (?, 0, datetime(), datetime(), ?)", (name, "cookie of " + name)).lastrowid
            database.execute("INSERT INTO user_role_map (user_id, role_id) VALUES (?, ?)", (user, role))
        database.commit()
        database.close()

    def hub(self):
        return [pid for pid in tree(self.jupyterhub.process.pid) if "proxy" not in open(f"/proc/{pid}/cmdline").read()]

    def restart(self):
        self.jupyterhub.kill()
        began = time.monotonic()
        self.start()
        return time.monotonic() - began


def pinned(peer):
    for pid in peer.hub():
        for task in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(task), {0})


def costs(peer, count, ask):
    """CPU milliseconds of the hub, and median clock milliseconds, of one request."""
    ask(0)
    before, took = peer.cpu(), []
    for number in range(count):
        began = time.monotonic()
        ask(number)
        took.append(time.monotonic() - began)
    return (peer.cpu() - before) / count * 1000, statistics.median(took) * 1000


def measure(peer, wanted):
    rows = {}
    pinned(peer)
    names = [f"user-{n:05}" for n in range(wanted.users)]
    before, began = peer.cpu(), time.monotonic()
    for first in range(0, 3000, 500):
        peer.ask("POST", "/users", {"usernames": names[first:first + 500]})
    rows["creating 3,000 users, 500 a request: each"] = (
        (peer.cpu() - before) / 3, (time.monotonic() - began) / 3)
    peer.fill(names[3000:])
    for name in names[:wanted.servers]:
        peer.ask("POST", f"/users/{name}/server")
    wait_until("all servers are ready", lambda: all(
        json.loads(peer.ask("GET", f"/users/{name}"))["servers"].get("", {}).get("ready") for name in names[:wanted.servers]), 600, 1)
    rows["`GET /hub/api/user`"] = costs(peer, wanted.requests * 4, lambda _: peer.ask("GET", "/user"))
    rows["`POST /hub/api/users/x/activity`"] = costs(peer, wanted.requests * 2, lambda n: peer.ask(
        "POST", f"/users/{names[n % wanted.servers]}/activity",
        {"servers": {"": {"last_activity": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{n:06}Z"}}}))
    rows[f"`GET /hub/api/users`, a page of 200 of {wanted.users:,}"] = costs(peer, max(5, wanted.requests // 10), lambda n: peer.ask(
        "GET", f"/users?limit=200&offset={n * 200 % wanted.users}", accept=PAGE))
    rows["`GET /hub/api/users?state=ready`, as a culler does"] = costs(
        peer, max(5, wanted.requests // 10), lambda _: peer.ask("GET", "/users?state=ready&limit=200", accept=PAGE))
    rows[f"memory with {wanted.users:,} users and {wanted.servers:,} servers (MiB)"] = (peer.memory(), None)
    took = [peer.restart() * 1000 for _ in range(3)]
    rows[f"kill -9, start with {wanted.users:,} users and {wanted.servers:,} running servers, first answer"] = (
        None, statistics.median(took))
    still = sum(json.loads(peer.ask("GET", f"/users/{name}"))["servers"].get("", {}).get("ready", False)
                for name in names[:wanted.servers])
    print(f"{peer.name}: {still} of {wanted.servers} servers ready after the last start", file=sys.stderr)
    return rows


def shown(value):
    return "" if value is None else f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--users", type=int, default=20000)
    options.add_argument("--servers", type=int, default=200)
    options.add_argument("--requests", type=int, default=300)
    options.add_argument("--only", choices=["passerelle", "JupyterHub"])
    wanted = options.parse_args()
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}", file=sys.stderr)
    tables = []
    for kind in [kind for kind in (Ours, Theirs) if wanted.only in (None, kind.name)]:
        os.sched_setaffinity(0, {0})  # what is started stays there
        with kind() as peer:
            os.sched_setaffinity(0, {1})
            tables.append(measure(peer, wanted))
    if wanted.only:
        for name, row in tables[0].items():
            print(f"{name}: CPU {shown(row[0])}, clock {shown(row[1])}")
        return
    print("| | passerelle: CPU ms | clock ms | JupyterHub: CPU ms | clock ms | ratio |\n|---|---|---|---|---|---|")
    for name, ours in tables[0].items():
        theirs = tables[1][name]
        a, b = (ours[0], theirs[0]) if ours[0] else (ours[1], theirs[1])
        print(f"| {name} | {shown(ours[0])} | {shown(ours[1])} | {shown(theirs[0])} | {shown(theirs[1])} | {b / a:.0f} |"
              if a else f"| {name} | {shown(ours[0])} | {shown(ours[1])} | {shown(theirs[0])} | {shown(theirs[1])} | |")


main()
