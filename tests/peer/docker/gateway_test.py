#!/usr/bin/env python3
"""Servers in containers of a real Docker engine, through the real gateway: limits, volumes, causes, a gateway and an engine
that are killed, and a real Jupyter."""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
from drivers.gateway import Gateway, Person, wait_until  # noqa: E402
from drivers.notebook import execute, open_kernel  # noqa: E402
from peers.docker.engine import IMAGE, Engine  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def box(*arguments, **more):
    return {"spawner": "engine", "command": ["python3", "/test/server.py", *arguments],
            "container": {"image": IMAGE, "user": "1000:100"}, "start_timeout": "20s", **more}


PROFILES = {
    "box": box("serve"),
    "exit": box("exit", "3"),
    "eat": box("eat"),
    "silent": box("silent", start_timeout="2s"),
    "missing": {**box(), "command": ["no-such-notebook"]},
    "absent": {**box("serve"), "container": {"image": "peer.local/absent:1"}},
    "choose": {**box("serve"), "container": {"image": "peer.local/{image}"}, "form": {"image": {"type": "string"}}},
    "jupyter": {"spawner": "engine", "command": ["jupyter-notebook"], "start_timeout": "60s", "memory": "1GiB", "pids": 512,
                "container": {"image": IMAGE, "user": "1000:100"}, "environment": {"HOME": "/home/jovyan"}},
}


def spawner(engine):
    return (f"  engine: {{type: docker, socket: '{engine.socket}', network: lab, pull: never, memory: 64MiB, cpu: 1.5, pids: 64, "
            f"stop_patience: 1s, images: ['peer.local/*:1'], binds: ['/usr:/usr:ro', '{HERE}:/test:ro']}}\n")


def container_of(engine, person):
    found = [c for c in engine.containers() if c["Labels"].get("passerelle.user") == person.name]
    assert len(found) == 1, found
    return engine.json("GET", f"/containers/{found[0]['Id']}/json")


def no_containers(engine):
    wait_until("no container is left", lambda: not engine.containers())


def launch(person, profile, values=None):
    answer = person.api("POST", f"/users/{person.name}/server", {"profile": profile, "values": values or {}})
    assert answer.status in (201, 202), (answer.status, answer.text)


def refused(gateway, name, profile, cause, values=None):
    """What is said of a launch that had to fail."""
    person = Person(gateway, name).sign_in()
    answer = person.api("POST", f"/users/{person.name}/server", {"profile": profile, "values": values or {}})
    # What fails at once is the answer already.
    server = person.wait_stopped() if answer.status in (201, 202) else answer.json()
    assert server["cause"] == cause, (answer.status, server)
    return server


def failed(gateway, engine, *launch_and_cause):
    server = refused(gateway, *launch_and_cause)
    no_containers(engine)
    return server


def check_a_server(gateway, engine):
    alice = Person(gateway, "alice").sign_in()
    launch(alice, "box")
    alice.wait_ready()
    text = alice.get("/user/alice/hello").text
    made = container_of(engine, alice)
    assert f"in {made['Id'][:12]} uid 1000 note - path /user/alice/hello" in text, text
    host = made["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"], host["PidsLimit"]) == (64 << 20, 64 << 20, 1500000000, 64)
    assert host["CapDrop"] == ["ALL"] and "no-new-privileges" in host["SecurityOpt"] and not host["Privileged"]
    assert [p["HostIp"] for p in made["NetworkSettings"]["Ports"]["8888/tcp"]] == ["127.0.0.1"]
    names = text.split(" env ")[1].split()
    assert "PASSERELLE_SECRET" in names and "LC_ALL" not in names and "LOGNAME" not in names, names
    secret = next(e for e in made["Config"]["Env"] if e.startswith("PASSERELLE_SECRET=")).split("=")[1]
    assert secret not in str(made["Config"]["Cmd"]) and secret not in gateway.log() and secret not in str(made["Config"]["Labels"])
    # What is in the home stays when the server goes.
    alice.get("/user/alice/write")
    alice.stop()
    alice.wait_stopped()
    no_containers(engine)
    launch(alice, "box")
    alice.wait_ready()
    assert "note kept" in alice.get("/user/alice/").text
    bob = Person(gateway, "bob").sign_in()
    launch(bob, "box")
    bob.wait_ready()
    assert "note -" in bob.get("/user/bob/").text
    bob.stop()
    bob.wait_stopped()
    return alice


