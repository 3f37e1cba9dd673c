"""Do sign-ins disturb people who work? 500 sign-ins a minute by LDAP (StartTLS, bind, groups) against a real slapd, all of
the gateway on one core, while somebody reads pages of a running server: that reader's latency without and with them.

usage: /usr/bin/python3 bench/signins/run.py [--seconds 60] [--per-minute 500] [--rounds 3]
Needs build/release (./dev build) and Debian's slapd and ldap-utils."""

import argparse
import http.client
import multiprocessing
import os
import statistics
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.chdir(ROOT)
sys.path.insert(0, os.path.join(ROOT, "tests"))
from drivers.gateway import Gateway, Person, TEST_SERVER  # noqa: E402
from peers.slapd.slapd import BASE, LOOKUP, LOOKUP_PASSWORD, Slapd  # noqa: E402

PEOPLE = ["fry", "leela", "Amy.Wong"]


def configuration(planet):
    return (f"  univ:\n    type: ldap\n    uri: {planet.uri}\n    ca_file: {planet.ca}\n"
            f"    bind_dn: '{LOOKUP}'\n    bind_password: {LOOKUP_PASSWORD}\n    user_base: '{BASE}'\n"
            f"    group_base: 'ou=groups,{BASE}'\n    groups: [room]\n")


class Reader:
    """One keep-alive connection, a request every 5 ms."""

    def __init__(self, gateway, person):
        self.gateway, self.headers = gateway, {"Cookie": person.cookie_header(), "Host": f"127.0.0.1:{gateway.port}"}

    def read(self, seconds):
        times = []
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=30)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.monotonic()
            connection.request("GET", "/user/reader/", headers=self.headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            times.append(time.monotonic() - began)
            time.sleep(max(0.0, 0.005 - times[-1]))
        connection.close()
        return sorted(times)


def crowd(gateway, per_minute, over, done):
    """Sign-ins at an even pace, each a browser of its own; late ones are made up for."""
    begun, number, all_done = time.monotonic(), 0, []
    while not over.is_set():
        number += 1
        name = PEOPLE[number % len(PEOPLE)]
        person = Person(gateway, name)
        began = time.monotonic()
        person.get("/hub/login")
        answer = person.post("/hub/auth/univ/login", username=name, password=name + "-pass")
        all_done.append((answer.status, time.monotonic() - began))
        over.wait(max(0.0, begun + number * 60 / per_minute - time.monotonic()))
    done.put(all_done)


def at(times, share):
    return times[min(len(times) - 1, int(len(times) * share))] * 1000


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--per-minute", type=float, default=500)
    options.add_argument("--rounds", type=int, default=3)
    wanted = options.parse_args()
    with Slapd() as planet, Gateway(profiles={"light": {"command": [TEST_SERVER, "serve"]}},
                                    authenticators=configuration(planet), extra="proxy: {threads: 1}") as gateway:
        for task in os.listdir(f"/proc/{gateway.process.pid}/task"):
            os.sched_setaffinity(int(task), {0})
        reader = Person(gateway, "reader").sign_in()
        reader.launch()
        reader.wait_ready()
        ratios = []
        for number in range(1, wanted.rounds + 1):
            calm = Reader(gateway, reader).read(wanted.seconds)
            over, done = multiprocessing.Event(), multiprocessing.Queue()  # a process: they must not share Python's lock
            others = multiprocessing.Process(target=crowd, args=(gateway, wanted.per_minute, over, done))
            others.start()
            busy = Reader(gateway, reader).read(wanted.seconds)
            over.set()
            all_done = done.get()
            others.join()
            failed = [status for status, _ in all_done if status != 303]
            assert not failed, failed[:5]
            took = sorted(time_ for _, time_ in all_done)
            ratios.append(at(busy, 0.99) / at(calm, 0.99))
            print(f"round {number}: {len(all_done) * 60 / wanted.seconds:.0f} sign-ins/min (p50 {at(took, 0.5):.0f} ms, "
                  f"p99 {at(took, 0.99):.0f} ms); reader p50/p99 {at(calm, 0.5):.2f}/{at(calm, 0.99):.2f} ms alone, "
                  f"{at(busy, 0.5):.2f}/{at(busy, 0.99):.2f} ms with them", flush=True)
        print(f"median ratio of the reader's p99: {statistics.median(ratios):.2f}")


main()
