"""A batch system of our own, started by tests/peers/oar or tests/peers/slurm: two nodes in network namespaces."""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
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

    def lock_it(self):
        """One run at a time on a machine: the people, the nodes and the ports are the same for all."""
        self.lock = open("/var/lock/passerelle-batch-peer", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)

    def up(self):
        self.lock_it()
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


    def process_of(self, launch, program):
        """The pid, as we see it, of a job's process: of a namespace below ours."""
        for entry in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{entry}/environ") as environ, open(f"/proc/{entry}/cmdline") as words:
                line = words.read()
                if "PASSERELLE_LAUNCH=" + launch in environ.read() and program in line and "ipykernel" not in line:
                    return int(entry)
        raise AssertionError(f"{program} of {launch} does not run")

    @contextlib.contextmanager
    def on_node(self, node, user, *argv):
        """Somebody's program on a node, until the end of the block."""
        script = os.path.join(HERE, "..", "..", "peers", self.folder, "node.sh")
        process = subprocess.Popen(("bash", script, "sh", node, "setpriv", "--reuid", user, "--regid", user, "--init-groups") + argv,
                                   stdin=subprocess.DEVNULL, cwd="/")
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    @contextlib.contextmanager
    def firewall(self):
        """The nodes drop whoever connects to them, but for the batch system itself; what they connect to goes on."""
        ports = f"1024:{self.daemon_port - 1}", f"{self.daemon_port + 1}:65535"

        def rules(action):
            for node in ("1", "2"):
                for port in ports:
                    self.script("node.sh", "sh", node, "iptables", action, "INPUT", "-i", "eth0", "-p", "tcp", "--syn", "--dport", port, "-j", "DROP")
        rules("-A")
        try:
            yield
        finally:
            rules("-D")


class Watched:
    """A command of the batch system that writes down when it is called, and may take its time: found first in the helper's search path."""
    PATH = "/etc/passerelle/submit.path"

    def __init__(self, peer, command, before=0, after=0):
        self.folder = tempfile.mkdtemp(prefix="passerelle-watched-")
        self.command = command
        os.chmod(self.folder, 0o755)
        os.mkdir(self.folder + "/bin")
        os.mkdir(self.folder + "/seen")
        os.chmod(self.folder + "/seen", 0o1777)
        real = shutil.which(command)
        with open(f"{self.folder}/bin/{command}", "w") as file:
            file.write(f"""#!/bin/sh
id=$(date +%s.%N).$$
touch {self.folder}/seen/begun.$id {self.folder}/seen/as.$(id -un).$id
sleep {before}
{real} "$@"
code=$?
touch {self.folder}/seen/done.$id
date +%s.%N > {self.folder}/seen/end.$id
sleep {after}
exit $code
""")
        os.chmod(f"{self.folder}/bin/{command}", 0o755)
        self.kept = []

    def __enter__(self):
        os.makedirs(os.path.dirname(self.PATH), exist_ok=True)
        before = "/usr/local/bin:/usr/bin:/bin:/usr/sbin"
        if os.path.exists(self.PATH):
            with open(self.PATH) as file:
                before = file.read().strip()
        self.before = before
        with open(self.PATH, "w") as file:
            file.write(f"{self.folder}/bin:{before}\n")
        return self

    def __exit__(self, *what):
        if "passerelle-watched" in self.before:
            with open(self.PATH, "w") as file:
                file.write(self.before + "\n")
        else:
            os.remove(self.PATH)
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(self.PATH))
        # Who was found there runs on: the folder stays until they have ended.
        wait_until("they have ended", lambda: self.folder not in run("ps", "-eo", "args"), 60, 0.2)
        self.kept = os.listdir(self.folder + "/seen")
        self.times = self.spans()
        shutil.rmtree(self.folder, ignore_errors=True)

    def callers(self):
        """The accounts that ran it."""
        return {name.split(".")[1] for name in self.calls("as")}

    def calls(self, kind):
        names = self.kept or os.listdir(self.folder + "/seen")
        return [name for name in names if name.startswith(kind + ".")]

    def spans(self):
        spans = []
        for name in os.listdir(self.folder + "/seen"):
            if name.startswith("end."):
                with open(f"{self.folder}/seen/{name}") as file:
                    spans.append((float(".".join(name.split(".")[1:3])), float(file.read())))
        return spans

    def most_at_once(self):
        spans = self.times if self.kept else self.spans()
        return max((sum(a <= begin < b for a, b in spans) for begin, _ in spans), default=0)


