#!/usr/bin/env python3
"""Servers as pods of a real Kubernetes, through the real gateway, whose account has the rights of docs/kubernetes-rbac.yaml and no
others: labels, secrets, claims, causes, a gateway and an API server that are killed, pods that go behind everybody's back, a real
Jupyter. OUTAGE: seconds without an API server (5)."""

import base64
import concurrent.futures
import contextlib
import json
import os
import sys
import threading
import time
import urllib.parse

import yaml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
from drivers.gateway import Gateway, Person, steady_port, wait_until  # noqa: E402
from drivers.jars import Browser, websocket  # noqa: E402
from drivers.notebook import connect, execute, open_kernel  # noqa: E402
from peers.kubernetes.cluster import MACHINE, Cluster  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
SERVER = os.path.abspath(os.path.join(HERE, "..", "docker"))  # with server.py
SPACE = "notebooks"
OUTAGE = float(os.environ.get("OUTAGE", "5"))


def box(*arguments, **more):
    return {"spawner": "cluster", "command": ["python3", "/test/server.py", *arguments],
            "container": {"image": MACHINE, "user": "1000:100"}, "start_timeout": "40s", **more}


PROFILES = {
    "box": box("serve"),
    "exit": box("exit", "3"),
    "eat": box("eat"),
    "silent": box("silent", start_timeout="4s"),
    "missing": {**box(), "command": ["no-such-notebook"]},
    "absent": {**box("serve"), "container": {"image": "peer.local/absent:1"}},
    "huge": {**box("serve", cpu=1000, start_timeout="4s"), "spawner": "whole"},
    "choose": {**box("serve"), "container": {"image": "peer.local/{image}"}, "form": {"image": {"type": "string"}}},
    "jupyter": {"spawner": "cluster", "command": ["jupyter-notebook"], "start_timeout": "90s", "memory": "1GiB",
                "container": {"image": MACHINE, "user": "1000:100"}, "environment": {"HOME": "/home/jovyan"}},
}
PROFILES["named"] = {**PROFILES["jupyter"], "domain": "lab.localhost"}


def spawner(kubeconfig):
    common = (f"type: kubernetes, kubeconfig: '{kubeconfig}', pull: Never, memory: 64MiB, cpu: 1.5, stop_patience: 1s, storage: 1Mi, "
              f"images: ['peer.local/*:1'], binds: ['/usr:/usr:ro', '{SERVER}:/test:ro']")
    # What a pod asks for is what it may have, where nothing else is written.
    return f"  cluster: {{{common}, memory_guarantee: 16MiB, cpu_guarantee: 0.01}}\n  whole: {{{common}}}\n"


def prepare(cluster):
    """The namespace, and an account that has the rights of the documentation and no others."""
    cluster.namespace(SPACE)
    token = cluster.account(SPACE, "passerelle")
    with open(os.path.join(ROOT, "docs", "kubernetes-rbac.yaml")) as file:
        for one in yaml.safe_load_all(file):
            if one["kind"] in ("Role", "RoleBinding"):
                cluster.apply(one)
    for number in range(4):
        folder = cluster.at(f"volume-{number}")
        os.mkdir(folder)
        os.chown(folder, 1000, 100)
        cluster.volume(f"volume-{number}", folder)
    return cluster.kubeconfig("gateway", {"tokenFile": token}, SPACE)


def pods_of(cluster, name=None):
    return [p for p in cluster.pods(SPACE) if name is None or p["metadata"]["labels"]["hub.jupyter.org/username"] == name]


def pod_of(cluster, name):
    found = pods_of(cluster, name)
    assert len(found) == 1, [p["metadata"]["name"] for p in found]
    return found[0]


def nothing_left(cluster, name):
    path = f"/api/v1/namespaces/{SPACE}/"
    wait_until("pod and secret are gone", lambda: cluster.gone(path + "pods/jupyter-" + name) and
               cluster.gone(path + "secrets/jupyter-" + name), 60, 0.2)


def launch(person, profile, values=None):
    answer = person.api("POST", f"/users/{person.name}/server", {"profile": profile, "values": values or {}})
    assert answer.status in (201, 202), (answer.status, answer.text)


def up(gateway, name, profile="box"):
    person = Person(gateway, name).sign_in()
    launch(person, profile)
    person.wait_ready(120)
    return person


def down(cluster, person):
    person.stop()
    person.wait_stopped(120)
    nothing_left(cluster, person.name)


def failed(gateway, cluster, name, profile, cause, values=None):
    """What is said of a launch that had to fail."""
    person = Person(gateway, name).sign_in()
    answer = person.api("POST", f"/users/{person.name}/server", {"profile": profile, "values": values or {}})
    server = person.wait_stopped(120) if answer.status in (201, 202) else answer.json()
    assert server["cause"] == cause, (answer.status, server)
    nothing_left(cluster, name)
    return server


