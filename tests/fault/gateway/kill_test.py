"""kill -9 of the gateway at random moments of launches and stops. After each restart: no ghost (a process that nobody
knows), no phantom (a server that is said to run and does not), nothing started twice; the browser's session holds, and
a variable in a running kernel is still there."""

import os
import random
import sys
import time

sys.path.insert(0, "tests/drivers")
from gateway import TEST_SERVER, Gateway, Person, wait_until  # noqa: E402
from notebook import execute, open_kernel  # noqa: E402

ROUNDS = int(os.environ.get("KILLS", "60"))
PROFILES = {"jupyter": {"command": ["jupyter-server"], "ready_path": "api", "default_url": "api"},
            "light": {"command": [TEST_SERVER, "slow", "120"]}}


def settle(gateway, bob, seed):
    """What memory, store, folders and processes say after a restart must be the same."""
    def settled():
        server = bob.server()
        return server if server is None or server["pending"] is None else False
    server = wait_until(f"bob is settled ({seed})", lambda: settled() or (settled() is None and "none"), 20, 0.05)
    runs = server != "none" and server["ready"]

    def agrees():
        mine = [w for w in gateway.servers().values() if "test-server" in w]
        supervisors = [w for w in gateway.left_over().values() if "passerelle-supervisor" in w]
        return len(mine) == runs and len(supervisors) == 1 + runs and len(gateway.run_folders()) == 1 + runs
    try:
        wait_until("processes, folders and records agree", agrees, 10)
    except AssertionError:
        raise AssertionError(f"seed {seed}: {server}\n{gateway.left_over()}\n{gateway.run_folders()}")
    if runs:
        assert bob.get("/user/bob/", headers={"Accept": "*/*"}).status == 200
    elif server != "none":
        assert server["cause"] in (None, "cancelled"), server  # no launch failed because of us
    return runs


def main():
    seed = int(os.environ.get("SEED", str(int(time.time()))))
    print(f"SEED={seed}")
    chance = random.Random(seed)
    with Gateway(PROFILES) as gateway:
        alice, bob = Person(gateway, "alice").sign_in(), Person(gateway, "bob").sign_in()
        alice.launch("jupyter")
        alice.wait_ready()
        kernel, channel = open_kernel(gateway, alice, ["Cookie: " + alice.cookie_header()])
        execute(channel, "kept = 6*7")
        channel.close()
        jupyter = [pid for pid, what in gateway.servers().items() if "jupyter-server" in what]
        outcomes = {"during a launch, then up": 0, "during a launch, then down": 0, "during a stop": 0}
        for number in range(ROUNDS):
            stopping = number % 3 == 2
            bob.launch("light")
            if stopping:
                bob.wait_ready()
                bob.post("/hub/stop/bob")
            time.sleep(chance.uniform(0, 0.3))  # the moment of the kill, not a wait for something
            gateway.kill()
            gateway.start()
            assert bob.get("/hub/home").status == 200, "bob's session is lost"
            runs = settle(gateway, bob, f"{seed}/{number}")
            outcomes["during a stop" if stopping else f"during a launch, then {'up' if runs else 'down'}"] += 1
            if runs:
                assert bob.stop().status == 204
            assert [pid for pid, what in gateway.servers().items() if "jupyter-server" in what] == jupyter
            if number % 10 == 9:
                channel = open_kernel(gateway, alice, ["Cookie: " + alice.cookie_header()], kernel)[1]
                assert execute(channel, "kept") == "42"
                channel.close()
        print(f"{ROUNDS} kills: {outcomes}")
        assert outcomes["during a launch, then up"] > 0
        assert alice.stop().status == 204
        wait_until("nothing is left", lambda: not gateway.left_over() and not gateway.run_folders())


main()
print("1 passed, 0 failed")
