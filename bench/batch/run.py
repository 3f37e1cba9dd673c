"""What servers as jobs cost, on a real OAR or Slurm that the test's scripts bring up (as root):

  queue      200 jobs that wait: CPU of the gateway with all its commands, beside one status command for each server and poll
  overhead   from the submission to the answering notebook, beside the same server in a job submitted by hand
  wormhole   requests on one kept connection: directly, and through the wormhole

usage: /usr/bin/python3 bench/batch/run.py oar|slurm [queue] [overhead] [wormhole]
Needs build/release (./dev build) and what tests/peers/oar or slurm need (./dev test installs it)."""

import concurrent.futures
import contextlib
import http.client
import os
import statistics
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.chdir(ROOT)
sys.path.insert(0, os.path.join(ROOT, "tests", "peer", "batch"))
from cluster import Oar, Slurm, Watched, run  # noqa: E402
from house import House, profile, wait_until  # noqa: E402

WAITING = int(os.environ.get("WAITING", "200"))
SECONDS = 60
ROUNDS = int(os.environ.get("ROUNDS", "5"))


def api_of(person):
    return person.get(f"/user/{person.name}/api/status", headers={"Accept": "application/json"})


def cpu_of(pid):
    """Seconds of user and system time, with those of the children that it has waited for."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return sum(int(fields[n]) for n in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")


def queue(peer, house):
    blocker = peer.fill(3000)
    wait_until("the cluster is full", lambda: peer.is_running(blocker), 60, 0.5)
    people = [house.person(f"learner{n:03}") for n in range(WAITING)]
    begun = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(16) as crowd:
        list(crowd.map(lambda person: person.start("shared"), people))

    def all_wait():
        # On a busy machine the scheduler does not always answer in time; a start is refused at once then, and tried again.
        for person in people:
            if (person.server() or {}).get("stopped"):
                person.start("shared")
        return len(peer.ours()) == WAITING
    wait_until("all are in the queue", all_wait, 1200, 2)
    print(f"{WAITING} jobs submitted in {time.monotonic() - begun:.0f} s")
    time.sleep(2 * POLL)
    pid = house.gateway.process.pid
    with Watched(peer, peer.status) as looks:
        before, calls = cpu_of(pid), len(looks.calls("begun"))
        time.sleep(SECONDS)
        used, calls = cpu_of(pid) - before, len(looks.calls("begun")) - calls
    print(f"{WAITING} waiting, polled every {POLL} s: {used:.1f} s of CPU in {SECONDS} s ({100 * used / SECONDS:.0f} % of a core), "
          f"gateway and {calls} calls of {peer.status} together")
    ids = list(peer.ours())[:20]
    before = os.times()
    for job in ids:
        run(*peer.look_at(job))
    each = (lambda a, b: (a.children_user + a.children_system - b.children_user - b.children_system) / len(ids))(os.times(), before)
    print(f"one {peer.status} for one job: {each:.3f} s of CPU; one for each of {WAITING} every {POLL} s would be {each * WAITING * SECONDS / POLL:.0f} s "
          f"in {SECONDS} s")
    with concurrent.futures.ThreadPoolExecutor(8) as crowd:
        list(crowd.map(lambda person: person.stop(), people))
    peer.delete(blocker, "psl-bob")
    wait_until("all are gone", lambda: not peer.active(), 900, 1)


def by_hand(peer, folder):
    """The same server in a job of alice's own, on a port that she chose; seconds from her command to its first answer."""
    port = 19999
    command = f"jupyter-server --ServerApp.ip=0.0.0.0 --ServerApp.port={port} --ServerApp.port_retries=0 --ServerApp.token=t --ServerApp.allow_remote_access=True"
    begun = time.monotonic()
    job = peer.by_hand(command, folder)
    host = wait_until("it has a node", lambda: peer.active().get(job, {}).get("hosts", [""])[0] if peer.is_running(job) else "", 120, 0.2)

    def answers():
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection(host, port, timeout=2)
            connection.request("GET", "/api/status?token=t")
            return connection.getresponse().status == 200
        return False
    wait_until("it answers", answers, 60, 0.05)
    took = time.monotonic() - begun
    peer.delete(job)
    wait_until("it is gone", lambda: not peer.active(), 120, 0.5)
    return took


def through(person, peer, which):
    begun = time.monotonic()
    person.start(which)
    wait_until("it answers", lambda: api_of(person).status == 200, 240, 0.05)
    took = time.monotonic() - begun
    person.stop()
    person.wait_stopped(60)
    wait_until("it is gone", lambda: not peer.active(), 120, 0.5)
    return took


def overhead(peer, house):
    folder = "/home/psl-alice/by-hand"
    run("mkdir", "-p", folder, user="psl-alice")
    times = {"by hand": [], "job": [], "hidden": []}
    for _ in range(ROUNDS):
        times["by hand"].append(by_hand(peer, folder))
        for which in ("job", "hidden"):
            times[which].append(through(house.person(), peer, which))
    names = {"by hand": "by hand", "job": "the gateway, directly", "hidden": "the gateway, through the wormhole"}
    for which, all_times in times.items():
        print(f"from the submission to the answer, {names[which]}: median {statistics.median(all_times):.1f} s of {', '.join(f'{t:.1f}' for t in all_times)}")
    for which in ("job", "hidden"):
        more = sorted(one - other for one, other in zip(times[which], times["by hand"]))
        print(f"more than the job by hand beside it, {names[which]}: median {statistics.median(more):.1f} s of {', '.join(f'{t:.1f}' for t in more)}")
    run("rm", "-rf", folder)


def wormhole(peer, house):
    for which, name in (("job", "directly"), ("hidden", "through the wormhole")):
        person = house.person()
        person.start(which)
        person.wait_ready(240)
        connection = http.client.HTTPConnection("127.0.0.1", house.gateway.port, timeout=30)
        headers = {"Cookie": person.cookie_header(), "Host": f"127.0.0.1:{house.gateway.port}"}
        times = []
        for _ in range(300):
            begun = time.monotonic()
            connection.request("GET", f"/user/{person.name}/api", headers=headers)
            connection.getresponse().read()
            times.append((time.monotonic() - begun) * 1000)
        print(f"a request on a kept connection, {name}: median {statistics.median(times):.2f} ms, the slowest of a hundred {sorted(times)[-3]:.1f} ms")
        person.stop()
        person.wait_stopped(60)
        wait_until("it is gone", lambda: not peer.active(), 120, 0.5)


POLL = 5


def main():
    peer = {"oar": Oar, "slurm": Slurm}[sys.argv[1]]()
    wanted = sys.argv[2:] or ["queue", "overhead", "wormhole"]
    peer.up()
    peer.clear()
    try:
        for name in wanted:
            polls = {"poll": f"{POLL}s"} if name == "queue" else {}
            with House(peer, {"shared": {**profile(), "spawner": "shared"}, "hidden": {**profile(), "spawner": "hole"}},
                       settings={"command_timeout": "30s", **polls}, more={"shared": {"system_user": "psl-alice"}, "hole": {"transport": "wormhole"}}) as house:
                {"queue": queue, "overhead": overhead, "wormhole": wormhole}[name](peer, house)
    finally:
        if not os.environ.get("KEEP_PEER"):
            peer.down()


if __name__ == "__main__":
    main()
