"""What schedulers, nodes and other people do meanwhile: `meanwhile_test.py oar` and `meanwhile_test.py slurm`. As batch_test.py:
`LONG=1` runs all, words after the system choose checks by name, KEEP_PEER=1 leaves the batch system up."""

import base64
import concurrent.futures
import contextlib
import glob
import json
import os
import socket
import sys
import threading
import time
import urllib.parse

from cluster import Oar, PEOPLE, Slurm, Watched, checks, run
from house import FORM, House, profile, wait_until

MARK = "not-for-jobs-4711"


def api_of(person):
    return person.get(f"/user/{person.name}/api/status", headers={"Accept": "application/json"})


def gone(peer, limit=90):
    wait_until("the jobs are gone", lambda: not peer.ours(), limit, 0.5)


def ready(person, **values):
    answer = person.start(**values)
    assert answer.status in (201, 202), answer.text
    person.wait_ready(240)
    return person


def check_04_killed_while_it_submits(peer, house):
    """Before the scheduler has heard of the job, and before its answer has come: one job each time, found by its name."""
    for moment in ("before", "after"):
        with Watched(peer, peer.submit, **{moment: 4}) as watched:
            alice = house.person()
            alice.start()
            wait_until("the submission is under way", lambda: watched.calls("begun" if moment == "before" else "done"), 30)
            house.gateway.kill()
        house.start()
        alice = house.person()
        alice.wait_ready(240)
        assert len(peer.ours()) == 1 and len(watched.calls("begun")) == 1, (moment, peer.ours(), watched.calls("begun"))
        name = next(iter(peer.ours().values()))["name"]
        assert name.endswith(alice.server()["launch_id"]), (name, alice.server())
        assert api_of(alice).status == 200
        alice.stop()
        alice.wait_stopped(60)
        gone(peer)


def check_06_the_database_is_down(peer, house):
    alice = ready(house.person())
    bob = house.person("psl-bob")
    with Watched(peer, peer.submit, before=3) as watched:
        bob.start()
        wait_until("bob's submission is under way", lambda: watched.calls("begun"), 30)
        peer.script("srv.sh", "stop", "pg")
        try:
            assert api_of(alice).status == 200, "a running server does not need the scheduler"
            begun = time.monotonic()
            wait_until("the scheduler is told silent", lambda: alice.job().get("trouble") == "scheduler-silent", 15)
            print(f"    told after {time.monotonic() - begun:.1f} s")
            server = bob.wait_stopped(40)
            assert server["cause"] == "spawner-down", server
            bob.start()
            assert bob.wait_stopped(40)["cause"] == "spawner-down"
            assert len(watched.calls("begun")) == 1, "nothing more is submitted to it"
            hanging = [line for line in run("ps", "-eo", "args").splitlines() if "oarsub" in line and "-n passerelle" in line]
            print(f"    commands that hang: {len(hanging)}")
            assert api_of(alice).status == 200 and alice.server()["ready"]
        finally:
            peer.script("srv.sh", "start", "pg")
    wait_until("all is well again", lambda: alice.job().get("trouble") == "", 60)
    assert api_of(alice).status == 200 and alice.server()["ready"]
    wait_until("bob's ghost is gone", lambda: all(j["owner"] != "psl-bob" for j in peer.ours().values()), 120, 1)
    alice.stop()
    gone(peer)


def check_07_stopped_by_an_administrator(peer, house):
    alice = ready(house.person())
    peer.delete(next(iter(peer.ours())), "root")
    server = alice.wait_stopped(60)
    assert server["cause"] == "batch-killed", server
    words = "by an administrator" if peer.system == "oar" else "outside of the gateway"
    assert words in server["detail"], server["detail"]


def check_09_preempted(peer, house):
    alice = house.person()
    alice.start("yielding", cores=1)
    alice.wait_ready(240)
    blocker = peer.fill(60)
    server = alice.wait_stopped(90)
    assert server["cause"] == "batch-killed" and "preempted" in server["detail"], server
    peer.delete(blocker, "psl-bob")
    wait_until("the cluster is free", lambda: not peer.active(), 60, 0.5)


