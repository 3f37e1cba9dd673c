"""The other ways to act as somebody: `ways_test.py oar`. By SSH with a forced command, on an sshd of our own on 127.0.0.1 (`act_as: ssh`); as
the gateway's own user (`act_as: self`); what `check-config --deep` says of each; and an upgrade of the gateway. Words after the system choose checks by name."""

import contextlib
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from cluster import Oar, Slurm, checks, run
from house import PROGRAM, House, profile, wait_until

RULE = "/etc/sudoers.d/passerelle-test"


class LoginNode:
    """An sshd that knows one key, for one account, which may only run passerelle-submit."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="passerelle-login-")
        os.chmod(self.folder, 0o755)
        for name in ("host", "key", "stranger"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.folder}/{name}")
        self.helper = f"{self.folder}/passerelle-submit"
        shutil.copy(os.path.join(os.path.dirname(os.path.abspath(PROGRAM)), "passerelle-submit"), self.helper)
        with open(self.folder + "/key.pub") as file:
            self.write("keys", f'restrict,command="{self.helper}" {file.read()}')
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        with open(self.folder + "/host.pub") as file:
            self.write("known", f"[127.0.0.1]:{self.port} {file.read()}")
        with open(self.folder + "/stranger.pub") as file:
            self.write("unknown", f"[127.0.0.1]:{self.port} {file.read()}")
        self.write("config", f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {self.folder}/host\nPidFile none\nUsePAM yes\nStrictModes no\n"
                             f"PasswordAuthentication no\nAuthorizedKeysFile {self.folder}/keys\nAllowUsers psl-hub\n")
        self.process = None

    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w") as file:
            file.write(text)

    def __enter__(self):
        os.makedirs("/run/sshd", exist_ok=True)
        with open(RULE, "w", opener=lambda p, f: os.open(p, f, 0o440)) as file:
            file.write(f'psl-hub ALL=(%psl-hpc) NOPASSWD: {self.helper} ""\n')
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", self.folder + "/config"], stderr=subprocess.DEVNULL)

        def listens():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        wait_until("sshd listens", listens, 10)
        return self

    def __exit__(self, *what):
        self.process.terminate()
        self.process.wait()
        os.remove(RULE)
        shutil.rmtree(self.folder, ignore_errors=True)

    def settings(self, known="known"):
        return {"act_as": "ssh", "login_node": f"ssh://psl-hub@127.0.0.1:{self.port}", "ssh_key": self.folder + "/key",
                "ssh_known_hosts": f"{self.folder}/{known}"}


def api_of(person):
    return person.get(f"/user/{person.name}/api/status", headers={"Accept": "application/json"})


def deep(house):
    done = subprocess.run([*house.gateway_program, "check-config", house.gateway.config, "--deep"], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def start_and_stop(peer, person):
    begun = time.monotonic()
    assert person.start("far").status in (201, 202)
    person.wait_ready(240)
    print(f"    from the click to the answering server: {time.monotonic() - begun:.1f} s")
    assert api_of(person).status == 200
    owner = next(iter(peer.ours().values()))["owner"]
    person.stop()
    person.wait_stopped(60)
    wait_until("the job is gone", lambda: not peer.ours(), 90, 0.5)
    return owner


def check_by_ssh(peer):
    with LoginNode() as node, House(peer, {"far": {**profile(), "spawner": "far"}}, more={"far": node.settings()}) as house:
        assert start_and_stop(peer, house.person()) == "psl-alice"
        code, said = deep(house)
        assert code == 0 and "spawners.far" in said and "answers" in said, said
        print("    check-config --deep:", " ".join(said.split("spawners.far")[1].split()))
        root = house.person("root")
        root.start("far")
        assert root.wait_stopped(60)["cause"] in ("spawner-down", "values-invalid"), root.server()
        # The key opens nothing else.
        spoken = subprocess.run(["ssh", "-T", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={node.folder}/known",
                                 "-i", node.folder + "/key", f"ssh://psl-hub@127.0.0.1:{node.port}", "id"], input="{}", capture_output=True, text=True,
                                timeout=30)
        assert "refused" in spoken.stdout and "uid=" not in spoken.stdout, spoken


def check_a_login_node_that_is_another(peer):
    with LoginNode() as node, House(peer, {"far": {**profile(), "spawner": "far"}}, more={"far": node.settings("unknown")}) as house:
        alice = house.person()
        alice.start("far")
        server = alice.wait_stopped(90)
        assert server["cause"] == "spawner-down", server
        print("    " + server["detail"].splitlines()[-1][:100])
        code, said = deep(house)
        assert code != 0 and "WRONG" in said, said
        assert not peer.ours()


def check_as_itself(peer):
    """Everybody's servers are the gateway's own user's: an account of a person, for the rules of the batch system and of the helper."""
    with House(peer, {"far": {**profile(), "spawner": "far"}}, more={"far": {"act_as": "self"}}, runs_as="psl-bob") as house:
        assert start_and_stop(peer, house.person("somebody")) == "psl-bob"
        code, said = deep(house)
        print("    check-config --deep:", " ".join(said.split("spawners.far")[1].split()))
        assert "answers" in said.split("spawners.far")[1], said