def check_a_server(gateway, cluster):
    alice = up(gateway, "alice")
    text = alice.get("/user/alice/hello").text
    made = pod_of(cluster, "alice")
    assert text.startswith("in jupyter-alice uid 1000 note - path /user/alice/hello"), text
    labels, container = made["metadata"]["labels"], made["spec"]["containers"][0]
    # What watches over the pods of a JupyterHub finds these.
    assert labels["component"] == "singleuser-server" and labels["app"] == "jupyterhub" and container["name"] == "notebook", labels
    assert container["resources"] == {"limits": {"cpu": "1500m", "memory": str(64 << 20)}, "requests": {"cpu": "10m", "memory": str(16 << 20)}}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]} and not container["securityContext"]["allowPrivilegeEscalation"]
    assert made["spec"]["automountServiceAccountToken"] is False and made["spec"]["enableServiceLinks"] is False
    assert "/var/run/secrets" not in json.dumps(made["spec"])
    # Its secret stands in a Secret and nowhere else.
    secret = cluster.call("GET", f"/api/v1/namespaces/{SPACE}/secrets/jupyter-alice")["data"]["PASSERELLE_SECRET"]
    plain = base64.b64decode(secret).decode()
    assert len(plain) > 20 and plain not in json.dumps(made) and plain not in gateway.log()
    names = text.split(" env ")[1].split()
    assert "PASSERELLE_SECRET" in names and "LC_ALL" not in names and "LOGNAME" not in names, names
    # The claim stays when the server goes.
    alice.get("/user/alice/write")
    down(cluster, alice)
    assert up(gateway, "alice").name == "alice"
    assert "note kept" in alice.get("/user/alice/").text
    return alice


def check_the_end_of_a_server(gateway, cluster):
    carol = up(gateway, "carol")
    carol.get("/user/carol/leave")
    server = carol.wait_stopped()
    assert server["cause"] == "crashed", server
    launch(carol, "box")
    carol.wait_ready(120)
    cluster.call("DELETE", f"/api/v1/namespaces/{SPACE}/pods/jupyter-carol?gracePeriodSeconds=0")
    carol.wait_stopped()
    wait_until("nothing of carol's is left", lambda: not pods_of(cluster, "carol"))


def check_causes(gateway, cluster):
    server = failed(gateway, cluster, "dan", "exit", "crashed")
    assert "a reason to end" in str(server), server
    failed(gateway, cluster, "dan", "missing", "crashed")
    failed(gateway, cluster, "dan", "eat", "out-of-memory")
    failed(gateway, cluster, "dan", "silent", "start-timeout")
    failed(gateway, cluster, "dan", "absent", "image-pull")
    server = failed(gateway, cluster, "dan", "huge", "unschedulable")
    assert "cpu" in str(server), server
    for chosen in ["../evil:1", "machine:2", "machine:1 --privileged"]:
        failed(gateway, cluster, "dan", "choose", "values-invalid", {"image": chosen})
    quota = f"/api/v1/namespaces/{SPACE}/resourcequotas"
    cluster.call("POST", quota, {"metadata": {"name": "full"}, "spec": {"hard": {"pods": "0"}}})
    wait_until("the quota counts", lambda: cluster.call("GET", quota + "/full").get("status", {}).get("hard"))
    server = failed(gateway, cluster, "dan", "box", "quota-user")
    assert "exceeded quota" in str(server), server
    cluster.call("DELETE", quota + "/full")


def check_giving_up(gateway, cluster):
    erin = Person(gateway, "erin").sign_in()
    launch(erin, "silent")
    wait_until("the pod is there", lambda: pods_of(cluster, "erin"))
    erin.stop()
    erin.wait_stopped()
    nothing_left(cluster, "erin")


def check_a_gateway_that_is_killed(gateway, cluster, alice):
    before = pod_of(cluster, "alice")["metadata"]["uid"]
    gateway.kill()
    gateway.start()
    assert "path /user/alice/again" in alice.get("/user/alice/again").text
    assert pod_of(cluster, "alice")["metadata"]["uid"] == before


