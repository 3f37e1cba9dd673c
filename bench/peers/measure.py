"""What is read from /proc and from bench_load; knows nothing of the peers."""

import http.client
import json
import math
import os
import statistics
import subprocess
import time
from pathlib import Path


def processes_below(pid):
    """A process and all that descend from it: nginx has workers, the gateway may not."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents.setdefault(int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]), []).append(int(entry.name))
            except OSError:
                continue
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += parents.get(found[-1], [])
    return found


def cpu_seconds(pid):
    """Time that all threads of one process were on a CPU: user and kernel, to the nanosecond."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def pss_kib(pid):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise RuntimeError(f"no Pss for {pid}")


def pinned(core):
    """For preexec_fn: this core only, and as many sockets as the machine lets us have."""
    def apply():
        import resource
        os.sched_setaffinity(0, {core})
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return apply


class Load:
    """Runs bench_load on the core that the peers leave free."""

    def __init__(self, program, core):
        self.program, self.core = program, core

    def _command(self, mode, peer, suffix="", **options):
        command = [self.program, mode, "--port", str(peer.port), "--path", peer.path + suffix]
        if peer.tls:
            command += ["--tls", "1"]
        if peer.routes:
            command += ["--routes", str(peer.routes)]
        if peer.headers_file:
            command += ["--headers", str(peer.headers_file)]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        return command

    def run(self, mode, peer, **options):
        """One run: its figures, with the peer's CPU time per answered request."""
        before = cpu_seconds(peer.pid) if peer.pid else 0
        done = subprocess.run(self._command(mode, peer, **options), preexec_fn=pinned(self.core),
                              stdout=subprocess.PIPE, check=True)
        figures = json.loads(done.stdout)
        spent = (cpu_seconds(peer.pid) if peer.pid else 0) - before
        figures["cpu_us"] = spent * 1e6 / max(1, figures["requests"])
        return figures

    def add_routes(self, peer, seconds):
        """Begins to add 10,000 routes over and over, one after the other; finish() says how many a second it were. wrk, because
        a client in Python would be the limit."""
        return Adding(peer, seconds, self.core)

    def get_routes_ms(self, peer):
        connection = http.client.HTTPConnection("127.0.0.1", peer.api, timeout=30)
        began = time.monotonic()
        connection.request("GET", "/api/routes", headers={"Authorization": f"token {peer.token}"})
        body = connection.getresponse().read()
        took = (time.monotonic() - began) * 1000
        connection.close()
        return took * 10_000 / max(1, body.count(b'"target"'))

    def instructions(self, peer, mode, requests=5000, **options):
        """User instructions of a peer that runs under callgrind, per request."""
        def control(*what):
            subprocess.run(["callgrind_control", *what, str(peer.pid)], check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        options = dict(options, connections=8, seconds=60)
        self.run(mode, peer, requests=500, **options)
        control("-i", "on")
        done = self.run(mode, peer, requests=requests, **options)["requests"]
        control("-d", "bench")
        control("-i", "off")
        profile = max(peer.folder.glob(f"callgrind.out.{peer.pid}.*"), key=lambda path: int(path.suffix[1:]))
        return next(int(line.split()[1]) for line in profile.read_text().splitlines() if line.startswith("totals:")) / done

    def idle_kib(self, peer, pairs):
        """What the peer's memory grows by for each idle WebSocket that it carries (both sides: one pair)."""
        def hold(count):
            process = subprocess.Popen(self._command("idle", peer, connections=count), preexec_fn=pinned(self.core),
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            if process.stdout.readline().strip() != "ready":
                raise RuntimeError(f"{peer.name}: the WebSockets could not be opened")
            return process

        def release(process):
            alive = json.loads(process.communicate()[0])["alive"]
            return alive

        release(hold(50))  # what a peer allocates once is not counted
        before = pss_kib(peer.pid)
        process = hold(pairs)
        after = pss_kib(peer.pid)
        if release(process) != pairs:
            raise RuntimeError(f"{peer.name} closed idle WebSockets")
        return (after - before) / pairs


class Adding:
    SCRIPT = """local n = 0
request = function()
  n = (n + 1) %% 10000
  return wrk.format("POST", "/api/routes/r" .. n, {["Authorization"] = "token %s"}, '{"target": "http://127.0.0.1:9"}')
end
done = function(summary) io.write("ADDED ", summary.requests * 1e6 / summary.duration, " ", summary.errors.status, "\\n") end
"""

    def __init__(self, peer, seconds, core):
        script = peer.write("add.lua", self.SCRIPT % peer.token)
        self.process = subprocess.Popen(["wrk", "-t1", "-c1", f"-d{math.ceil(seconds)}s", "-s", script,
                                         f"http://127.0.0.1:{peer.api}"], preexec_fn=pinned(core), stdout=subprocess.PIPE, text=True)

    def finish(self):
        said = next(line.split() for line in self.process.communicate()[0].splitlines() if line.startswith("ADDED"))
        if said[2] != "0":
            raise RuntimeError(f"{said[2]} routes were refused")
        return float(said[1])


def medians(runs):
    """The median of each figure over the rounds; errors are added up."""
    out = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    out["errors"] = sum(run["errors"] for run in runs)
    return out