def wasted_connections_end(house, launch):
    """Who goes away before a word was said costs the job a moment, not a thread."""
    def relays():
        for entry in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{entry}/cmdline", "rb") as file:
                if b"/relay\0" in file.read():
                    yield entry
    (relay,) = relays()
    (door,) = glob.glob(os.path.join(house.gateway.data, "**", launch + ".sock"), recursive=True)
    threads = len(os.listdir(f"/proc/{relay}/task"))
    for _ in range(6):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(door)
    wait_until("the relay's threads have ended", lambda: len(os.listdir(f"/proc/{relay}/task")) <= threads, 25, 0.2)


def check_an_upgrade_with_a_wormhole(peer):
    """Another process takes the gateway's place: relays go to it by themselves, what runs through the old one goes on."""
    with House(peer, {"hidden": {**profile(), "spawner": "hole"}}, more={"hole": {"transport": "wormhole"}}) as house:
        alice = house.person()
        alice.start("hidden")
        alice.wait_ready(240)
        launch = alice.server()["launch_id"]
        wasted_connections_end(house, launch)
        shell = alice.terminal()
        shell.answers()
        said = subprocess.run([PROGRAM, "upgrade", "--data-dir", house.gateway.data], capture_output=True, text=True, timeout=90)
        assert said.returncode == 0, said.stdout + said.stderr
        successor = int(re.search(r"process (\d+)", said.stdout + said.stderr).group(1))
        try:
            begun = time.monotonic()
            seen = []
            while time.monotonic() - begun < 15:
                seen.append(api_of(alice).status)
                time.sleep(0.1)
            print(f"    {len(seen)} requests in the 15 s after it: {sorted(set(seen))}")
            assert set(seen) == {200}, seen
            shell.answers()
            alice.terminal().answers()
            assert alice.server()["launch_id"] == launch
            alice.stop()
            alice.wait_stopped(60)
            wait_until("the job is gone", lambda: not peer.ours(), 90, 0.5)
        finally:
            os.kill(successor, signal.SIGTERM)
            wait_until("the successor ends", lambda: successor not in house.gateway.processes(), 30)  # not even reaped, where nobody does


def main():
    peer = {"oar": Oar, "slurm": Slurm}[sys.argv[1]]()
    peer.up()
    peer.clear()
    try:
        for check in checks([check_by_ssh, check_a_login_node_that_is_another, check_as_itself,
                             check_an_upgrade_with_a_wormhole], sys.argv[2:]):
            check(peer)
    finally:
        if not os.environ.get("KEEP_PEER"):
            peer.down()
    print(f"{peer.system}: all is well")


if __name__ == "__main__":
    main()
