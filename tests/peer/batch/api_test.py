"""Servers as jobs through OAR's REST API instead of its commands: `api_test.py`. As batch_test.py: `LONG=1` runs all, words choose
checks by name, KEEP_PEER=1 leaves OAR up. The API is Debian's, behind an Apache of the test's own (tests/peers/oar/api.sh)."""

import glob
import http.client
import json
import os
import ssl
import stat
import sys
import time

from cluster import Oar, checks, run
from house import House, profile, wait_until

CAROL = "pslcarol"
API = "/var/lib/passerelle-oar/api"


def api_of(person):
    return person.get(f"/user/{person.name}/api/status", headers={"Accept": "application/json"})


def folder_of(launch):
    return f"/home/{CAROL}/.local/state/passerelle/{launch}"


def kit_of(house, launch, spawner="cluster"):
    return f"{house.gateway.data}/batch/{spawner}/{launch}/kit"


def ask_for_kit(house, launch, proof):
    """As a job, or as anybody on the cluster."""
    connection = http.client.HTTPSConnection(house.peer.address, house.forwarder.port, timeout=20,
                                             context=ssl.create_default_context(cafile=house.forwarder.authority))
    connection.request("POST", f"/hub/api/launches/{launch}/kit", "", {"X-Passerelle-Key": proof})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def gone(peer, limit=90):
    wait_until("the jobs are gone", lambda: not peer.ours(), limit, 0.5)


def check_a_server_through_the_api(peer, house):
    carol = house.person(CAROL)
    begun = time.monotonic()
    assert carol.start(cores=1, minutes=5).status in (201, 202)
    carol.wait_ready(240)
    print(f"    from the click to the answering server: {time.monotonic() - begun:.1f} s")
    assert api_of(carol).status == 200
    (number, about), = peer.ours().items()
    launch = carol.server()["launch_id"]
    assert about["owner"] == CAROL and about["name"].endswith(launch), about
    told = peer.everything_of(number) + run("ps", "-eo", "args")
    for mark in ("JUPYTER_TOKEN", "X-Passerelle-Key: ", "BEGIN PRIVATE KEY"):
        assert mark not in told, mark
    folder = folder_of(launch)
    wait_until("the job has forgotten its secrets",
               lambda: sorted(os.listdir(folder)) == ["client-ca.crt", "hub-ca.crt", "log", "server.crt", "server.key", "start"], 20)
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(folder + "/server.key").st_mode) == 0o600
    assert not os.path.exists(kit_of(house, launch)), "what was handed out is not kept"
    assert ask_for_kit(house, launch, "0" * 64)[0] in (403, 503)
    condition = carol.job()
    assert condition["id"] == number and condition["node"] and condition["ends"], condition
    assert condition["command"].startswith("oarsub --name=passerelle-"), condition
    # through another gateway process
    house.gateway.kill()
    house.start()
    carol = house.person(CAROL)
    wait_until("it answers again", lambda: api_of(carol).status == 200, 30)
    assert carol.server()["launch_id"] == launch and len(peer.ours()) == 1
    with open(folder + "/log") as log:
        carol.stop()
        carol.wait_stopped(60)
        gone(peer)
        assert "asked to end" in log.read(), "TERM comes before the end"
    wait_until("its folder is gone", lambda: not os.path.exists(folder), 60, 0.5)