class Oar(Peer):
    submit, status, delete_command = "oarsub", "oarstat", "oardel"
    folder, system, address, server = "oar", "oar", "10.231.86.1", "almighty"
    daemon_port = 23667

    def active(self):
        text = run("oarstat", "-J", limit=30)
        return {i: {"name": j["name"] or "", "owner": j["owner"], "state": j["state"], "hosts": j["assigned_network_address"]}
                for i, j in (json.loads(text) if text.strip() else {}).items()}

    def fill(self, seconds):
        out = run("oarsub", "-d", "/tmp", "-O", "/dev/null", "-E", "/dev/null", "-l", f"/nodes=2/core=4,walltime=0:{seconds // 60:02}:{seconds % 60:02}", f"sleep {seconds}", user="psl-bob")
        return out.split("OAR_JOB_ID=")[1].split()[0]

    def delete(self, job, user="psl-alice"):
        run("oardel", job, user=user)

    @contextlib.contextmanager
    def course(self, seconds):
        """All cores, kept for inner jobs."""
        out = run("oarsub", "-t", "container", "-d", "/tmp", "-O", "/dev/null", "-E", "/dev/null", "-l",
                  f"/nodes=2/core=4,walltime=0:{seconds // 60:02}:{seconds % 60:02}", f"sleep {seconds}", user="psl-bob")
        job = out.split("OAR_JOB_ID=")[1].split()[0]
        wait_until("the container is there", lambda: self.is_running(job), 60, 0.5)
        try:
            yield job
        finally:
            self.delete(job, "psl-bob")

    def of_that_name(self, name, seconds=300):
        """bob's job with a name that is another's."""
        out = run("oarsub", "-n", name, "-d", "/tmp", "-O", "/dev/null", "-E", "/dev/null", "-l", f"/nodes=1/core=1,walltime=0:{seconds // 60:02}:00",
                  f"sleep {seconds}", user="psl-bob")
        return out.split("OAR_JOB_ID=")[1].split()[0]

    def look_at(self, job):
        return "oarstat", "-J", "-j", job

    def by_hand(self, command, folder):
        out = run("oarsub", "-d", folder, "-l", "/nodes=1/core=1,walltime=0:05:00", command, user="psl-alice")
        return out.split("OAR_JOB_ID=")[1].split()[0]

    def hold(self, job):
        run("oarhold", job)

    def release(self, job):
        run("oarresume", job)

    def suspend(self, job):
        run("oarhold", "-r", job)

    def resume(self, job):
        run("oarresume", job)

    def predicted(self, job):
        text = run("oarstat", "-f", "-J", "-j", job)
        return json.loads(text)[job]["scheduledStart"] if text.strip() else None

    def everything_of(self, job):
        return run("oarstat", "-f", "-J", "-j", job, user="psl-bob")

    def is_running(self, job):
        return job in self.active() and self.active()[job]["state"] == "Running"


class Slurm(Peer):
    submit, status, delete_command = "sbatch", "squeue", "scancel"
    folder, system, address, server = "slurm", "slurm", "10.231.87.1", "slurmctld"
    daemon_port = 23618

    def active(self):
        lines = run("squeue", "-h", "-a", "-o", "%i|%T|%u|%N|%j", limit=60).splitlines()
        rows = [line.split("|", 4) for line in lines]
        return {r[0]: {"name": r[4], "owner": r[2], "state": r[1].title(), "hosts": [r[3]]} for r in rows}

    def fill(self, seconds):
        return run("sbatch", "--parsable", "-N2", "--exclusive", f"-t0:{seconds}", "--chdir=/tmp", "--output=/dev/null", "--wrap", f"sleep {seconds}",
                   user="psl-bob").strip()

    def delete(self, job, user="psl-alice"):
        run("scancel", job, user=user)

    @contextlib.contextmanager
    def course(self, seconds):
        run("scontrol", "create", "reservation", "reservationname=course", "starttime=now", f"duration=0:{seconds // 60 + 1}:00", "nodes=ALL",
            "users=psl-alice")
        try:
            yield "course"
        finally:
            wait_until("nobody uses it", lambda: not self.ours(), 60, 0.5)
            run("scontrol", "delete", "reservationname=course")

    def of_that_name(self, name, seconds=300):
        return run("sbatch", "--parsable", "--job-name=" + name, f"-t0:{seconds}", "--chdir=/tmp", "--output=/dev/null", "--wrap", f"sleep {seconds}",
                   user="psl-bob").strip()

    def look_at(self, job):
        return "squeue", "-h", "-j", job

    def by_hand(self, command, folder):
        return run("sbatch", "--parsable", "-t5", "--chdir=" + folder, "--wrap", command, user="psl-alice").strip()

    def hold(self, job):
        run("scontrol", "hold", job)

    def release(self, job):
        run("scontrol", "release", job)

    def suspend(self, job):
        run("scontrol", "suspend", job)

    def resume(self, job):
        run("scontrol", "resume", job)

    def predicted(self, job):
        text = run("env", "SLURM_TIME_FORMAT=%s", "squeue", "--start", "-h", "-j", job, "-o", "%S").strip()
        return int(text) if text.isdigit() else None

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


if __name__ == "__main__":  # cluster.py oar|slurm up|down
    one = {"oar": Oar, "slurm": Slurm}[sys.argv[1]]()
    if sys.argv[2] == "up":
        one.up()
    else:
        one.lock_it()
        one.down()
