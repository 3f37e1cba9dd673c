"""What the REST API costs, beside Debian's JupyterHub 3.0.0 in the same run: who a token is, activity, a page of 200 of 20,000 people, 3,000
new people, the start of the process with all of them and with running servers, memory. The hubs run on core 0, wrk on core 1; each
figure is asked for in turn from one, then the other. JupyterHub is asked directly, without a proxy before it; the gateway is one
process, so its figure has the proxy in it.

usage: /usr/bin/python3 bench/hub_api/run.py [--people 20000] [--new 3000] [--seconds 5] [--servers 2000] [--only passerelle|jupyterhub]
Needs build/release (./dev build), wrk, jupyterhub. --servers: rows of servers that ran and are gone, beside the people."""

import argparse
import http.client
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.chdir(ROOT)
sys.path.insert(0, os.path.join(ROOT, "tests", "drivers"))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e", "hub_contract"))
import hubs  # noqa: E402
from gateway import Gateway, wait_until  # noqa: E402

BATCH = 500
POST = """wrk.method = "POST"
wrk.body = '{"servers": {}, "last_activity": "%s"}'
wrk.headers["Content-Type"] = "application/json"
"""


def on_core(core, pid):
    subprocess.run(["taskset", "-a", "-c", "-p", str(core), str(pid)], check=False, stdout=subprocess.DEVNULL)


def memory(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1)) / 1024


class Asked:
    """One hub, its REST API's port, and an administrator's token."""

    def __init__(self, name, port, token, pid):
        self.name, self.port, self.token, self.pid = name, port, token, pid
        on_core(0, pid)

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request(method, "/hub/api" + path, None if body is None else json.dumps(body),
                               {"Authorization": "token " + self.token, "Content-Type": "application/json",
                                "Accept": "application/jupyterhub-pagination+json" if method == "GET" else "application/json"})
            response = connection.getresponse()
            content = response.read()
            assert response.status < 300, (self.name, method, path, response.status, content[:300])
            return content
        finally:
            connection.close()

    def add_people(self, first, last):
        began = time.monotonic()
        for start in range(first, last, BATCH):
            names = [f"p{n:05}" for n in range(start, min(start + BATCH, last))]
            self.ask("POST", "/users", {"usernames": names})
        return time.monotonic() - began

    def rate(self, path, seconds, script=""):
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
            file.write(script)
            file.flush()
            extra = ["-s", file.name] if script else []
            done = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", "-c8", f"-d{seconds}s", "--latency",
                                   "-H", "Authorization: token " + self.token, *extra, f"http://127.0.0.1:{self.port}/hub/api{path}"],
                                  check=True, capture_output=True, text=True)
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
        assert not bad, (self.name, path, bad.group(0))
        return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))


def measure(asked, options, fill):
    new = min(options.new, options.people)
    figures = {f"{new} new people, s": asked.add_people(0, new)}
    fill(new, options.people)
    figures["GET /user, 1/s"] = asked.rate("/user", options.seconds)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    figures["POST activity, 1/s"] = asked.rate("/users/p00001/activity", options.seconds, POST % stamp)
    figures["GET /users, 200 of all, 1/s"] = asked.rate("/users?limit=200&offset=1000", options.seconds)
    figures["memory, MiB"] = memory(asked.pid)
    return figures


def stopped_servers(path, people, count):
    """Rows as a gateway leaves them whose machine was restarted: it finds each of them running, and nothing there."""
    database = sqlite3.connect(path)
    columns = [row[1] for row in database.execute("PRAGMA table_info(servers)")]
    now = int(time.time() * 1e6)
    for (user,) in database.execute("SELECT id FROM users WHERE username LIKE 'p%' ORDER BY id LIMIT ?", (count,)).fetchall():
        row = {name: "" for name in columns}
        row.update(user=user, phase="running", launch_id=f"{user:016x}", profile="light", form_values="{}", spawner="here", started=now,
                   last_activity=now, ended=None, cause=None, exit_code=None)
        database.execute(f"INSERT INTO servers ({','.join(row)}) VALUES ({','.join('?' * len(row))})", list(row.values()))
    database.commit()
    database.close()


