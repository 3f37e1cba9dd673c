"""Servers as jobs of a real batch system: `batch_test.py oar` and `batch_test.py slurm`. `LONG=1` also runs what
takes minutes; words after the system choose checks by name, KEEP_PEER=1 leaves the batch system up."""

import glob
import http.client
import json
import os
import re
import sys
import time

from cluster import Oar, PEOPLE, Slurm, checks, run
from house import House, wait_until


def api_of(person):
    return person.get(f"/user/{person.name}/api/status", headers={"Accept": "application/json"})


def launch_id(person):
    return person.server()["launch_id"]


def check_01_a_form_starts_a_job(peer, house):
    alice = house.person()
    wait_until("the page says what is free", lambda: re.search(r"free now: (<strong>main</strong> )?8 / 8", " ".join(alice.get("/hub/spawn").text.split())), 60, 0.5)
    begun = time.monotonic()
    assert alice.start(cores=1, minutes=5).status in (201, 202)
    alice.wait_ready(240)
    took = time.monotonic() - begun
    print(f"    from the click to the answering server: {took:.1f} s")
    jobs = peer.ours()
    assert len(jobs) == 1, jobs
    number, about = next(iter(jobs.items()))
    assert about["name"].endswith(launch_id(alice)) and about["owner"] == "psl-alice", about
    assert api_of(alice).status == 200, api_of(alice).text
    secret_marks = ("JUPYTER_TOKEN", "X-Passerelle-Key", "BEGIN PRIVATE KEY")
    told = peer.everything_of(number) + run("ps", "-eo", "args")
    for mark in secret_marks:
        assert mark not in told, mark
    state = f"/home/psl-alice/.local/state/passerelle/{launch_id(alice)}"
    wait_until("the job has forgotten its secrets", lambda: sorted(os.listdir(state)) == ["client-ca.crt", "log", "server.crt", "server.key", "start"], 20)
    assert os.stat(state).st_mode & 0o777 == 0o700
    condition = alice.job()
    assert condition["id"] == number and condition["node"] and condition["ends"], condition
    assert condition["command"].split()[0] in ("oarsub", "sbatch"), condition
    page = alice.get("/hub/home").text
    assert number in page and "How it was started" in page, page[:3000]
    alice.stop()
    wait_until("the job is gone", lambda: not peer.ours(), 60, 0.5)
    wait_until("its folder is gone", lambda: not os.path.exists(state), 30)


def check_03_waits_through_a_restart(peer, house):
    blocker = peer.fill(120)
    wait_until("the cluster is full", lambda: peer.is_running(blocker), 60, 0.5)
    alice = house.person()
    alice.start(cores=1, minutes=5)
    wait_until("queued", lambda: alice.job().get("state") == "queued", 30, 0.2)
    assert "waits in the cluster" in alice.get(f"/hub/spawn-pending/{alice.name}").text
    wait_until("the prediction is told", lambda: alice.job().get("starts"), 60, 0.5)
    assert len(peer.ours()) == 1
    house.gateway.kill()
    house.start()
    alice = house.person()
    wait_until("still queued", lambda: alice.job().get("state") == "queued", 30, 0.2)
    peer.delete(blocker, "psl-bob")
    alice.wait_ready(240)
    assert len(peer.ours()) == 1, peer.ours()
    # and through one more while it runs
    before = launch_id(alice)
    house.gateway.kill()
    house.start()
    alice = house.person()
    wait_until("it answers again", lambda: api_of(alice).status == 200, 30)
    assert launch_id(alice) == before
    alice.stop()
    wait_until("the job is gone", lambda: not peer.ours(), 60, 0.5)


def check_02_cancelled_in_the_queue(peer, house):
    blocker = peer.fill(100)
    wait_until("the cluster is full", lambda: peer.is_running(blocker), 60, 0.5)
    alice = house.person()
    alice.start()
    wait_until("queued", lambda: alice.job().get("state") == "queued" and peer.ours(), 30, 0.2)
    alice.stop()
    alice.wait_stopped(30)
    wait_until("the job is gone", lambda: not peer.ours(), 40, 0.5)
    peer.delete(blocker, "psl-bob")
    wait_until("the cluster is free", lambda: not peer.active(), 60, 0.5)


def check_07_stopped_outside(peer, house):
    alice = house.person()
    alice.start()
    alice.wait_ready(240)
    peer.delete(next(iter(peer.ours())))
    server = alice.wait_stopped(60)
    assert server["cause"] == "batch-killed", server
    assert "outside of the gateway" in server["detail"], server
    if peer.system == "oar":
        assert "psl-alice" in server["detail"], server


def check_12_refused_in_the_sites_words(peer, house):
    alice = house.person()
    if peer.system == "oar":
        with open("/etc/oar/peer_projects", "w") as file:
            file.write("pr-hpc\n")
    try:
        alice.start(**({"project": "nosuch"} if peer.system == "oar" else {"cores": 99}))
        server = alice.wait_stopped(60)
    finally:
        if peer.system == "oar":
            os.remove("/etc/oar/peer_projects")
    assert server["cause"] == "batch-refused", server
    words = "project \"nosuch\" is unknown" if peer.system == "oar" else "requested than permitted"
    assert words in server["detail"], server["detail"]
    assert not peer.ours()


def check_13_hostile_values(peer, house):
    alice = house.person()
    for bad in ("x' OR '1'='1", "-x", "a;id", "$(id)", "été", "a b"):
        answer = alice.start(project=bad)
        server = alice.wait_stopped(30)
        assert server["cause"] == "values-invalid", (bad, answer.text, server)
    assert alice.start(project="two\nlines").status == 400
    assert alice.start(cores="2\n#").status == 400
    assert alice.start(nosuch=1).status == 400
    assert not peer.ours()


