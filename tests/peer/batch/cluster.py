"""A batch system of our own, started by tests/peers/oar or tests/peers/slurm: two nodes in network namespaces."""

import fcntl
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", ".."))
from drivers.gateway import wait_until  # noqa: E402

PEOPLE = ("psl-alice", "psl-bob")


def run(*argv, user=None, check=True, limit=60):
    if user:
        argv = ("setpriv", "--reuid", user, "--regid", user, "--init-groups", "env", "HOME=/home/" + user, "USER=" + user) + argv
    done = subprocess.run(argv, capture_output=True, text=True, timeout=limit, stdin=subprocess.DEVNULL, cwd="/")
    assert not check or done.returncode == 0, (argv, done.returncode, done.stdout[-800:], done.stderr[-800:])
    return done.stdout


class Peer:
    """What the two have in common."""
    folder = ""

    def script(self, name, *arguments):
        return run("bash", os.path.join(HERE, "..", "..", "peers", self.folder, name), *arguments, limit=600)

    def up(self):
        # One run at a time on a machine: the people, the nodes and the ports are the same for all.
        self.lock = open("/var/lock/passerelle-batch-peer", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.script("up.sh")

    def down(self):
        self.script("down.sh", "--purge")

    def active(self):
        """Jobs that have not ended: id -> {name, owner, state}."""
        raise NotImplementedError

    def clear(self):
        """Ends what an earlier run may have left."""
        for job, about in self.active().items():
            self.delete(job, about["owner"])
        wait_until("the cluster is free", lambda: not self.active(), 120, 0.5)

    def ours(self):
        return {i: job for i, job in self.active().items() if job["name"].startswith("passerelle-")}


class Oar(Peer):
    folder, system, address, server = "oar", "oar", "10.231.86.1", "almighty"

    def active(self):
        text = run("oarstat", "-J", limit=30)
        return {i: {"name": j["name"] or "", "owner": j["owner"], "state": j["state"], "hosts": j["assigned_network_address"]}
                for i, j in (json.loads(text) if text.strip() else {}).items()}

    def fill(self, seconds):
        out = run("oarsub", "-d", "/tmp", "-O", "/dev/null", "-E", "/dev/null", "-l", f"/nodes=2/core=4,walltime=0:{seconds // 60:02}:{seconds % 60:02}", f"sleep {seconds}", user="psl-bob")
        return out.split("OAR_JOB_ID=")[1].split()[0]

    def delete(self, job, user="psl-alice"):
        run("oardel", job, user=user)

    def everything_of(self, job):
        return run("oarstat", "-f", "-J", "-j", job, user="psl-bob")

    def is_running(self, job):
        return job in self.active() and self.active()[job]["state"] == "Running"


class Slurm(Peer):
    folder, system, address, server = "slurm", "slurm", "10.231.87.1", "slurmctld"

    def active(self):
        lines = run("squeue", "-h", "-a", "-o", "%i|%T|%u|%N|%j", limit=60).splitlines()
        rows = [line.split("|", 4) for line in lines]
        return {r[0]: {"name": r[4], "owner": r[2], "state": r[1].title(), "hosts": [r[3]]} for r in rows}

    def fill(self, seconds):
        return run("sbatch", "--parsable", "-N2", "--exclusive", f"-t0:{seconds}", "--chdir=/tmp", "--output=/dev/null", "--wrap", f"sleep {seconds}",
                   user="psl-bob").strip()

    def delete(self, job, user="psl-alice"):
        run("scancel", job, user=user)

    def everything_of(self, job):
        return run("scontrol", "show", "job", job, user="psl-bob")

    def is_running(self, job):
        return job in self.active() and self.active()[job]["state"] == "Running"


def checks(functions, chosen):
    """Runs them in order, telling how long each took."""
    for function in functions:
        if chosen and not any(word in function.__name__ for word in chosen):
            continue
        begun = time.monotonic()
        yield function
        print(f"  {function.__name__}: {time.monotonic() - begun:.1f} s", flush=True)
