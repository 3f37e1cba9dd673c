"""Sign-in with real accounts of the machine through the real gateway and its own pam_unix. The accounts exist in this
script's mount namespace only: /etc/passwd, shadow, group and a PAM service are replaced there, so that nothing is left behind
however it ends. Without root it says so and is done."""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, "tests/drivers")

INSIDE = "PASSERELLE_PAM_TEST_INSIDE"


def hashed(password):
    return subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=password, capture_output=True, text=True, check=True).stdout.strip()


def replace(folder, path, content, mode=0o644):
    name = os.path.join(folder, path.replace("/", "_"))
    with open(name, "w", opener=lambda p, f: os.open(p, f, mode)) as file:
        file.write(content)
    subprocess.run(["mount", "--bind", name, path], check=True)
    return name


def read(path):
    with open(path) as file:
        return file.read()


def make_accounts(folder):
    people = {"pat-alice": 4001, "pat-expired": 4002, "pat-stale": 4003, "pat-locked": 4004, "pat-empty": 4005, "pat-system": 401}
    passwd = "".join(f"{n}:x:{u}:4000:{n} Person,,,:/home/{n}:/bin/bash\n" for n, u in people.items())
    secret = hashed("the right password")
    fields = {"pat-expired": f"{secret}:20000:0:99999:7::20001:", "pat-stale": f"{secret}:0:0:99999:7:::",
              "pat-locked": f"!{secret}:20000:0:99999:7:::", "pat-empty": ":20000:0:99999:7:::"}
    shadow = "".join(f"{n}:{fields.get(n, secret + ':20000:0:99999:7:::')}\n" for n in people)
    replace(folder, "/etc/passwd", read("/etc/passwd") + passwd)
    replace(folder, "/etc/shadow", read("/etc/shadow") + shadow, 0o600)
    replace(folder, "/etc/group", read("/etc/group") + "pat-users:x:4000:\npat-hpc:x:4009:pat-alice\n")
    replace(folder, "/etc/pam.d/other", "auth required pam_unix.so\naccount required pam_unix.so\n")


def check(gateway):
    from gateway import Person

    def attempt(name, password="the right password"):
        person = Person(gateway, name)
        person.get("/hub/login")
        return person, person.post("/hub/auth/machine/login", username=name, password=password)
    alice, answer = attempt("pat-alice")
    assert answer.status == 303, (answer.status, answer.text)
    model = alice.request("GET", "/hub/api/user", headers={"Accept": "application/json"}).json()
    assert set(model["groups"]) == {"room", "pat-users", "pat-hpc"}, model
    assert "pat-alice Person" in alice.get("/hub/home").text
    for name, password, words in (("pat-alice", "a guess", "do not match"), ("pat-alice", "", "do not match"),
                                  ("pat-empty", "x", "do not match"), ("pat-empty", "", "do not match"),
                                  ("pat-locked", "the right password", "do not match"),
                                  ("pat-system", "the right password", "do not match"), ("root", "root", "do not match"),
                                  ("nobody-like-this", "x", "do not match"), ("pat-expired", "the right password", "account-expired"),
                                  ("pat-stale", "the right password", "password-expired")):
        _, answer = attempt(name, password)
        assert answer.status == 403 and words in answer.text, (name, password, answer.status, answer.text)
    log = gateway.log()
    assert "the right password" not in log and "a guess" not in log


def inside():
    from gateway import Gateway
    with tempfile.TemporaryDirectory() as folder:
        make_accounts(folder)
        try:
            method = "  machine: {type: pam, service: passerelle-test, groups: [room]}\n"
            with Gateway(authenticators=method) as gateway:
                check(gateway)
        finally:
            for path in ("/etc/pam.d/other", "/etc/group", "/etc/shadow", "/etc/passwd"):
                subprocess.run(["umount", path], check=False, capture_output=True)
    print("ok")


def main():
    if os.environ.get(INSIDE):
        return inside()
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        print("left out: making accounts in a mount namespace needs root")
        return None
    return sys.exit(subprocess.run(["unshare", "--mount", "--propagation", "private", sys.executable, __file__],
                                   env={**os.environ, INSIDE: "1"}, check=False).returncode)


if __name__ == "__main__":
    main()