def check_14_thirty_at_once(peer, house):
    """All are the same person's on the cluster: what counts is what the scheduler is asked."""
    blocker = peer.fill(300)
    wait_until("the cluster is full", lambda: peer.is_running(blocker), 60, 0.5)
    with Watched(peer, peer.submit) as submits, Watched(peer, peer.status) as looks:
        people = [house.person(f"learner{n:02}") for n in range(30)]
        def looks_a_minute(seconds=20):
            before = len(looks.calls("begun"))
            time.sleep(seconds)
            return (len(looks.calls("begun")) - before) * 60 / seconds
        assert people[0].start("shared").status in (201, 202)
        wait_until("it waits", lambda: people[0].job().get("state") == "queued" and peer.ours(), 60, 0.5)
        alone = looks_a_minute()
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(30) as crowd:
            answers = list(crowd.map(lambda person: person.start("shared").status, people[1:]))
        assert all(status in (201, 202) for status in answers), answers
        wait_until("all are submitted", lambda: len(peer.ours()) == 30, 120, 0.5)
        print(f"    30 jobs after {time.monotonic() - begun:.1f} s, at most {submits.most_at_once()} submissions at once")
        assert 1 < submits.most_at_once() <= 4, submits.most_at_once()
        wait_until("all are in the queue", lambda: all(p.job().get("state") == "queued" for p in people), 60, 0.5)
        many = looks_a_minute()
        peer.delete(blocker, "psl-bob")
        wait_until("all are up or queued", lambda: all(p.server()["ready"] or p.job().get("state") in ("queued", "starting") for p in people), 240, 1)
        wait_until("the cores are in use", lambda: sum(p.server()["ready"] for p in people) >= 8, 240, 1)
    print(f"    {peer.status} a minute: {alone:.0f} with one server, {many:.0f} with thirty")
    # As many calls a round for all as for one; a window of 20 s may hold one round of two calls more.
    assert many <= alone + 6, (alone, many)
    assert len(submits.calls("begun")) == 30
    with concurrent.futures.ThreadPoolExecutor(8) as crowd:
        list(crowd.map(lambda person: person.stop(), people))
    gone(peer, 240)


def check_15_held_in_the_middle(peer, house):
    alice = ready(house.person())
    before, job = alice.server()["launch_id"], next(iter(peer.ours()))
    peer.suspend(job)
    try:
        wait_until("it is told as paused", lambda: alice.job().get("trouble") == "paused", 40, 0.5)
    finally:
        peer.resume(job)
    wait_until("it goes on", lambda: alice.job().get("trouble") == "", 60, 0.5)
    wait_until("it answers", lambda: api_of(alice).status == 200, 30, 0.5)
    assert alice.server()["launch_id"] == before
    alice.stop()
    gone(peer)


LISTENER = r"""
import socket, ssl, sys
port, cert, key, log = int(sys.argv[1]), *sys.argv[2:5]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
server = socket.create_server(("0.0.0.0", port))
while True:
    connection, _ = server.accept()
    connection.settimeout(5)
    with open(log, "a") as file:
        print("came", file=file, flush=True)
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                print("said", secure.recv(4096), file=file, flush=True)
        except OSError as error:
            print("handshake", error.__class__.__name__, file=file, flush=True)
"""