def check_nothing_secret_waits_in_the_queue(peer, house):
    """What a job is submitted with may be read by everybody; what its server needs goes to whoever proves to be that job."""
    blocker = peer.fill(200)
    wait_until("the cluster is full", lambda: peer.is_running(blocker), 60, 0.5)
    carol = house.person(CAROL)
    carol.start(cores=1, minutes=5)
    wait_until("queued", lambda: carol.job().get("state") == "queued" and peer.ours(), 60, 0.2)
    wait_until("the prediction is told", lambda: carol.job().get("starts"), 60, 0.5)
    launch, (number, _) = carol.server()["launch_id"], next(iter(peer.ours().items()))
    folder = folder_of(launch)
    assert os.listdir(folder) == ["fetch"], os.listdir(folder)
    with open(kit_of(house, launch)) as file:
        kit = file.read()
    assert stat.S_IMODE(os.stat(kit_of(house, launch)).st_mode) == 0o600
    token = kit.split("JUPYTER_TOKEN=")[1].split("\n")[0].replace("'\\''", "").strip("'\"")
    assert len(token) > 20, token
    with open(folder + "/fetch") as file:
        sent = file.read() + peer.everything_of(number)
    assert token not in sent and "PRIVATE KEY" not in sent and "X-Passerelle-Key" in sent
    for proof in ("", "0" * 64, "x" * 64, "0" * 63):
        status, body = ask_for_kit(house, launch, proof)
        assert status in (403, 503) and "printf" not in body, (proof, status, body)
    assert ask_for_kit(house, "0" * 16, "0" * 64)[0] == 503
    house.gateway.kill()
    house.start()
    carol = house.person(CAROL)
    wait_until("still queued", lambda: carol.job().get("state") == "queued", 30, 0.2)
    peer.delete(blocker, "psl-bob")
    refused = set()
    while not carol.server()["ready"]:
        status, body = ask_for_kit(house, launch, "f" * 64)
        refused.add(status)
        assert status in (403, 503) and "printf" not in body, (status, body)
        assert not carol.server()["stopped"], carol.server()
        time.sleep(0.2)
    assert 403 in refused, refused
    assert "a job was not given what its server needs" in house.gateway.log()
    assert len(peer.ours()) == 1 and api_of(carol).status == 200
    # cancelled in the queue: nothing stays
    carol.stop()
    carol.wait_stopped(60)
    gone(peer)
    blocker = peer.fill(100)
    wait_until("the cluster is full", lambda: peer.is_running(blocker), 60, 0.5)
    carol.start()
    wait_until("queued", lambda: carol.job().get("state") == "queued" and peer.ours(), 60, 0.2)
    launch = carol.server()["launch_id"]
    carol.stop()
    carol.wait_stopped(30)
    gone(peer)
    wait_until("its folder is gone", lambda: not os.path.exists(folder_of(launch)), 60, 0.5)
    assert not os.path.exists(kit_of(house, launch))
    peer.delete(blocker, "psl-bob")
    wait_until("the cluster is free", lambda: not peer.active(), 60, 0.5)


def check_refused(peer, house):
    carol = house.person(CAROL)
    before = set(glob.glob(folder_of("*")))  # an earlier run's, if it was ended in the middle
    with open("/etc/oar/peer_projects", "w") as file:
        file.write("pr-hpc\n")
    try:
        carol.start(project="nosuch")
        server = carol.wait_stopped(60)
    finally:
        os.remove("/etc/oar/peer_projects")
    assert server["cause"] == "batch-refused" and "project \"nosuch\" is unknown" in server["detail"], server
    carol.start(cores=99)
    server = carol.wait_stopped(60)
    assert server["cause"] == "batch-refused" and "not enough resources" in server["detail"], server
    assert "Cmd:" not in server["detail"] and "OAR_JOB_ID" not in server["detail"], server
    # a line of shell on the way: nothing of it may come from a value
    for bad in ("x' OR '1'='1", "-x", "a;id", "$(id)", "`id`", "a\"b", "a\\b"):
        carol.start(project=bad)
        assert carol.wait_stopped(30)["cause"] == "values-invalid", bad
    carol.start("odd")
    server = carol.wait_stopped(30)
    assert server["cause"] == "spawner-down" and "cannot be asked for" in server["detail"], server
    # it would act for "psl" and for whoever sets up the machine
    for name in ("psl-alice", "oar", "root", "daemon"):
        person = house.person(name)
        person.start()
        server = person.wait_stopped(60)
        assert server["cause"] == "values-invalid" and "cannot act for" in server["detail"], server
    assert not peer.active(), peer.active()
    wait_until("nothing is left of them", lambda: set(glob.glob(folder_of("*"))) <= before, 60, 0.5)


