"""The built-in culler and kernels that compute: one that works for longer than the rule's idle time, without a word and with nobody
connected, keeps its server; one that rests does not. Debian's Jupyter, with the gateway's secret and as jupyterhub-singleuser."""

import json
import os
import sys
import time

sys.path.insert(0, "tests/drivers")
from gateway import Gateway, Person, wait_until  # noqa: E402
from notebook import await_state, drain_control, execute, open_kernel, send_code  # noqa: E402

IDLE, WORK = 12, 30
PROFILES = {
    "own": {"command": ["jupyter-server"], "ready_path": "api", "start_timeout": "120s"},
    "single": {"command": ["/usr/bin/jupyterhub-singleuser"], "access": "jupyterhub", "ready_path": "api", "start_timeout": "120s",
               "environment": {"JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp"}},
}


def server_up(gateway, name, profile):
    person = Person(gateway, name).sign_in()
    person.launch(profile)
    return person


def kernel_of(gateway, person):
    token = person.token()
    headers = [f"Authorization: token {token}"]
    person.cookies = {}
    made = person.request("POST", f"/user/{person.name}/api/kernels", "{}",
                          {"Content-Type": "application/json", "Authorization": f"token {token}"})
    assert made.status == 201, (made.status, made.text)
    return open_kernel(gateway, person, headers, made.json()["id"])[1]


def main():
    began = time.monotonic()
    extra = f"cull:\n  - {{match: {{idle: {IDLE}s}}, notice: 1s}}\n"
    with Gateway(PROFILES, extra=extra) as gateway:
        teacher = Person(gateway, "teacher").sign_in()
        told = lambda name: teacher.api("GET", f"/users/{name}").json()  # noqa: E731
        runs = lambda name: "" in told(name)["servers"]  # noqa: E731
        why = lambda name: told(name)["stopped_servers"][""]  # noqa: E731
        people = {"ada": "own", "bert": "single", "cleo": "own"}
        at_work = {}
        for name, profile in people.items():
            person = server_up(gateway, name, profile)
            wait_until(f"{name}'s server", lambda n=name: told(n)["servers"].get("", {}).get("ready"), 120)
            channel = kernel_of(gateway, person)
            assert execute(channel, "6 * 7") == "42"
            if name != "cleo":
                done = os.path.join(gateway.folder, f"{name}.done")
                drain_control(channel)
                await_state(channel, send_code(channel, f"import time; time.sleep({WORK}); open({done!r}, 'w').close()"), "busy")
                at_work[name] = (done, time.monotonic())
            channel.close()
        wait_until("the one that rests is stopped", lambda: not runs("cleo"), 60)
        for name, (done, since) in at_work.items():
            while not os.path.exists(done):
                assert runs(name), f"{name}'s server was stopped while its kernel computed"
                assert time.monotonic() < since + WORK + 30, f"{name}'s kernel does not come to its end"
                time.sleep(0.2)
            assert time.monotonic() - since > IDLE + 2, "it did not outlast the rule"
        for name in at_work:
            wait_until(f"{name}'s server is stopped at last", lambda n=name: not runs(n), 60)
            assert "idle" in json.dumps(why(name)), why(name)
    print(json.dumps({"seconds": round(time.monotonic() - began, 1)}))


if __name__ == "__main__":
    main()