def check_17_somebody_else_on_the_port(peer, house):
    """The server dies, its job is still there, and bob listens on the same port of the same node."""
    alice = ready(house.person())
    node = alice.job()["node"][-1]
    pid = peer.process_of(alice.server()["launch_id"], "jupyter-server")
    port = next(int(w.split("=")[1]) for w in open(f"/proc/{pid}/cmdline").read().split("\0") if w.startswith("--ServerApp.port="))
    script = int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])
    os.kill(script, 19)
    os.kill(pid, 9)
    folder = "/home/psl-bob/port"
    run("mkdir", "-p", folder, user="psl-bob")
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
        f"/CN={alice.server()['launch_id']}.job.invalid", "-keyout", folder + "/key", "-out", folder + "/cert", user="psl-bob")
    with peer.on_node(node, "psl-bob", "/usr/bin/python3", "-c", LISTENER, str(port), folder + "/cert", folder + "/key", folder + "/log"):
        def heard():
            api_of(alice)
            with contextlib.suppress(OSError), open(folder + "/log") as file:
                return "handshake" in (text := file.read()) and text
            return ""
        text = wait_until("the gateway has come", heard, 60, 0.5)
        assert "said" not in text, text
        assert api_of(alice).status in (502, 503)
    os.kill(script, 18)
    alice.wait_stopped(60)
    gone(peer)
    run("rm", "-rf", folder)


def check_18_a_node_that_takes_no_connections(peer, house):
    alice = house.person()
    with peer.firewall():
        alice.start("impatient")
        server = alice.wait_stopped(90)
        assert server["cause"] == "not-answering", server
        print(f"    directly: {server['cause']}: {server['detail']}")
        gone(peer)


def there_and_back(person, size=8 << 20):
    content = os.urandom(size)
    body = json.dumps({"type": "file", "format": "base64", "content": base64.b64encode(content).decode()})
    path = f"/user/{person.name}/api/contents/wormhole.bin"
    begun = time.monotonic()
    answer = person.request("PUT", path, body, {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{person.gateway.port}",
                                                "X-XSRFToken": person.xsrf})
    assert answer.status in (200, 201), (answer.status, answer.text[:300])
    assert person.get(f"/user/{person.name}/files/wormhole.bin").body == content
    print(f"    {size >> 20} MiB up and down in {time.monotonic() - begun:.1f} s")