def check_the_end_of_a_server(gateway, engine):
    carol = Person(gateway, "carol").sign_in()
    launch(carol, "box")
    carol.wait_ready()
    carol.get("/user/carol/leave")
    server = carol.wait_stopped()
    assert server["cause"] == "crashed", server
    launch(carol, "box")
    carol.wait_ready()
    engine.call("DELETE", f"/containers/{container_of(engine, carol)['Id']}?force=1")
    carol.wait_stopped()


def check_causes(gateway, engine):
    server = failed(gateway, engine, "dan", "exit", "crashed")
    assert "a reason to end" in str(server), server
    failed(gateway, engine, "dan", "missing", "crashed")
    failed(gateway, engine, "dan", "eat", "out-of-memory")
    failed(gateway, engine, "dan", "silent", "start-timeout")
    failed(gateway, engine, "dan", "absent", "image-pull")
    # A person may choose among what is allowed, and nothing gets around that.
    for chosen in ["../evil:1", "machine:2", "sub/machine:1", "machine:1@sha256:" + "0" * 64, "machine:1/../../x", "machine:1 --privileged"]:
        failed(gateway, engine, "dan", "choose", "values-invalid", {"image": chosen})
    dan = Person(gateway, "dan").sign_in()
    launch(dan, "choose", {"image": "machine:1"})
    dan.wait_ready()
    dan.stop()
    dan.wait_stopped()


def check_giving_up(gateway, engine):
    erin = Person(gateway, "erin").sign_in()
    launch(erin, "silent")
    wait_until("the container is there", engine.containers)
    erin.stop()
    erin.wait_stopped()
    no_containers(engine)


def check_a_gateway_that_is_killed(gateway, engine, alice):
    before = container_of(engine, alice)["Id"]
    gateway.kill()
    gateway.start()
    assert alice.get("/user/alice/again").text.startswith("in " + before[:12])
    assert container_of(engine, alice)["Id"] == before


def check_an_engine_that_is_killed(gateway, engine, alice):
    engine.kill()
    refused(gateway, "frank", "box", "spawner-down")
    # Nobody can say that alice's server has ended, so it has not.
    assert alice.server()["ready"], alice.server()
    engine.start()
    alice.stop()
    alice.wait_stopped()
    no_containers(engine)


def check_jupyter(gateway, engine):
    grace = Person(gateway, "grace").sign_in()
    launch(grace, "jupyter")
    grace.wait_ready()
    assert "version" in grace.get("/user/grace/api").json()
    headers = {"Cookie": grace.cookie_header()}
    _, channel = open_kernel(gateway, grace, headers)
    said = execute(channel, "import os; print(os.getcwd(), os.getuid())")
    assert said == "/home/jovyan 1000\n", said
    channel.close()
    grace.stop()
    grace.wait_stopped()
    no_containers(engine)


def main():
    with Engine() as engine:
        engine.json("POST", "/networks/create", {"Name": "lab", "Driver": "bridge"})
        with Gateway(PROFILES, spawner=spawner(engine)) as gateway:
            alice = check_a_server(gateway, engine)
            check_a_gateway_that_is_killed(gateway, engine, alice)
            alice.stop()
            alice.wait_stopped()
            check_the_end_of_a_server(gateway, engine)
            check_causes(gateway, engine)
            check_giving_up(gateway, engine)
            check_jupyter(gateway, engine)
            launch(alice, "box")
            alice.wait_ready()
            check_an_engine_that_is_killed(gateway, engine, alice)


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("this test starts a Docker engine, which needs root")
    if shutil.which("dockerd", path=os.environ.get("DOCKER_PROGRAMS", "") + ":" + os.environ["PATH"] + ":/usr/sbin") is None:
        sys.exit("dockerd is missing: install docker.io")
    main()