def check_the_api_is_away(peer, house):
    carol = house.person(CAROL)
    carol.start()
    carol.wait_ready(240)
    peer.script("api.sh", "stop")
    try:
        wait_until("the scheduler is told silent", lambda: carol.job().get("trouble") == "scheduler-silent", 30)
        assert api_of(carol).status == 200 and carol.server()["ready"], "no answer is never gone"
        carol.start_other("second")
        server = wait_until("the second is refused", lambda: carol.other("second") if carol.other("second")["stopped"] else None, 30)
        assert server["cause"] == "spawner-down", server
    finally:
        peer.script("api.sh", "start")
    wait_until("all is well again", lambda: carol.job().get("trouble") == "", 60)
    assert api_of(carol).status == 200 and len(peer.ours()) == 1
    # a job that a submission leaves although it fails
    peer.script("srv.sh", "stop", "almighty")
    try:
        carol.start_other("second")
        server = wait_until("the second has failed", lambda: carol.other("second") if carol.other("second")["stopped"] else None, 60)
        assert server["cause"] == "spawner-down", server
    finally:
        peer.script("srv.sh", "start", "almighty")
    wait_until("its ghost is gone", lambda: len(peer.ours()) == 1, 120, 1)
    assert api_of(carol).status == 200
    carol.stop()
    carol.wait_stopped(60)
    gone(peer)


def check_the_database_is_down(peer, house):
    carol = house.person(CAROL)
    carol.start()
    carol.wait_ready(240)
    peer.script("srv.sh", "stop", "pg")
    try:
        wait_until("the scheduler is told silent", lambda: carol.job().get("trouble") == "scheduler-silent", 40)
        assert api_of(carol).status == 200 and carol.server()["ready"]
    finally:
        peer.script("srv.sh", "start", "pg")
    wait_until("all is well again", lambda: carol.job().get("trouble") == "", 90)
    assert api_of(carol).status == 200 and len(peer.ours()) == 1
    carol.stop()
    carol.wait_stopped(60)
    gone(peer)


def check_the_wormhole(peer, house):
    carol = house.person(CAROL)
    with peer.firewall():
        carol.start("hidden")
        carol.wait_ready(240)
        assert api_of(carol).status == 200
        launch = carol.server()["launch_id"]
        assert not os.path.exists(kit_of(house, launch, "hole"))
        carol.stop()
        carol.wait_stopped(60)
        gone(peer)


def check_ended_outside(peer, house):
    carol = house.person(CAROL)
    carol.start()
    carol.wait_ready(240)
    peer.delete(next(iter(peer.ours())), CAROL)
    server = carol.wait_stopped(60)
    assert server["cause"] == "batch-killed" and CAROL in server["detail"], server
    gone(peer)
    carol.start(minutes=1)
    carol.wait_ready(240)
    server = carol.wait_stopped(150)
    assert server["cause"] == "batch-walltime", server
    gone(peer)


SHORT = [check_a_server_through_the_api, check_refused, check_nothing_secret_waits_in_the_queue]
LONG = [check_the_wormhole, check_the_api_is_away, check_the_database_is_down, check_ended_outside]


def main():
    peer = Oar()
    chosen = sys.argv[1:]
    peer.up()
    peer.clear()
    peer.script("api.sh", "start")
    odd = profile(properties="host=\"$(id)\"")
    settings = {"act_as": "api", "api_url": f"https://127.0.0.1:{os.environ.get('OAR_PEER_APIPORT', '23668')}/oarapi",
                "api_ca": API + "/ca.crt", "api_cert": API + "/client.pem", "poll": "2s"}
    try:
        with House(peer, {"odd": odd, "hidden": {**profile(), "spawner": "hole"}}, settings, more={"hole": {"transport": "wormhole"}},
                   secure=True) as house:
            for check in checks(SHORT + (LONG if os.environ.get("LONG") or chosen else []), chosen):
                check(peer, house)
    finally:
        peer.script("api.sh", "stop")
        if not os.environ.get("KEEP_PEER"):
            peer.down()
    print("oar: all is well")


if __name__ == "__main__":
    main()