def hello_at_the_wormhole(house, path, *lines):
    with socket.create_connection(("127.0.0.1", house.gateway.port), 10) as connection:
        upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
        head = "\r\n".join((f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{house.gateway.port}", *upgrade, *lines)) + "\r\n\r\n"
        connection.sendall(head.encode())
        return int(connection.recv(4096).split()[1])


def check_18_through_the_wormhole(peer, house):
    alice = house.person()
    with peer.firewall():
        begun = time.monotonic()
        assert alice.start("hidden").status in (201, 202)
        alice.wait_ready(240)
        print(f"    from the click to the answering server: {time.monotonic() - begun:.1f} s")
        launch = alice.server()["launch_id"]
        folder = f"/home/psl-alice/.local/state/passerelle/{launch}"
        assert api_of(alice).status == 200
        wait_until("the job has forgotten its secrets", lambda: sorted(os.listdir(folder)) == ["client-ca.crt", "log", "relay", "server.crt", "sock", "start"], 20)
        assert os.stat(folder + "/sock").st_mode & 0o077 == 0
        alice.terminal().answers()
        there_and_back(alice)
        with concurrent.futures.ThreadPoolExecutor(40) as crowd:
            assert set(crowd.map(lambda _: api_of(alice).status, range(120))) == {200}
        mark = next(iter(peer.ours().values()))["name"].split("-")[1]
        for path in (f"/hub/wormhole/{mark}/{launch}", f"/hub/wormhole/{mark}/{'0' * 16}", f"/hub/wormhole/{mark}/../{mark}/x"):
            assert hello_at_the_wormhole(house, path, "X-Passerelle-Key: wrong") in (400, 403), path
        assert hello_at_the_wormhole(house, f"/hub/wormhole/{mark}/{launch}") == 400
        assert hello_at_the_wormhole(house, "/hub/wormhole/none/" + launch, "X-Passerelle-Key: wrong") == 404
        assert alice.get(f"/hub/wormhole/{mark}/{launch}").status == 404
        house.gateway.kill()
        house.start()
        alice = house.person()
        wait_until("it answers again", lambda: api_of(alice).status == 200, 40, 0.2)
        assert alice.server()["launch_id"] == launch
        alice.terminal().answers()
        node = alice.job()["node"][-1]
        peer.script("node.sh", "cut", node)
        try:
            wait_until("the node is told silent", lambda: alice.job().get("trouble") == "node-silent", 60, 0.5)
        finally:
            peer.script("node.sh", "join", node)
        wait_until("it answers again", lambda: api_of(alice).status == 200, 90, 0.5)
        wait_until("nothing is wrong any more", lambda: alice.job().get("trouble") == "", 60, 0.5)
        assert alice.server()["launch_id"] == launch
        alice.stop()
        gone(peer)
        wait_until("its folder is gone", lambda: not os.path.exists(folder), 30)


def check_20_nobody_schedules(peer, house):
    """OAR's state is read from its database, which answers on: so there nothing is silent (check_06 is for the database)."""
    alice = ready(house.person())
    before = alice.server()["launch_id"]
    peer.script("srv.sh", "stop", peer.server)
    try:
        begun, told = time.monotonic(), set()
        while time.monotonic() - begun < 60:
            assert api_of(alice).status == 200, "a running server does not need the scheduler"
            told.add(alice.job().get("trouble"))
            time.sleep(1)
        print(f"    told meanwhile: {sorted(told)}")
        assert ("scheduler-silent" in told) == (peer.system == "slurm"), told
        assert "node-silent" not in told and alice.server()["ready"]
    finally:
        peer.script("srv.sh", "start", peer.server)
    wait_until("all is well again", lambda: alice.job().get("trouble") == "", 60, 0.5)
    assert alice.server()["launch_id"] == before and api_of(alice).status == 200
    alice.stop()
    gone(peer)


def check_21_with_and_without_accounting(peer, house):
    """Slurm forgets a job after MinJobAge; what has become of it meanwhile, only its accounting knows. Without, all goes on."""
    alice = ready(house.person())
    job = next(iter(peer.ours()))
    house.gateway.kill()
    peer.delete(job)
    wait_until("Slurm has forgotten it", lambda: job not in run("scontrol", "-o", "show", "jobs", check=False), 150, 2)
    wait_until("the accounting knows", lambda: "CANCELLED" in run("sacct", "-nXP", "-j", job, "-o", "State"), 60, 1)
    house.start()
    alice = house.person()
    server = alice.wait_stopped(90)
    print(f"    with accounting: {server['cause']}: {server['detail']}")
    assert server["cause"] == "batch-killed" and "outside of the gateway" in server["detail"], server
    peer.script("srv.sh", "stop", "slurmdbd")
    try:
        ready(alice)
        peer.delete(next(iter(peer.ours())))
        server = alice.wait_stopped(90)
        print(f"    without: {server['cause']}: {server['detail']}")
        assert server["cause"] == "batch-killed" and "outside of the gateway" in server["detail"], server
        ready(alice)
        assert api_of(alice).status == 200
        alice.stop()
        gone(peer)
    finally:
        peer.script("srv.sh", "start", "slurmdbd")


def check_22_nothing_runs_twice(peer, house):
    """A node dies under a job that the system would start again."""
    alice = ready(house.person())
    job, node = next(iter(peer.ours())), alice.job()["node"][-1]
    peer.script("node.sh", "crash", node)
    try:
        server = alice.wait_stopped(120)
        assert server["cause"] in ("node-lost", "batch-killed"), server
        print(f"    {server['cause']}: {server['detail']}")
    finally:
        peer.script("node.sh", "start", node)
    time.sleep(15)
    assert job not in peer.active(), peer.active()
    gone(peer)


def check_23_nothing_of_our_environment(peer, house):
    ready(alice := house.person())
    launch = alice.server()["launch_id"]
    pid = peer.process_of(launch, "jupyter-server")
    with open(f"/proc/{pid}/environ") as file:
        environment = file.read()
    assert "PASSERELLE_LAUNCH=" + launch in environment and MARK not in environment
    with open(f"/proc/{house.gateway.process.pid}/environ") as file:
        assert MARK in file.read(), "the gateway itself has it"
    alice.stop()
    gone(peer)


def check_24_the_predicted_start(peer, house):
    blocker = peer.fill(120)
    wait_until("the cluster is full", lambda: peer.is_running(blocker), 60, 0.5)
    alice = house.person()
    alice.start()

    def same():
        ours = list(peer.ours())
        said, told = peer.predicted(ours[0]) if ours else None, alice.job().get("starts")
        return said and told and abs(said - time_of(told)) <= 2 and (said, told)
    said, told = wait_until("both name the same time", same, 60, 0.5)
    print(f"    the scheduler says {said}, the gateway {told}")
    alice.stop()
    alice.wait_stopped(30)
    peer.delete(blocker, "psl-bob")
    wait_until("the cluster is free", lambda: not peer.active(), 60, 0.5)


def asked(person, profile, **values):
    """The launch page after a press on "When would it start?"."""
    person.get("/hub/spawn")
    fields = {f"{profile}:{name}": str(value) for name, value in values.items()}
    return " ".join(person.post(f"/hub/spawn/{person.name}", profile=profile, ask="1", **fields).text.split())


def check_24_the_start_before_it_is_submitted(peer, house):
    alice = house.person()
    if peer.system == "oar":
        page = alice.get("/hub/spawn").text
        assert "predicted once it is in the queue" in page and 'name="ask"' not in page
        return
    assert "would start at once" in asked(alice, "job", cores=1, minutes=5)
    assert "would be refused: Requested time limit" in asked(alice, "brief", cores=1, minutes=30)
    assert "would be refused: More processors requested" in asked(alice, "job", cores=99, minutes=5)
    blocker = peer.fill(180)
    wait_until("the cluster is full", lambda: peer.is_running(blocker), 60, 0.5)
    with Watched(peer, peer.submit) as questions:
        page = asked(alice, "job", cores=2, minutes=5)
        told = time_of(page.split("at the latest about")[1].split('datetime="')[1].split('"')[0])
        print(f"    in {told - time.time():.0f} s; the others have the cores for 180 s")
        assert 0 < told - time.time() < 300, page
        assert asked(alice, "job", cores=2, minutes=5).count("at the latest about") == 1
        assert len(questions.calls("begun")) == 1 and questions.callers() == {"psl-alice"}, questions.calls("begun")
    assert not peer.ours() and not (alice.server() or {}).get("pending")
    peer.script("srv.sh", "stop", peer.server)
    try:
        begun = time.monotonic()
        page = asked(alice, "job", cores=3, minutes=5)
        assert "not known at present" in page, page[-2000:]
        print(f"    nobody answers: told after {time.monotonic() - begun:.1f} s")
        assert time.monotonic() - begun < 12
    finally:
        peer.script("srv.sh", "start", peer.server)
    peer.delete(blocker, "psl-bob")
    wait_until("the cluster is free", lambda: not peer.active(), 60, 0.5)


def check_28_somebody_takes_the_name(peer, house):
    """Names of jobs can be read by all: bob gives his own job the one of alice's, while nobody knows her job's number yet, and later."""
    for moment in ("submitting", "running"):
        if moment == "submitting":
            with Watched(peer, peer.submit, after=4) as watched:
                alice = house.person()
                alice.start()
                wait_until("the submission is under way", lambda: watched.calls("done") and peer.ours(), 30)
                house.gateway.kill()
                stolen = peer.of_that_name(next(iter(peer.ours().values()))["name"])
            house.start()
            alice = house.person()
            alice.wait_ready(240)
        else:
            alice = ready(house.person())
            stolen = peer.of_that_name(next(iter(peer.ours().values()))["name"])
        wait_until("bob's job runs", lambda: peer.is_running(stolen), 60, 0.5)
        time.sleep(4)  # looks
        hers = next(number for number, job in peer.ours().items() if job["owner"] == "psl-alice")
        assert alice.job()["id"] == hers != stolen and api_of(alice).status == 200, (alice.job(), hers, stolen)
        peer.delete(stolen, "psl-bob")
        wait_until("bob's job is gone", lambda: stolen not in peer.active(), 60, 0.5)
        time.sleep(4)
        assert alice.server()["ready"] and api_of(alice).status == 200
        alice.stop()
        alice.wait_stopped(60)
        gone(peer)


def check_29_killed_while_it_cleans_up(peer, house):
    """Stopped, but neither deleted nor cleaned up when the gateway dies, and ended by itself before the next one comes."""
    alice = ready(house.person())
    folder = f"/home/psl-alice/.local/state/passerelle/{alice.server()['launch_id']}"
    job = next(iter(peer.ours()))
    with Watched(peer, peer.delete_command, before=30):  # neither asked to end nor deleted
        threading.Thread(target=alice.stop, daemon=True).start()
        alice.wait_stopped(60)
        house.gateway.kill()
        peer.delete(job)
        wait_until("the job has ended", lambda: not peer.ours(), 60, 0.5)
    assert os.path.isdir(folder)
    house.start()
    wait_until("its folder is gone", lambda: not os.path.exists(folder), 60, 0.5)
    graves = f"{house.gateway.data}/batch/cluster/graves"
    wait_until("nothing is left to do", lambda: not os.listdir(graves), 20)


def check_15_held_in_the_queue(peer, house):
    blocker = peer.fill(100)
    wait_until("the cluster is full", lambda: peer.is_running(blocker), 60, 0.5)
    alice = house.person()
    alice.start()
    wait_until("queued", lambda: alice.job().get("state") == "queued" and peer.ours(), 30, 0.2)
    job = next(iter(peer.ours()))
    peer.hold(job)
    wait_until("it is told as held", lambda: alice.job().get("state") == "held", 30, 0.2)
    assert "on hold" in alice.get(f"/hub/spawn-pending/{alice.name}").text
    peer.release(job)
    peer.delete(blocker, "psl-bob")
    alice.wait_ready(120)
    alice.stop()
    gone(peer)


def check_26_a_course_has_its_cores(peer, house):
    """Others have all there is, but for what a container, or a reservation, keeps for the course: servers start in it at once."""
    with peer.course(200) as course:
        blocker = peer.fill(100)
        alice = house.person()
        begun = time.monotonic()
        assert alice.start("course", course=course, minutes=2).status in (201, 202)
        alice.wait_ready(60)
        print(f"    started in {time.monotonic() - begun:.1f} s, while the others wait")
        assert not peer.is_running(blocker)
        alice.stop()
        alice.wait_stopped(60)
        peer.delete(blocker, "psl-bob")
    wait_until("the cluster is free", lambda: not peer.active(), 90, 0.5)


def check_27_a_start_in_advance(peer, house):
    at = time.localtime(time.time() + 45)
    alice = house.person()
    alice.start("appointment", day=time.strftime("%Y-%m-%d", at), hour=time.strftime("%H:%M:%S", at), minutes=2)
    wait_until("it is told when", lambda: abs(time_of(alice.job().get("starts") or "1970-01-01T00:00:00Z") - time.mktime(at)) <= 3, 30, 0.5)
    alice.wait_ready(120)
    late = time.time() - time.mktime(at)
    print(f"    ready {late:.1f} s after the appointed time")
    assert late > 0
    alice.stop()
    gone(peer)


def time_of(text):
    import datetime
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def check_25_beyond_the_partition(peer, house):
    alice = house.person()
    if peer.system == "oar":
        with open("/etc/oar/peer_minutes", "w") as file:
            file.write("10\n")
    try:
        alice.start("brief", minutes=30)
        server = alice.wait_stopped(60)
    finally:
        if peer.system == "oar":
            os.remove("/etc/oar/peer_minutes")
    words = "limited to 10 minutes" if peer.system == "oar" else "time limit"
    assert server["cause"] == "batch-refused" and words in server["detail"].lower(), server
    page = alice.get(f"/hub/spawn-pending/{alice.name}").text
    assert words in page.lower(), page[-3000:]
    alice.start("brief", minutes=2)
    alice.wait_ready(240)
    alice.stop()
    gone(peer)


def check_13_names_that_nobody_has(peer, house):
    for name in ("élodie", "root", "-x", "a;id", "nobody", "../x"):
        try:
            who = house.person(name)
        except AssertionError:
            print(f"    {name}: not even signed in")
            continue
        who.name = urllib.parse.quote(who.api("GET", "/user").json()["name"], safe="")
        who.start()
        server = who.wait_stopped(30)
        nobody = name not in ("root", "nobody")
        assert server["cause"] == ("values-invalid" if nobody else "spawner-down"), (name, server)
        print(f"    {name}: {server['cause']}: {server['detail'][:90]}")
    assert not peer.ours()


SHORT = [check_13_names_that_nobody_has, check_18_through_the_wormhole, check_04_killed_while_it_submits, check_23_nothing_of_our_environment,
         check_24_the_start_before_it_is_submitted, check_29_killed_while_it_cleans_up]
LONG = [check_06_the_database_is_down, check_07_stopped_by_an_administrator, check_09_preempted, check_15_held_in_the_middle, check_15_held_in_the_queue,
        check_17_somebody_else_on_the_port, check_18_a_node_that_takes_no_connections, check_20_nobody_schedules,
        check_21_with_and_without_accounting, check_22_nothing_runs_twice,
        check_24_the_predicted_start, check_25_beyond_the_partition, check_26_a_course_has_its_cores,
        check_27_a_start_in_advance, check_28_somebody_takes_the_name, check_14_thirty_at_once]
# Where a check means nothing on the other system. Slurm: its only database is the accounting (06 is 21), it preempts between partitions or
# qualities of service that a site makes (09; the state PREEMPTED is a unit test), books by name only (27 is 26), and starts nothing again
# after --no-requeue (22). OAR: queue and accounts are one database (21 is 06), and a dead node's job stays "Running" (22 is 10).
ONLY = {"oar": ("check_06", "check_09", "check_27"), "slurm": ("check_21", "check_22")}


def course_profile(peer):
    where = {"types": ["inner={course}"]} if peer.system == "oar" else {"reservation": "{course}"}
    return {**profile(**where), "form": {**FORM, "course": {"type": "string", "required": True}}}


def main():
    peer = {"oar": Oar, "slurm": Slurm}[sys.argv[1]]()
    others = [mark for system, marks in ONLY.items() if system != peer.system for mark in marks]
    os.environ["PSL_SECRET"] = MARK
    profiles = {"impatient": {**profile(), "start_timeout": "10s"},
                "yielding": profile(**({"types": ["besteffort"]} if peer.system == "oar" else {})),
                "brief": profile(**({"queue": "short"} if peer.system == "slurm" else {})),
                "course": course_profile(peer),
                "appointment": {**profile(reservation="{day} {hour}"), "form": {**FORM, "day": {"type": "string"}, "hour": {"type": "string"}}},
                "hidden": {**profile(), "spawner": "hole"},
                "shared": {**profile(), "spawner": "shared"}}
    if os.environ.get("LONG") or any(word in check_21_with_and_without_accounting.__name__ for word in sys.argv[2:]):
        os.environ["SLURM_PEER_DBD"] = "1"
    peer.up()
    peer.clear()
    try:
        with House(peer, profiles, more={"shared": {"system_user": "psl-alice"}, "hole": {"transport": "wormhole"}}) as house:
            functions = SHORT + (LONG if os.environ.get("LONG") or sys.argv[2:] else [])
            functions = [f for f in functions if not any(f.__name__.startswith(mark) for mark in others)]
            for function in checks(functions, sys.argv[2:]):
                function(peer, house)
    finally:
        if not os.environ.get("KEEP_PEER"):
            peer.down()
    left = [f for person in PEOPLE for f in glob.glob(f"/home/{person}/.local/state/passerelle/*")]
    print(f"{peer.system}: all is well" + (f"; left over: {left}" if left else ""))


if __name__ == "__main__":
    main()
