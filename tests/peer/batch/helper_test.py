"""passerelle-submit on a real OAR or Slurm (`helper_test.py oar`): who may use it and for whom, a Jupyter server as a job
that reports once where it listens and speaks TLS in both directions, a checkpoint, a deletion, and what is left. Words
after the system choose checks by name; KEEP_PEER=1 leaves the batch system up."""

import contextlib
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

from cluster import HERE, Oar, Slurm, Watched, checks

sys.path.insert(0, os.path.join(HERE, "..", ".."))
from drivers.gateway import PROGRAM, wait_until  # noqa: E402

ALICE = "psl-alice"
LAUNCH = "00112233445566%02x"


class Reports:
    """The gateway's part: takes one report with the right key, refuses the first try as one that is not ready."""

    def __init__(self, address):
        self.seen = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.seen.append((self.path, self.headers["X-Passerelle-Key"], json.loads(body), self.client_address[0]))
                self.send_response(204 if len(outer.seen) > 1 else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.url = f"http://{address}:{self.server.server_port}/report"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def keys(folder, name):
    """An authority, and two certificates that it signed: for the server and for us."""
    def openssl(*words):
        subprocess.run(("openssl",) + words, check=True, capture_output=True, cwd=folder)
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=one launch", "-days", "1")
    for who, extension in (("server", f"subjectAltName=DNS:{name}"), ("client", "extendedKeyUsage=clientAuth")):
        openssl("req", *curve, "-keyout", f"{who}.key", "-out", f"{who}.csr", "-subj", f"/CN={who}")
        with open(os.path.join(folder, who + ".ext"), "w") as file:
            file.write(extension + "\n")
        openssl("x509", "-req", "-in", f"{who}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{who}.crt",
                "-extfile", f"{who}.ext", "-days", "1")
    return {who: open(os.path.join(folder, who)).read() for who in ("ca.crt", "server.crt", "server.key")}


class Helper:
    def __init__(self, peer):
        self.peer = peer
        self.bin = tempfile.mkdtemp(prefix="passerelle-bin-")
        os.chmod(self.bin, 0o755)
        self.program = os.path.join(self.bin, "passerelle-submit")
        shutil.copy(os.path.join(os.path.dirname(os.path.abspath(PROGRAM)), "passerelle-submit"), self.program)
        self.count = 0

    def run(self, order, user=ALICE, through=(), arguments=()):
        argv = [*through, "sudo", "-n", "-u", user, "--", self.program, *arguments]
        text = json.dumps({"system": self.peer.system, "user": user, **order})
        return subprocess.run(argv, input=text, capture_output=True, text=True, timeout=60, cwd="/")

    def ask(self, order, user=ALICE):
        return json.loads(self.run(order, user).stdout)

    def submit(self, command, minutes=5, url="http://127.0.0.1:9/", checkpoint=0, files=None, **wish):
        self.count += 1
        launch = LAUNCH % self.count
        wish = {"name": "passerelle-test00-" + launch, "resources": "", "nodes": "", "cores": "1", "memory": "", "gpus": "",
                "walltime": f"0:{minutes:02}:00", "queue": "", "project": "", "qos": "", "properties": "", "reservation": "",
                "types": [], "checkpoint": checkpoint, **wish}
        said = self.ask({"verb": "submit", "launch": launch, "wish": wish, "command": command, "prologue": ["echo what the site does first"],
                         "environment": {"JUPYTER_TOKEN": "very-secret", "ODD": "it's $HOME;`id`\n2"}, "files": files or {"hdr": "X-Passerelle-Key: k\n"},
                         "settings": {"URL": url, "FIRST": "20000", "LAST": "20999", "PATIENCE": "60", "CA": ""}})
        return launch, said

    def folder(self, launch):
        return f"/home/{ALICE}/.local/state/passerelle/{launch}"

    def log(self, launch):
        return self.ask({"verb": "log", "launch": launch})["out"]

    def clean(self, launch):
        assert self.ask({"verb": "clean", "launch": launch})["status"] == 0
        assert not os.path.exists(self.folder(launch))

    def close(self):
        for job, about in self.peer.ours().items():
            self.ask({"verb": "delete", "job": job}, about["owner"])
        shutil.rmtree(self.bin, ignore_errors=True)
        shutil.rmtree(f"/home/{ALICE}/.local/state/passerelle", ignore_errors=True)


def check_one_line_of_sudoers(peer, helper):
    rule = "/etc/sudoers.d/passerelle-test"
    gateway = ("setpriv", "--reuid", "psl-hub", "--regid", "psl-hub", "--init-groups")
    clean = {"verb": "clean", "launch": "0" * 16}
    with open(rule, "w", opener=lambda p, f: os.open(p, f, 0o440)) as file:
        file.write(f'psl-hub ALL=(%psl-hpc) NOPASSWD: {helper.program} ""\n')
    try:
        assert json.loads(helper.run(clean, ALICE, gateway).stdout)["status"] == 0
        for wrong in (helper.run(clean, "root", gateway), helper.run(clean, "psl-hub", gateway),
                      helper.run(clean, ALICE, gateway, ["--help"])):
            assert wrong.returncode != 0 and not wrong.stdout, (wrong.stdout, wrong.stderr)
    finally:
        os.remove(rule)


def check_accounts_of_the_system(_peer, helper):
    for user in ("root", "daemon", "nobody", "psl-hub"):
        said = helper.run({"verb": "clean", "launch": "0" * 16}, user)
        assert "refused" in json.loads(said.stdout), (user, said.stdout, said.stderr)


def check_root_asks_as_nobody(peer, helper):
    """A gateway that runs as root, for other spawners' sake: its questions do not."""
    with Watched(peer, peer.status) as looks:
        order = json.dumps({"system": peer.system, "user": "", "verb": "list"})
        said = json.loads(subprocess.run([helper.program], input=order, capture_output=True, text=True, timeout=60, cwd="/").stdout)
        assert said.get("status") == 0 and looks.callers() == {"nobody"}, (said, looks.callers())


def check_a_link_instead_of_a_folder(_peer, helper):
    target = tempfile.mkdtemp(prefix="passerelle-target-")
    state = f"/home/{ALICE}/.local/state"
    subprocess.run(["sudo", "-u", ALICE, "sh", "-c", f"mkdir -p {state}; rm -rf {state}/passerelle; ln -s {target} {state}/passerelle"], check=True)
    try:
        assert "no directory" in helper.submit(["true"])[1]["refused"]
        assert not os.listdir(target)
    finally:
        os.remove(f"{state}/passerelle")
        os.rmdir(target)


def check_a_server_as_a_job(peer, helper):
    name = "launch.job.invalid"
    reports = Reports(peer.address)
    folder = tempfile.mkdtemp(prefix="passerelle-keys-")
    try:
        made = keys(folder, name)
        files = {"hdr": "X-Passerelle-Key: once\n", "server.crt": made["server.crt"], "server.key": made["server.key"],
                 "client-ca.crt": made["ca.crt"]}
        command = ["jupyter-server", "--ServerApp.ip=0.0.0.0", "--ServerApp.port=\x01", "--ServerApp.port_retries=0",
                   "--ServerApp.certfile=\x02/server.crt", "--ServerApp.keyfile=\x02/server.key", "--ServerApp.client_ca=\x02/client-ca.crt",
                   "--ServerApp.root_dir=\x03", "--ServerApp.open_browser=False", "--ServerApp.allow_remote_access=True"]
        launch, said = helper.submit(command, url=reports.url, files=files)
        assert said["status"] == 0, said
        state = helper.folder(launch)
        assert os.stat(state).st_mode & 0o777 == 0o700
        for entry in os.scandir(state):
            assert entry.name in ("start", "log") or entry.stat().st_mode & 0o777 == 0o600, entry.name
        wait_until("the job has reported", lambda: len(reports.seen) > 1, 240, 0.1)
        path, key, body, host = reports.seen[-1]
        assert (path, key, set(body)) == ("/report", "once", {"port"}) and 20000 <= body["port"] <= 20999, reports.seen
        job, about = next(iter(peer.ours().items()))
        assert about["owner"] == ALICE and about["name"].endswith(launch)
        assert socket.gethostbyname(about["hosts"][0]) == host, "the scheduler's word for the node is where the report came from"
        told = peer.everything_of(job) + subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
        assert "very-secret" not in told and "once" not in told
        wait_until("what is used up is gone",
                   lambda: sorted(os.listdir(state)) == ["client-ca.crt", "log", "server.crt", "server.key", "start"], 20)
        # ours is taken, nobody else's
        context = ssl.create_default_context(cafile=os.path.join(folder, "ca.crt"))
        with contextlib.suppress(ssl.SSLError, ConnectionError), socket.create_connection((host, body["port"]), 10) as plain:
            with context.wrap_socket(plain, server_hostname=name) as refused:
                refused.sendall(b"GET /api HTTP/1.0\r\n\r\n")
                assert not refused.recv(100), "a connection without a certificate was served"
        context.load_cert_chain(os.path.join(folder, "client.crt"), os.path.join(folder, "client.key"))
        with socket.create_connection((host, body["port"]), 10) as plain, context.wrap_socket(plain, server_hostname=name) as ours:
            ours.sendall(b"GET /api/status HTTP/1.0\r\nAuthorization: token very-secret\r\n\r\n")
            assert ours.recv(200).startswith(b"HTTP/1.1 200"), "our own connection"
        assert "what the site does first" in helper.log(launch) and "very-secret" not in helper.log(launch)
        assert len(reports.seen) == 2, reports.seen
        # gently
        assert helper.ask({"verb": "signal", "job": job, "signal": "TERM"})["status"] == 0
        wait_until("the job has ended", lambda: job not in peer.ours(), 240, 0.5)
        assert "asked to end" in helper.log(launch), helper.log(launch)
        helper.clean(launch)
    finally:
        reports.close()
        shutil.rmtree(folder)


def check_what_a_shell_must_not_read(peer, helper):
    launch, said = helper.submit(["sh", "-c", 'printf "%s|" "$@" "$ODD"; exit 3', "sh", "$(id)", "it's", "a;b", "-x"])
    assert said["status"] == 0, said
    wait_until("the job has ended", lambda: not peer.ours(), 240, 0.5)
    assert "$(id)|it's|a;b|-x|it's $HOME;`id`\n2|" in helper.log(launch), helper.log(launch)
    assert "ended with 3 before it listened" in helper.log(launch)
    helper.clean(launch)


def check_refused_in_the_sites_words(peer, helper):
    if peer.system == "oar":
        with open("/etc/oar/peer_projects", "w") as file:
            file.write("pr-hpc\n")
    try:
        launch, said = helper.submit(["true"], **({"project": "nosuch"} if peer.system == "oar" else {"nodes": "99"}))
    finally:
        if peer.system == "oar":
            os.remove("/etc/oar/peer_projects")
    assert said["status"] != 0 and ("nosuch" if peer.system == "oar" else "permitted") in said["err"].lower(), said
    assert not peer.ours()
    helper.clean(launch)


def check_deleted_by_its_owner_only(peer, helper):
    launch, said = helper.submit(["sh", "-c", "exec sleep 300"])
    assert said["status"] == 0, said
    wait_until("the job is there", peer.ours, 60, 0.5)
    job = next(iter(peer.ours()))
    helper.ask({"verb": "delete", "job": job}, "psl-bob")
    assert job in peer.ours()
    helper.ask({"verb": "delete", "job": job})
    wait_until("the job is gone", lambda: job not in peer.ours(), 240, 0.5)
    helper.clean(launch)


def main():
    peer = {"oar": Oar, "slurm": Slurm}[sys.argv[1]]()
    peer.up()
    helper = Helper(peer)
    try:
        every = [check_one_line_of_sudoers, check_accounts_of_the_system, check_root_asks_as_nobody, check_a_link_instead_of_a_folder, check_a_server_as_a_job,
                 check_what_a_shell_must_not_read, check_refused_in_the_sites_words, check_deleted_by_its_owner_only]
        for check in checks(every, sys.argv[2:]):
            check(peer, helper)
    except BaseException:
        print(peer.active(), *(helper.log(LAUNCH % n) for n in range(1, helper.count + 1)), sep="\n")
        raise
    finally:
        helper.close()
        if not os.environ.get("KEEP_PEER"):
            peer.down()
    print(f"{peer.system}: all is well")


if __name__ == "__main__":
    main()
