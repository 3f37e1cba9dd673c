"""A class begins: learners click the same activity within a minute, each of them somebody new. Every click is a signed LTI 1.1
launch (by python3-oauthlib); each learner then does what a browser does until their server answers. The gateway and all servers
run on core 0, the learners on core 1. Beside it, for scale, Debian's JupyterHub with a dummy sign-in and the same servers; its proxy
is `passerelle proxy`, as Debian 12's configurable-http-proxy does not start (it lacks a module).

usage: /usr/bin/python3 bench/launch_storm/run.py [--learners 1000] [--within 60] [--patience 300] [--only passerelle|jupyterhub]
Needs build/release (./dev build, and the target test-server), python3-oauthlib and, for the second, jupyterhub."""

import argparse
import asyncio
import contextlib
import http.client
import os
import re
import subprocess
import sys
import time
import urllib.parse

from oauthlib.oauth1 import SIGNATURE_TYPE_BODY, Client

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.chdir(ROOT)
sys.path.insert(0, os.path.join(ROOT, "tests", "drivers"))
from gateway import Gateway, TEST_SERVER  # noqa: E402
from real_jupyterhub import LIGHT_SERVERS, RealJupyterHub  # noqa: E402

FORM = "application/x-www-form-urlencoded"
POLL = 0.5      # what the pages' scripts do, and more often


class Browser:
    """HTTP/1.1 over one connection that stays; cookies; no redirects by itself."""

    def __init__(self, port):
        self.port, self.cookies, self.stream = port, {}, None

    async def ask(self, method, path, body=""):
        for fresh in (False, True):
            if fresh or self.stream is None:
                await self.close()
                self.stream = await asyncio.open_connection("127.0.0.1", self.port)
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                return await self.exchange(method, path, body)
        raise ConnectionError(f"{method} {path}")

    async def exchange(self, method, path, body):
        reader, writer = self.stream
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept: text/html\r\n"
                     f"{f'Cookie: {cookies}' + chr(13) + chr(10) if cookies else ''}Content-Type: {FORM}\r\n"
                     f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status, fields, length, chunked = int(head[0].split()[1]), {}, None, False
        for line in filter(None, head[1:]):
            name, _, value = line.partition(":")
            name, value = name.lower(), value.strip()
            fields[name] = value
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.split(";")[0]
            length = int(value) if name == "content-length" else length
            chunked = chunked or (name == "transfer-encoding" and "chunked" in value)
        text = b""
        while chunked:
            size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
            text += (await reader.readexactly(size + 2))[:size]
            if size == 0:
                break
        if not chunked and length:
            text = await reader.readexactly(length)
        if fields.get("connection", "") == "close":
            await self.close()
        return status, fields, text

    async def close(self):
        if self.stream is not None:
            self.stream[1].close()
            with contextlib.suppress(OSError):
                await self.stream[1].wait_closed()
        self.stream = None


