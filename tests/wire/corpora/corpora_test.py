"""Odd requests through the proxy to a recording server, and the same bytes as odd responses through it to a client. A
strict reader judges every byte that comes out on either side; nothing may hang.

  corpora_test.py [--trophies FILE] [--list]    FILE: the HTTP Garden's TROPHIES.md; --list prints each verdict"""

import argparse
import asyncio
import collections
import sys
import time

sys.path.insert(0, "tests/drivers")
import odd  # noqa: E402
import oracle  # noqa: E402
from recording import BareProxy, Recorder, exchange  # noqa: E402

BESIDE = 64  # hostile answers at a time


class Judge:
    def __init__(self):
        self.failures, self.verdicts = [], collections.Counter()

    def check(self, name, payload, test):
        try:
            test()
        except (oracle.Violation, AssertionError) as failure:
            self.failures.append(f"{name}: {failure}\n    {payload[:400]!r}")


def responses(data):
    """All final responses that a client would read from `data`, and whether the last one is unfinished."""
    finals, at = [], 0
    while at < len(data):
        message, at = oracle.read_response(data, at)
        oracle.require(message is not None, "half a head at the end", data[-80:])
        if message.status >= 200:
            finals.append(message)
        if not message.complete:
            oracle.require(at == len(data), "bytes behind an unfinished response")
            return finals, True
    return finals, False


def judge_forwarding(sent, finished, unfinished):
    """What arrived is a beginning of what was sent, in order, nothing else."""
    oracle.require(len(finished) + len(unfinished) <= len(sent), "more requests than were sent", finished)
    for number, message in enumerate(finished):
        oracle.compare(sent[number], message)
    for message in unfinished:
        oracle.compare(sent[len(finished)], message, finished=False)


async def odd_requests(judge, cases, show):
    async with Recorder() as server, BareProxy(f"/=127.0.0.1:{server.port}") as proxy:
        answers = {}
        for name, payload in cases:
            server.case = name
            try:
                answers[name] = await exchange(proxy.port, payload)
            except asyncio.TimeoutError:
                judge.failures.append(f"{name}: a hang\n    {payload[:400]!r}")
        for name, what in server.violations:
            judge.failures.append(f"{name}: {what}")
        finished, unfinished = collections.defaultdict(list), collections.defaultdict(list)
        for name, message in server.requests:
            finished[name].append(message)
        for name, message in server.unfinished():
            unfinished[name].append(message)
        for name, payload in cases:
            if name not in answers:
                continue
            data, _ = answers[name]
            sent = oracle.client_requests(payload)
            judge.check(name, payload, lambda: judge_forwarding(sent, finished[name], unfinished[name]))
            judge.check(name, payload, lambda: responses(data))
            verdict = "forwarded" if finished[name] else "begun" if unfinished[name] else "refused"
            judge.verdicts[verdict] += 1
            if show:
                print(f"{verdict:10} {data[9:12].decode() or '-':4} {name}")


async def odd_responses(judge, cases, raw):
    """Each payload is an answer, with a status line in place of its request line (and `raw`); the server ends the connection
    behind it, or leaves it to the proxy, which must then not use it again. Behind it on the client's connection stands a
    second request, whose answer nobody may forge; the cases run beside each other and share what connections are kept."""
    answers = []
    for name, payload in cases:
        dressed = b"HTTP/1.1 200 OK\r\n" + payload.partition(b"\r\n")[2]
        for bytes_ in (payload, dressed) if raw else (dressed,):
            answers += [(name, bytes_, True), (name, bytes_, False)]

    def answer(message):
        number = int(message.target.rpartition(b"/")[2])
        if message.target.startswith(b"/first"):
            return answers[number][1:]
        body = b"second %d" % number
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body, False

    async def one(number):
        name, hostile, _ = answers[number]
        requests = b"".join(b"GET /%s/%d HTTP/1.1\r\nHost: t.example\r\n%s\r\n" % (which, number, close)
                            for which, close in ((b"first", b""), (b"second", b"Connection: close\r\n")))
        try:
            data, reset = await exchange(proxy.port, requests)
        except asyncio.TimeoutError:
            return judge.failures.append(f"{name} as a response: a hang\n    {hostile[:400]!r}")
        judge.check(name + " as a response", hostile, lambda: judge_answers(data, reset, b"second %d" % number))
        judge.verdicts["response " + (data[9:12].decode() or "none")] += 1

    async with Recorder() as server, BareProxy(f"/=127.0.0.1:{server.port}", "response_timeout=1") as proxy:
        server.answer = answer
        for first in range(0, len(answers), BESIDE):
            await asyncio.gather(*(one(number) for number in range(first, min(first + BESIDE, len(answers)))))
        for _, what in server.violations:
            judge.failures.append(what)


def judge_answers(data, reset, second):
    finals, cut = responses(data)
    assert len(finals) <= 2, f"{len(finals)} answers to two requests"
    assert finals or reset, "no answer"
    assert not cut or reset, "an unfinished answer with an orderly end"
    assert finals == [] or not finals[0].body.startswith(b"second"), f"an answer to somebody else: {finals[0].body!r}"
    if len(finals) == 2 and not cut:
        assert finals[1].body == second, f"a forged second answer: {finals[1].body!r}"


async def main():
    options = argparse.ArgumentParser()
    options.add_argument("--trophies")
    options.add_argument("--list", action="store_true")
    given = options.parse_args()
    garden = list(odd.from_trophies(given.trophies) if given.trophies else odd.from_file())
    mutations = list(odd.mutations())
    for what, cases in (("odd requests", garden), ("mutations", mutations)):
        begun = time.monotonic()
        judge = Judge()
        await odd_requests(judge, cases, given.list)
        await odd_responses(judge, cases, cases is garden)
        print(f"{len(cases)} {what}: {dict(sorted(judge.verdicts.items()))}, {len(judge.failures)} failures, "
              f"{time.monotonic() - begun:.1f} s", flush=True)
        for failure in judge.failures[:20]:
            print("  " + failure)
        if judge.failures:
            sys.exit(1)


asyncio.run(main())
