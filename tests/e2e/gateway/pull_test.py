"""The course's files in the workspace before the server opens: a launch names a repository (a custom parameter), the profile's
command is passerelle-pull with the server's behind it. What the learner did stays; what they did not touch follows the course;
a pull that fails or hangs opens the server all the same."""

import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, "tests/drivers")
from gateway import TEST_SERVER, Gateway, Person, wait_until  # noqa: E402
from lti_launch import FORM, consumers, signed  # noqa: E402

PULL = os.path.abspath("spawners/passerelle-pull")
GIT = {**os.environ, **{f"GIT_{who}_{what}": "teacher" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
       "GIT_CONFIG_GLOBAL": "/dev/null"}


class Course:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments):
        subprocess.run(["git", "-C", self.folder, *arguments], check=True, env=GIT, stdout=subprocess.DEVNULL)

    def publish(self, files, gone=()):
        for path, text in files.items():
            target = os.path.join(self.folder, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "w") as file:
                file.write(text)
        for path in gone:
            os.remove(os.path.join(self.folder, path))
        self.git("add", "-A")
        self.git("commit", "--quiet", "-m", "course")


def read(folder, path):
    with open(os.path.join(folder, path)) as file:
        return file.read()


def put(folder, path, text):
    with open(os.path.join(folder, path), "w") as file:
        file.write(text)


def pull(home, course, *options, branch="main", url=None, command=("/bin/echo", "the server")):
    done = subprocess.run([PULL, "--protocols", "file", *options, *command], cwd=home, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "HOME": home, "PULL_REPOSITORY": url or f"file://{course.folder}", "PULL_BRANCH": branch})
    assert done.returncode == 0 and done.stdout == "the server\n", done
    return done.stderr


def work_is_kept(home, course):
    into = os.path.join(home, "course")
    course.publish({"tp1.ipynb": "one", "tp2.ipynb": "two", "data/a.csv": "1", "old.txt": "old", "mine.txt": "theirs"})
    assert "5 new" in pull(home, course)
    assert read(into, "data/a.csv") == "1" and not os.path.exists(os.path.join(into, ".git"))
    assert "nothing has changed" in pull(home, course)
    put(into, "tp1.ipynb", "my answer")
    put(into, "mine.txt", "my own")
    put(into, "notes.txt", "my notes")
    os.remove(os.path.join(into, "tp2.ipynb"))
    course.publish({"tp1.ipynb": "one, corrected", "data/a.csv": "2", "notes.txt": "theirs", "tp3.ipynb": "three"}, gone=["old.txt", "mine.txt"])
    said = pull(home, course)
    assert "kept your tp1.ipynb" in said and "kept your notes.txt" in said, said
    assert read(into, "tp1.ipynb") == "my answer" and read(into, "notes.txt") == "my notes" and read(into, "mine.txt") == "my own"
    assert read(into, "data/a.csv") == "2" and read(into, "tp3.ipynb") == "three" and read(into, "tp2.ipynb") == "two"
    assert not os.path.exists(os.path.join(into, "old.txt")), "what they did not touch goes with the course"
    beside = [name for name in os.listdir(into) if name.startswith("tp1.course-")]
    assert len(beside) == 1 and beside[0].endswith(".ipynb") and read(into, beside[0]) == "one, corrected", beside
    pull(home, course)
    assert len([name for name in os.listdir(into) if ".course-" in name]) == 2, "once for each change"
    print("a pull: new files come, changed ones follow, the learner's work stays, deleted ones come back")


def nothing_leads_out(home, course):
    os.symlink("/etc/passwd", os.path.join(course.folder, "link"))
    course.git("add", "-A")
    course.git("commit", "--quiet", "-m", "link")
    assert "left out: 'link'" in pull(home, course)
    assert not os.path.lexists(os.path.join(home, "course", "link"))
    os.remove(os.path.join(course.folder, "link"))
    course.publish({"folder": "a file"})
    os.makedirs(os.path.join(home, "course", "folder"))
    pull(home, course)
    assert os.path.isdir(os.path.join(home, "course", "folder")), "a folder of theirs is not replaced by a file"
    print("a pull: links are left out, nothing of theirs is replaced")


def trouble_stops_nobody(home, course):
    assert "no branch" in pull(home, course, branch="--upload-pack=x")
    assert "stay as they were" in pull(home, course, branch="nowhere")
    assert "only https" in pull(home, course, url="ext::sh -c true")
    assert "only https" in pull(home, course, url="https://127.0.0.1:1/x")  # of the protocols that this test allows
    assert "stay as they were" in pull(home, course, url="file:///nowhere/at/all")
    assert "too large" in pull(home, course, "--megabytes", "0", url=big(course))
    began = time.monotonic()
    assert "out of time" in pull(home, course, "--seconds", "0.01")
    assert time.monotonic() - began < 5
    plain = subprocess.run([PULL, "/bin/echo", "hello"], capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, check=True)
    assert (plain.stdout, plain.stderr) == ("hello\n", "")
    print("trouble: no such branch, address or time, too large: the server starts all the same")


def big(course):
    large = Course(course.folder + "-big")
    large.publish({"big.bin": "x" * (2 << 20)})
    return f"file://{large.folder}"


def a_launch_brings_them(course):
    profiles = {"light": {"command": [PULL, "--protocols", "file", "--into", "work", TEST_SERVER, "serve"],
                          "environment": {"PULL_REPOSITORY": "{claim.custom_repository}", "PULL_BRANCH": "{claim.custom_branch}"}}}
    gateway = Gateway(profiles, authenticators="  mooc: {type: lti11, consumers: ./consumers.yaml, groups: [room]}\n")
    consumers(gateway, "edx: {secret: shared}\n")
    with gateway:
        for user, fields in (("7", {"custom_repository": f"file://{course.folder}", "custom_branch": "main"}), ("8", {})):
            person = Person(gateway, "")
            url = f"http://127.0.0.1:{gateway.port}/hub/lti/launch"
            answer = person.request("POST", "/hub/lti/launch", signed(url, "edx", "shared", user_id=user, **fields), FORM)
            assert answer.status == 303, answer.text
            person.get("/hub/home")
            person.name = person.api("GET", "/user").json()["name"]
            person.wait_ready()
            workspace = os.path.join(gateway.data, "workspaces", person.name)
            wait_until("the server answers", lambda: person.get(f"/user/{person.name}/").text == "ok")
            there = os.path.exists(os.path.join(workspace, "work", "tp3.ipynb"))
            assert there == bool(fields), (user, os.listdir(workspace))
            if fields:
                log = "".join(event.get("log", "") for event in person.events())
                assert "pull: fetching main" in log, log
    print("a launch: the files are there before the server answers, the launch's log tells of it; without a repository it just starts")


def main():
    with tempfile.TemporaryDirectory(prefix="passerelle-pull-") as folder:
        home = os.path.join(folder, "home")
        os.makedirs(home)
        course = Course(os.path.join(folder, "course"))
        work_is_kept(home, course)
        nothing_leads_out(home, course)
        trouble_stops_nobody(home, course)
        a_launch_brings_them(course)


main()