def check_16_only_one_true_report(peer, house):
    alice = house.person()
    blocker = peer.fill(60)
    wait_until("the cluster is full", lambda: peer.is_running(blocker), 60, 0.5)
    alice.start()
    wait_until("queued", lambda: alice.job().get("state") == "queued" and peer.ours(), 30, 0.2)
    launch = launch_id(alice)

    def report(body, key, which=launch):
        connection = http.client.HTTPConnection("127.0.0.1", house.gateway.port, timeout=20)
        connection.request("POST", f"/hub/api/launches/{which}/arrived", json.dumps(body),
                           {"Content-Type": "application/json", "X-Passerelle-Key": key})
        return connection.getresponse().status

    folder = f"/home/psl-alice/.local/state/passerelle/{launch}"
    key = open(folder + "/hdr").read().split(": ")[1].strip()
    assert report({"port": 25000}, "wrong") == 403
    assert report({"port": 25000}, "") == 403
    assert report({"port": 25000}, key, "0" * 16) == 403
    for body in ({"port": 22}, {"port": 25000, "host": "169.254.169.254"}, {"port": "25000"}, {}, [25000], {"port": 70000}):
        assert report(body, key) == 400, body
    assert "a server's report was refused" in house.gateway.log()
    alice.stop()
    alice.wait_stopped(30)
    assert report({"port": 25000}, key) == 403
    peer.delete(blocker, "psl-bob")
    wait_until("the cluster is free", lambda: not peer.active(), 60, 0.5)


def check_05_the_scheduler_is_down(peer, house):
    alice = house.person()
    alice.start()
    alice.wait_ready(240)
    bob = house.person("psl-bob")
    peer.script("srv.sh", "stop", peer.server)
    try:
        assert api_of(alice).status == 200, "a running server does not need the scheduler"
        begun = time.monotonic()
        bob.start()
        server = bob.wait_stopped(60)
        assert server["cause"] == "spawner-down", server
        took = time.monotonic() - begun
        print(f"    told after {took:.1f} s: {server['detail'][:80]}")
        assert took < 15, took
        assert alice.server()["ready"]
    finally:
        peer.script("srv.sh", "start", peer.server)
    wait_until("bob's ghost is gone", lambda: all(j["owner"] != "psl-bob" for j in peer.ours().values()), 90, 1)
    assert api_of(alice).status == 200 and alice.server()["ready"]
    alice.stop()
    wait_until("the job is gone", lambda: not peer.ours(), 60, 0.5)


def check_08_the_time_is_over(peer, house):
    alice = house.person()
    alice.start(minutes=1)
    alice.wait_ready(240)
    wait_until("a warning", lambda: "nearly over" in alice.get("/hub/home").text, 30)
    server = alice.wait_stopped(150)
    assert server["cause"] == "batch-walltime", server
    assert "checkpoint" in server["detail"], server["detail"]


def check_10_a_node_dies(peer, house):
    alice = house.person()
    alice.start()
    alice.wait_ready(240)
    node = alice.job()["node"]
    peer.script("node.sh", "crash", node[-1])
    try:
        begun = time.monotonic()
        wait_until("the node is told silent", lambda: alice.job().get("trouble") == "node-silent" or alice.server()["stopped"], 60, 0.5)
        print(f"    told after {time.monotonic() - begun:.1f} s")
        begun = time.monotonic()
        alice.stop()
        alice.wait_stopped(30)
        print(f"    stopped after {time.monotonic() - begun:.1f} s")
    finally:
        peer.script("node.sh", "start", node[-1])
    wait_until("the old job is gone", lambda: not peer.ours(), 180, 1)


def check_11_the_cable_is_pulled(peer, house):
    alice = house.person()
    alice.start()
    alice.wait_ready(240)
    before, node = launch_id(alice), alice.job()["node"]
    peer.script("node.sh", "cut", node[-1])
    try:
        wait_until("the node is told silent", lambda: alice.job().get("trouble") == "node-silent", 60, 0.5)
    finally:
        peer.script("node.sh", "join", node[-1])
    wait_until("it answers again", lambda: api_of(alice).status == 200, 60)
    wait_until("nothing is wrong any more", lambda: alice.job().get("trouble") == "", 60, 0.5)
    assert launch_id(alice) == before
    alice.stop()
    wait_until("the job is gone", lambda: not peer.ours(), 60, 0.5)


SHORT = [check_01_a_form_starts_a_job, check_03_waits_through_a_restart, check_07_stopped_outside,
         check_12_refused_in_the_sites_words, check_13_hostile_values, check_16_only_one_true_report]
LONG = [check_02_cancelled_in_the_queue, check_05_the_scheduler_is_down, check_11_the_cable_is_pulled,
        check_10_a_node_dies, check_08_the_time_is_over]


def main():
    peer = {"oar": Oar, "slurm": Slurm}[sys.argv[1]]()
    chosen = sys.argv[2:]
    keep = os.environ.get("KEEP_PEER")
    peer.up()
    peer.clear()
    try:
        with House(peer) as house:
            functions = SHORT + (LONG if os.environ.get("LONG") or chosen else [])
            for function in checks(functions, chosen):
                function(peer, house)
    finally:
        if not keep:
            peer.down()
    left = [f for person in PEOPLE for f in glob.glob(f"/home/{person}/.local/state/passerelle/*")]
    print(f"{peer.system}: all is well" + (f"; left over: {left}" if left else ""))


if __name__ == "__main__":
    main()