def passerelle(options):
    gateway = Gateway(profiles={"light": {"command": [hubs.TEST_SERVER, "serve"]}},
                      extra="services: {bench: {api_token: 'the-token-of-the-bench-0123456789', admin: true}}")
    with gateway:
        asked = Asked("passerelle", gateway.port, "the-token-of-the-bench-0123456789", gateway.process.pid)
        figures = measure(asked, options, asked.add_people)
        gateway.stop()
        stopped_servers(os.path.join(gateway.data, "passerelle.sqlite"), options.people, options.servers)
        began = time.monotonic()
        gateway.start(300)
        asked = Asked("passerelle", gateway.port, "the-token-of-the-bench-0123456789", gateway.process.pid)
        asked.ask("GET", "/user")
        figures["start, s"] = time.monotonic() - began
        figures["memory after the start, MiB"] = memory(gateway.process.pid)
    return figures


def fill_jupyterhub(path, first, last):
    """By its API that takes as long as the first ones for each of them."""
    database = sqlite3.connect(path, timeout=60)
    (role,) = database.execute("SELECT id FROM roles WHERE name = 'user'").fetchone()
    for n in range(first, last):
        user = database.execute("INSERT INTO users (name, admin, created, last_activity, cookie_id) VALUES (?, 0, datetime(), datetime(), ?)",
                                (f"p{n:05}", f"cookie{n}")).lastrowid
        database.execute("INSERT INTO user_role_map (user_id, role_id) VALUES (?, ?)", (user, role))
    database.commit()
    database.close()


def jupyterhub(options):
    hubs.CONFIG += '\nc.JupyterHub.cleanup_servers = False\n'
    with hubs.JupyterHub() as hub:
        config = open(os.path.join(hub.folder, "config.py")).read()
        direct = int(re.search(r'hub_bind_url = "http://127.0.0.1:(\d+)"', config).group(1))
        asked = Asked("JupyterHub", direct, hub.tokens["admin"], hub.process.pid)
        path = os.path.join(hub.folder, "hub.sqlite")
        figures = measure(asked, options, lambda first, last: fill_jupyterhub(path, first, last))
        database = sqlite3.connect(path)
        hub.process.terminate()
        hub.process.wait(60)
        for (user, name) in database.execute("SELECT id, name FROM users WHERE name LIKE 'p%' ORDER BY id LIMIT ?",
                                             (options.servers,)).fetchall():
            row = database.execute("INSERT INTO servers (proto, ip, port, base_url, cookie_name) VALUES ('http', '127.0.0.1', 9, ?, 'x')",
                                   (f"/user/{name}/",)).lastrowid
            database.execute("DELETE FROM spawners WHERE user_id = ?", (user,))
            database.execute("INSERT INTO spawners (user_id, server_id, state, name, started, last_activity, user_options) "
                             "VALUES (?, ?, '{\"pid\": 999999}', '', datetime(), datetime(), '{}')", (user, row))
        database.commit()
        database.close()
        began = time.monotonic()
        log = open(os.path.join(hub.folder, "log2"), "wb")
        hub.process = subprocess.Popen(["/usr/bin/python3", "-m", "jupyterhub", "-f", "config.py"], cwd=hub.folder, stdout=log,
                                       stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                                       env={**os.environ, "PATH": os.path.join(hub.folder, "bin") + ":/usr/bin:/bin", "HOME": hub.folder})
        on_core(0, hub.process.pid)

        def answers():
            assert hub.process.poll() is None, open(log.name).read()[-2000:]
            try:
                return asked.ask("GET", "/user")
            except OSError:
                return None
        wait_until("JupyterHub is back", answers, 1800, 0.1)
        figures["start, s"] = time.monotonic() - began
        figures["memory after the start, MiB"] = memory(hub.process.pid)
    return figures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=20000)
    parser.add_argument("--new", type=int, default=3000)
    parser.add_argument("--servers", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--only", choices=["passerelle", "jupyterhub"])
    options = parser.parse_args()
    sides = {name: side(options) for name, side in (("jupyterhub", jupyterhub), ("passerelle", passerelle))
             if options.only in (None, name)}
    print(f"| {options.people} people, {options.servers} servers | " + " | ".join(sides) + " | |\n|---|" + "---|" * (len(sides) + 1))
    for figure in next(iter(sides.values())):
        values = [side[figure] for side in sides.values()]
        more = "1/s" in figure
        # JupyterHub may answer none in the time there is.
        times = (values[1] / values[0] if more else values[0] / values[1]) if len(values) == 2 and all(values) else None
        print(f"| {figure} | " + " | ".join(f"{value:.4g}" for value in values) + f" | {f'{times:.3g} times' if times else ''} |")


if __name__ == "__main__":
    main()