class Passerelle:
    name = "passerelle"

    def __init__(self, learners):
        self.gateway = Gateway({"light": {"command": [TEST_SERVER, "serve"]}}, extra="proxy: {threads: 1}\nlimits: {queue: 100000}",
                               authenticators="  mooc: {type: lti11, consumers: ./consumers.yaml, groups: [room]}\n")
        with open(os.path.join(self.gateway.folder, "consumers.yaml"), "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write("edx: {secret: shared}\n")
        self.learners = learners

    def __enter__(self):
        self.gateway.__enter__()
        self.port, self.pids = self.gateway.port, [self.gateway.process.pid]
        url = f"http://127.0.0.1:{self.port}/hub/lti/launch"
        client = Client("edx", "shared", signature_type=SIGNATURE_TYPE_BODY)
        self.launches = []
        for number in range(self.learners):
            fields = {"lti_message_type": "basic-lti-launch-request", "lti_version": "LTI-1p0", "resource_link_id": "rl-1",
                      "user_id": f"learner{number}", "roles": "Learner", "context_id": "course-v1:X+Y", "custom_profile": "light"}
            self.launches.append(client.sign(url, "POST", urllib.parse.urlencode(fields), {"Content-Type": FORM})[2])
        return self

    def __exit__(self, *what):
        began = time.monotonic()
        self.gateway.__exit__(*what)
        print(f"  all servers ended in {time.monotonic() - began:.1f} s")

    async def begin(self, browser, number):
        status, fields, text = await browser.ask("POST", "/hub/lti/launch", self.launches[number])
        assert status == 303, (status, text[:300])
        return fields["location"]

    async def until_it_answers(self, browser, number, location):
        while True:
            status, fields, text = await browser.ask("GET", location)
            if status == 303:
                location = fields["location"]
            elif status == 200 and location.startswith("/user/") and text == b"ok":
                return
            elif status == 200 and b"spawn-pending" in location.encode():
                await asyncio.sleep(POLL)
            else:
                raise AssertionError((status, location, text[:300]))


class JupyterHub(RealJupyterHub):
    name = "jupyterhub"

    def __init__(self, learners):
        super().__init__(LIGHT_SERVERS + 'c.JupyterHub.log_level = "ERROR"\nc.JupyterHub.cleanup_servers = True\n')

    def __enter__(self):
        def up():
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
                connection.request("GET", "/hub/login")
                return connection.getresponse().status == 200
            return False
        self.start(up)
        self.pids = [int(p) for p in subprocess.run(["pgrep", "-s", str(self.process.pid)], capture_output=True, text=True).stdout.split()]
        return self

    async def begin(self, browser, number):
        status, _, text = await browser.ask("GET", "/hub/login")
        assert status == 200, status
        token = re.search(rb'name="_xsrf" value="([^"]+)"', text)
        fields = {"username": f"learner{number}", "password": "x", **({"_xsrf": token.group(1).decode()} if token else {})}
        status, fields, text = await browser.ask("POST", "/hub/login?next=%2Fhub%2Fspawn", urllib.parse.urlencode(fields))
        assert status == 302, (status, text[:300])
        return fields["location"]

    async def until_it_answers(self, browser, number, location):
        while True:
            status, fields, text = await browser.ask("GET", location)
            if status == 302:
                location = fields["location"]
            elif status == 200 and text == b"ok":
                return
            elif status == 429:  # JupyterHub has no queue: its page asks to come again
                await asyncio.sleep(max(1, min(30, int(fields.get("retry-after", 5)))))
            elif status in (200, 503, 424) and "spawn" in location:
                await asyncio.sleep(POLL)
            else:
                raise AssertionError((status, location, text[:300]))


def cpu_of(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


async def learner(peer, number, due, rows, patience):
    await asyncio.sleep(max(0.0, due - time.monotonic()))
    browser = Browser(peer.port)
    began = time.monotonic()
    try:
        location = await peer.begin(browser, number)
        posted = time.monotonic()
        await asyncio.wait_for(peer.until_it_answers(browser, number, location), patience)
        rows.append((number, posted - began, time.monotonic() - began, ""))
    except (AssertionError, OSError, asyncio.TimeoutError, ConnectionError) as error:
        rows.append((number, 0, 0, f"{type(error).__name__} {error}"[:200]))
    finally:
        await browser.close()


async def storm(peer, wanted):
    rows, begun = [], time.monotonic() + 0.2
    await asyncio.gather(*(learner(peer, n, begun + n * wanted.within / wanted.learners, rows, wanted.patience) for n in range(wanted.learners)))
    return rows, time.monotonic() - begun


def at(times, share):
    return times[min(len(times) - 1, int(len(times) * share))]


def run(peer, wanted):
    for pid in peer.pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(task), {0})
    before = cpu_of(peer.pids)
    rows, took = asyncio.run(storm(peer, wanted))
    used = cpu_of(peer.pids) - before
    good = [row for row in rows if not row[3]]
    failed = [row[3] for row in rows if row[3]]
    posts, answers = sorted(row[1] for row in good), sorted(row[2] for row in good)
    print(f"{peer.name}: {len(good)} of {len(rows)} servers answer, the last after {took:.1f} s; {len(failed)} errors {failed[:2] or ''}")
    if good:
        # Who came earlier is served earlier: how many later ones were ready before each learner who waited.
        order = [row[0] for row in good]
        overtaken = max(sum(other > number for other in order[:place]) for place, number in enumerate(order))
        print(f"  sign-in p50/p99 {at(posts, 0.5) * 1000:.0f}/{at(posts, 0.99) * 1000:.0f} ms, click to answer p50/p99/max "
              f"{at(answers, 0.5):.2f}/{at(answers, 0.99):.2f}/{answers[-1]:.2f} s, at most {overtaken} later ones ready before somebody; "
              f"CPU of the gateway {used:.1f} s, {used / len(good) * 1000:.1f} ms a launch (servers not counted)")
    return not failed


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--learners", type=int, default=1000)
    options.add_argument("--within", type=float, default=60)
    options.add_argument("--patience", type=float, default=300, help="seconds, for one learner")
    options.add_argument("--only", choices=["passerelle", "jupyterhub"])
    wanted = options.parse_args()
    os.sched_setaffinity(0, {0})  # what is started stays there
    good = True
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}")
    for kind in (Passerelle, JupyterHub):
        if wanted.only in (None, kind.name):
            os.sched_setaffinity(0, {0})
            with kind(wanted.learners) as peer:
                os.sched_setaffinity(0, {1})
                outcome = run(peer, wanted)
                good = good and (outcome or kind is JupyterHub)
    sys.exit(0 if good else 1)


main()
