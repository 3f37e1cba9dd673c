"""Every way in which a launch goes wrong ends in its cause: on the page, in the API, in the progress events and in the
audit log; and nothing is left over: no process, no socket, no folder."""

import os
import sys
import time

sys.path.insert(0, "tests/drivers")
from gateway import TEST_SERVER, Gateway, Person, wait_until  # noqa: E402

TCP = {"transport": "tcp"}
FAULTS = {
    # profile: (settings, cause, exit code or None, words that the page must hold)
    "not-found": ({"command": ["no-such-program-here"]}, "crashed", 127, "no-such-program-here"),
    "exit-3": ({"command": [TEST_SERVER, "exit", "3"]}, "crashed", 3, "a reason to end"),
    "silent": ({"command": [TEST_SERVER, "silent"], "start_timeout": "2s"}, "start-timeout", None, "listen"),
    "wrong-port": ({"command": [TEST_SERVER, "wrong-port"], "start_timeout": "2s", **TCP}, "not-answering", None, "port"),
    "eats": ({"command": [TEST_SERVER, "eat"], "memory": "64MiB"}, "out-of-memory", None, ""),
    "no-workspace": ({"command": [TEST_SERVER, "serve"], "spawner": "homeless"}, "storage-pending", None, ""),
}
HOMELESS = "  homeless: {type: local, workspace: '/proc/nowhere/{username}'}\n"


def check(gateway, name, cause, exit_code, words):
    person = Person(gateway, "u-" + name).sign_in()
    assert person.launch(name).status == 303
    events = person.events()
    assert events[-1].get("failed") and events[-1]["cause"] == cause, events[-1]
    server = person.wait_stopped()
    assert server["cause"] == cause, server
    if exit_code is not None:
        assert server["exit_code"] == exit_code, server
    for language, heading in (("en", "What you can do"), ("fr", "Ce que vous pouvez faire")):
        person.language = language
        page = person.get(f"/hub/spawn-pending/{person.name}")
        assert page.status == 500 and cause in page.text and server["error_id"] in page.text, (page.status, page.text)
        assert heading in page.text, page.text
        assert words in page.text, (words, page.text)
        assert "Traceback" not in page.text
    stopped = person.get(f"/user/{person.name}/tree")
    assert stopped.status == 503, stopped.status
    wait_until(f"nothing of {name} is left", lambda: not gateway.left_over() and not gateway.run_folders(), 15)
    return server


def check_audit(gateway, ended):
    teacher = Person(gateway, "teacher").sign_in()
    log = {e["error_id"]: e for e in teacher.api("GET", "/audit?action=server-end").json()}
    for name, server in ended.items():
        line = log[server["error_id"]]
        assert line["cause"] == server["cause"] and line["result"] == "failed", line
        assert line["target"] == f"u-{name}/", line
    assert Person(gateway, "u-exit-3").sign_in().api("GET", "/audit").status == 403


def deaf_server(gateway):
    """Ignores INT and TERM: gone after the three times, with the kernels it forked."""
    for profile in ("deaf", "kernels", "clean-kernels"):
        person = Person(gateway, "u-" + profile).sign_in()
        person.launch(profile)
        person.wait_ready()
        begun = time.monotonic()
        assert person.stop().status == 204
        print(f"{profile}: stopped in {time.monotonic() - begun:.1f} s")
        assert not gateway.left_over() and not gateway.run_folders(), gateway.left_over()
        assert person.server()["ended_by"] == "user"


def dies_while_running(gateway):
    """Ends by itself after it was up: the true exit code, the route gone, the page says so."""
    person = Person(gateway, "u-dies").sign_in()
    person.launch("dies")
    person.get(f"/user/{person.name}/")
    server = person.wait_stopped()
    assert server["cause"] == "crashed" and server["exit_code"] == 5, server
    assert person.get(f"/user/{person.name}/").status == 503
    wait_until("nothing is left", lambda: not gateway.left_over() and not gateway.run_folders(), 15)


def cancelled(gateway):
    person = Person(gateway, "u-cancel").sign_in()
    person.launch("never")
    wait_until("it has started", gateway.servers)
    assert person.post(f"/hub/stop/{person.name}").status == 303
    server = person.wait_stopped()
    assert server["cause"] == "cancelled" and server["ended_by"] == "user", server
    assert not gateway.left_over() and not gateway.run_folders()
    assert person.get(f"/hub/spawn-pending/{person.name}").status == 303  # nothing failed: back home


def refusals(gateway):
    person = Person(gateway, "u-refused").sign_in()
    assert "profile-gone" in person.api("POST", f"/users/{person.name}/server", {"profile": "none"}).text
    person.launch("never")
    assert person.api("POST", f"/users/{person.name}/servers/second", {"profile": "never"}).json()["cause"] == "quota-user"
    assert person.api("POST", f"/users/{person.name}/server", {"profile": "never"}).status == 202  # pending already
    assert person.stop().status == 204
    assert person.api("POST", f"/users/{person.name}/server", [1]).status == 400


def main():
    profiles = {name: fault[0] for name, fault in FAULTS.items()}
    for mode in ("deaf", "kernels", "clean-kernels"):
        profiles[mode] = {"command": [TEST_SERVER, mode]}
    profiles["dies"] = {"command": [TEST_SERVER, "serve-then-exit", "5"]}
    profiles["never"] = {"command": [TEST_SERVER, "silent"], "start_timeout": "60s"}
    with Gateway(profiles, spawner=HOMELESS) as gateway:
        before = gateway.descriptors()
        ended = {}
        for name, (_, cause, exit_code, words) in FAULTS.items():
            if name == "eats" and os.geteuid() != 0:
                print("eats: left out, memory limits need root here")
                continue
            ended[name] = check(gateway, name, cause, exit_code, words)
            print(f"{name}: {ended[name]['cause']}")
        check_audit(gateway, ended)
        deaf_server(gateway)
        dies_while_running(gateway)
        cancelled(gateway)
        refusals(gateway)
        wait_until("descriptors are given back", lambda: gateway.descriptors() <= before + 4)


main()
print("1 passed, 0 failed")