def check_an_api_server_that_is_killed(gateway, cluster, alice):
    """People go on working, nobody's server is said to be gone; what went meanwhile is found out afterwards."""
    bob = up(gateway, "bob")
    answers, over = [], threading.Event()

    def work():
        while not over.wait(0.2):
            answers.append(alice.get("/user/alice/work").status)
    with concurrent.futures.ThreadPoolExecutor(1) as pool, contextlib.ExitStack() as at_the_end:
        at_the_end.callback(over.set)
        worker = pool.submit(work)
        cluster.kill_api()
        began = time.monotonic()
        frank = Person(gateway, "frank").sign_in()
        answer = frank.api("POST", "/users/frank/server", {"profile": "silent", "values": {}})
        server = frank.wait_stopped() if answer.status in (201, 202) else answer.json()
        assert server["cause"] == "spawner-down", server
        while time.monotonic() - began < OUTAGE:
            time.sleep(0.2)
            assert alice.server()["ready"] and bob.server()["ready"]
        # bob's pod goes where no API server can tell anybody when: 410, a new list, and a comparison.
        cluster.forget_behind_the_api(f"/registry/pods/{SPACE}/jupyter-bob")
        cluster.start_api()
        bob.wait_stopped()
        over.set()
        worker.result()
    assert set(answers) == {200} and len(answers) > OUTAGE, answers
    assert alice.server()["ready"]
    launch(bob, "box")
    bob.wait_ready(120)
    down(cluster, bob)
    print(f"{len(answers)} requests while the API server was away for {OUTAGE:.0f} s and came back")


def check_a_token_that_is_renewed(gateway, cluster, token):
    """The account is made anew: its old token is worth nothing, the new one is in the same file."""
    cluster.call("DELETE", f"/api/v1/namespaces/{SPACE}/serviceaccounts/passerelle")
    cluster.account(SPACE, "passerelle")
    cluster.until("the new token is good", lambda: cluster.call("GET", f"/api/v1/namespaces/{SPACE}/pods", token=open(token).read()))
    grace = up(gateway, "dan")
    down(cluster, grace)


def check_jupyter(gateway, cluster):
    person = up(gateway, "alice", "jupyter")
    assert "version" in person.get("/user/alice/api").json()
    headers = {"Cookie": person.cookie_header()}
    _, channel = open_kernel(gateway, person, headers)
    said = execute(channel, "import os; print(os.getcwd(), os.getuid(), os.uname().nodename)")
    assert said == "/home/jovyan 1000 jupyter-alice\n", said
    channel.close()
    down(cluster, person)


def check_jupyter_at_its_name(gateway, cluster):
    """The same program, told no base URL, at a host name of its own."""
    person = Browser(gateway, "alice", "127.0.0.1").sign_in()
    hub = f"http://{person.hub}"
    assert person.post("/hub/spawn", profile="named").status == 303
    wait_until("it runs", lambda: person.api("/users/alice").json()["servers"].get("", {}).get("ready"), 120)
    assert "--ServerApp.base_url=/" in str(pod_of(cluster, "alice")["spec"]["containers"][0]["command"])
    way = person.follow(hub + "/user/alice/api")
    name = urllib.parse.urlsplit(way[-1].url).netloc
    assert name.startswith("alice-") and name.endswith(f".lab.localhost:{gateway.port}") and "version" in way[-1].json(), way[-1].url
    made = person.request("POST", f"http://{name}/api/kernels", "{}", {"Content-Type": "application/json", "Origin": f"http://{name}"})
    assert made.status == 201, (made.status, made.text)
    key = "; ".join(f"{k}={v}" for k, v in person.jars[name].items())
    channel = connect(gateway, f"/api/kernels/{made.json()['id']}/channels?session_id=x", {"Cookie": key}, name)
    assert execute(channel, "import os; print(os.getuid(), os.uname().nodename)") == "1000 jupyter-alice\n"
    channel.close()
    bob = Browser(gateway, "bob", "127.0.0.1").sign_in()
    assert bob.follow(f"http://{name}/api")[-1].status == 403
    _, status = websocket(gateway, "/api/kernels/x/channels", [f"Host: {name}", f"Origin: http://{name}"])
    assert status == 403, status
    down(cluster, Person(gateway, "alice").sign_in())


def tell(what):
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


def main():
    with Cluster() as cluster:
        kubeconfig = prepare(cluster)
        port = steady_port()
        gateway = Gateway(PROFILES, spawner=spawner(kubeconfig), extra=f"public_url: 'http://127.0.0.1:{port}'\n")
        gateway.port = port
        with gateway:
            tell("a server")
            alice = check_a_server(gateway, cluster)
            tell("a gateway that is killed")
            check_a_gateway_that_is_killed(gateway, cluster, alice)
            tell("an API server that is killed")
            check_an_api_server_that_is_killed(gateway, cluster, alice)
            down(cluster, alice)
            tell("ends")
            check_the_end_of_a_server(gateway, cluster)
            tell("causes")
            check_causes(gateway, cluster)
            check_giving_up(gateway, cluster)
            tell("Jupyter")
            check_jupyter(gateway, cluster)
            check_jupyter_at_its_name(gateway, cluster)
            tell("a renewed token")
            check_a_token_that_is_renewed(gateway, cluster, cluster.at(f"{SPACE}-passerelle.token"))


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("this test starts a Kubernetes, which needs root")
    main()
