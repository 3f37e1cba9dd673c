"""What can go wrong while the gateway is replaced: a program or a configuration that is no good, processes that are
killed in the middle, launches under way. Nothing is lost, started twice, or left behind. `--long`: more kills."""

import json
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, "tests/drivers")
from gateway import PROGRAM, TEST_SERVER, Person, wait_until  # noqa: E402
from succession import ECHO, Crowd, Replaceable, alive, stream  # noqa: E402

LONG = "--long" in sys.argv
KILLS = 30 if LONG else 4
PROFILES = {"echo": ECHO, "slow": {"command": [TEST_SERVER, "slow", "1500"]}}


def refused(gateway, what, *words):
    """Nothing has changed, and the person is told why."""
    before = gateway.gateways()
    code, text = gateway.command(what)
    assert code == 1 and "nothing has changed" in text and all(word in text for word in words), text
    assert gateway.gateways() == before and gateway.status()["pid"] == gateway.serving


def refusals(gateway, alice, crowd):
    script = os.path.join(gateway.folder, "broken")
    with open(script, "w") as file:
        file.write("#!/bin/sh\nexit 3\n")
    os.chmod(script, 0o700)
    gateway.point_to(script)
    refused(gateway, "upgrade", "exit code 3")
    gateway.point_to("/nowhere/at/all")
    refused(gateway, "upgrade", "cannot run")
    gateway.point_to(os.path.abspath(PROGRAM))
    with open(gateway.config) as file:
        good = file.read()

    def configured(text):
        with open(gateway.config, "w") as file:
            file.write(text)
    line = len(good.splitlines()) + 1
    configured(good + "proxy: {drain: soon}\n")
    refused(gateway, "reload", f"config.yaml:{line}:")
    configured(good.replace(gateway.data, gateway.data + "2"))
    refused(gateway, "reload", "data_dir")
    configured(good)
    # It can be known only when everything else is done, and the old process is at rest already.
    in_the_way = os.path.join(gateway.data, "relay-http.sock")
    os.mkdir(in_the_way)
    refused(gateway, "reload", "relay-http.sock")
    os.rmdir(in_the_way)
    assert not crowd.echo("as it was") and alice.get("/hub/home").status == 200
    print("refused: program, configuration, data_dir, and a late failure")


def launch_under_way(gateway, carol):
    """It goes on in the next process; the browser's event stream comes again by itself."""
    carol.launch("slow")
    told = []
    headers = {"Cookie": carol.cookie_header()}
    watching = threading.Thread(target=lambda: told.extend(stream(gateway, "/hub/api/users/carol/server/progress", headers)))
    watching.start()
    wait_until("it starts", lambda: any("test-server" in what for what in gateway.servers().values()))
    gateway.replace("upgrade")
    carol.wait_ready()
    watching.join(30)
    assert told and told[0][-1].get("ready"), told
    mine = [what for what in gateway.servers().values() if "test-server" in what]
    assert len(mine) == 1, mine
    assert carol.stop().status == 204
    print(f"a launch went on; its reader connected {told[1]} times")


def culling(gateway, alice, crowd):
    """Who works through a WebSocket of the replaced process is not idle."""
    seen = []
    for word in range(3):
        time.sleep(1.1)
        assert not crowd.echo(f"at work {word}")
        time.sleep(1.5)
        seen.append(alice.server()["last_activity"])
    assert seen[0] < seen[1] < seen[2], seen
    print("activity of old WebSockets counts")


def settled(gateway, bob):
    def one():
        server = bob.server()
        return server if server and server["pending"] is None else None
    try:
        server = wait_until("bob is settled", one, 30, 0.05)
    except AssertionError as late:
        raise AssertionError(f"{late}: {bob.server()}, processes {gateway.processes()}") from late

    def agrees():
        mine = [what for what in gateway.servers().values() if "test-server" in what]
        return len(mine) == int(server["ready"])
    wait_until("processes and records agree", agrees, 15)
    return server


def kills(gateway, alice, bob, chance):
    """SIGKILL for the new process or the old one, at any moment of the change, with a launch under way."""
    outcomes = {"the old one goes on": 0, "the new one goes on": 0, "started again": 0}
    for number in range(KILLS):
        bob.launch("slow")
        old, after = gateway.serving, chance.uniform(0.0, 0.25)
        killed_old = number % 2 == 1
        asked = threading.Thread(target=gateway.command, args=("upgrade",))
        asked.start()

        def newcomer():
            return next((pid for pid in gateway.gateways() if pid != old and alive(pid)), None)
        try:
            new = wait_until("another process", newcomer, 10, 0.002)
            time.sleep(after)
            while new not in gateway.gateways():  # a supervisor on its way looks like its parent for a moment
                new = wait_until("another gateway", newcomer, 10, 0.02)
            os.kill(old if killed_old else new, signal.SIGKILL)
        except (AssertionError, ProcessLookupError):
            new = None
        if killed_old and gateway.process.pid == old:
            gateway.process.wait()
        asked.join()
        def one_that_answers():
            now = gateway.gateways()
            return len(now) < 2 and (not now or gateway.command("status")[0] == 0)
        wait_until("one process is left and takes commands, or none", one_that_answers, 30)
        left = gateway.gateways()
        if not left:
            gateway.start()
            outcomes["started again"] += 1
        else:
            gateway.serving = left[0]
            outcomes["the old one goes on" if left[0] == old else "the new one goes on"] += 1
        assert alice.get("/hub/home").status == 200
        assert alice.get("/user/alice/", headers={"Accept": "*/*"}).status == 200
        settled(gateway, bob)
        bob.stop()
        settled(gateway, bob)
    print(f"{KILLS} kills: {outcomes}")


def main():
    seed = int(os.environ.get("SEED", str(int(time.time()))))
    print(f"SEED={seed}")
    with Replaceable(PROFILES) as gateway:
        alice, bob, carol = (Person(gateway, name).sign_in() for name in ("alice", "bob", "carol"))
        alice.launch("echo")
        alice.wait_ready()
        server = alice.get("/user/alice/", headers={"Accept": "*/*"}).text
        crowd = Crowd(gateway, "/user/alice/echo", ["Cookie: " + alice.cookie_header()], 5)
        refusals(gateway, alice, crowd)
        launch_under_way(gateway, carol)
        culling(gateway, alice, crowd)
        os.kill(gateway.serving, signal.SIGUSR2)

        def replaced():  # one question: while the one hands over to the other, any may fail
            code, text = gateway.command("status", "--json")
            return code == 0 and json.loads(text)["pid"] != gateway.serving
        wait_until("SIGUSR2 upgrades", replaced)
        gateway.serving = gateway.status()["pid"]
        assert not crowd.echo("after SIGUSR2")
        crowd.close()
        wait_until("nobody is left behind", lambda: gateway.gateways() == [gateway.serving])
        kills(gateway, alice, bob, random.Random(seed))
        assert alice.get("/user/alice/", headers={"Accept": "*/*"}).text == server, "never started anew"


main()
