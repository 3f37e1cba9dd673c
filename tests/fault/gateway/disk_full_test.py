"""The disk under the database fills up while people work: running servers and sessions do not notice, a launch is
refused with its cause, and all is well again when there is space, audit log included. Runs in a mount namespace of its
own, with a small tmpfs; says so and ends where neither root nor user namespaces allow that."""

import os
import subprocess
import sys

sys.path.insert(0, "tests/drivers")
from gateway import TEST_SERVER, Gateway, Person, wait_until  # noqa: E402

INSIDE = "PASSERELLE_TEST_TMPFS"


def enter():
    """Starts this very test again where it may mount."""
    options = ["--mount", "--propagation", "private"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])
    if subprocess.run(["unshare", *options, "true"], capture_output=True).returncode != 0:
        print("left out: no mount namespace can be made here")
        return 0
    folder = "/tmp/passerelle-full-" + str(os.getpid())
    os.mkdir(folder, 0o700)
    try:
        script = 'mount -t tmpfs -o size=8M,mode=0700 tmpfs "$0" && exec "$1" "$2"'
        return subprocess.run(["unshare", *options, "sh", "-c", script, folder, sys.executable, __file__],
                              env={**os.environ, INSIDE: folder}).returncode
    finally:
        os.rmdir(folder)


def fill(folder):
    """Every last byte; returns the file to remove."""
    path = os.path.join(folder, "filler")
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 9, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                pass
    return path


def main():
    root = os.environ[INSIDE]
    profiles = {"light": {"command": [TEST_SERVER, "serve"]}}
    with Gateway(profiles, root=root) as gateway:
        alice, bob = Person(gateway, "alice").sign_in(), Person(gateway, "bob").sign_in()
        alice.launch()
        alice.wait_ready()
        filler = fill(root)
        refused = bob.api("POST", "/users/bob/server")
        assert refused.status == 503 and refused.json()["cause"] == "internal", (refused.status, refused.text)
        page = bob.get("/hub/spawn-pending/bob")
        assert page.status == 500 and "internal" in page.text and "database" in page.text, page.text
        assert alice.get("/user/alice/").status == 200
        assert alice.get("/hub/home").status == 200 and bob.get("/hub/sessions").status == 200
        assert len(gateway.servers()) == 1 and len(gateway.run_folders()) == 1, gateway.left_over()
        assert alice.stop().status == 204  # stopping must not need space either
        wait_until("nothing runs", lambda: not gateway.left_over())
        os.remove(filler)
        wait_until("the database takes writes again", lambda: bob.launch().status == 303 and bob.server()["launch_id"], 20, 0.2)
        bob.wait_ready()
        teacher = Person(gateway, "teacher").sign_in()
        lines = teacher.api("GET", "/audit?target=bob/").json()
        assert any(line["cause"] == "internal" and line["result"] == "failed" for line in lines), lines
        gateway.kill()  # what is stored now must be the truth again
        gateway.start()  # it listens before all servers are looked at
        wait_until("the truth", lambda: bob.server()["ready"] and alice.server()["stopped"], 20)
        assert bob.stop().status == 204
        wait_until("nothing is left", lambda: not gateway.left_over() and not gateway.run_folders())


if INSIDE not in os.environ:
    sys.exit(enter())
main()
print("1 passed, 0 failed")
