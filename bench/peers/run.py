#!/usr/bin/env python3
"""Measures passerelle beside nginx, HAProxy and configurable-http-proxy, in one run and in turns (A, B, C, A, B, C, ...), so that
whatever else the machine does falls on all of them. The peer has core 0, the load and the upstream share core 1. Prints a
Markdown table of medians; what each column means stands in bench/README.md."""

import argparse
import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from gateway import Gateway
from measure import Load, medians, pinned
from peers import Chp, Direct, Haproxy, Nginx, free_port, wait_for_port

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/release"


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--peers", default="passerelle,passerelle-unix,nginx,haproxy,chp", help="which, in this order (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="turns each peer gets (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each turn (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=64, help="of the small GET (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=2000, help="requests a second of the latency row (default: %(default)s)")
    parser.add_argument("--idle", type=int, default=2000, help="idle WebSockets of the memory row (default: %(default)s)")
    return parser.parse_args()


def make_peers(names, folder, upstream_port):
    program, upstream = BUILD / "passerelle", BUILD / "bench/bench_upstream"
    makers = {
        "passerelle": lambda: Gateway("passerelle", folder, upstream_port, program, upstream, "tcp"),
        "passerelle-unix": lambda: Gateway("passerelle, Unix socket", folder, upstream_port, program, upstream, "unix"),
        "nginx": lambda: Nginx("nginx", folder, upstream_port),
        "haproxy": lambda: Haproxy("HAProxy", folder, upstream_port),
        "chp": lambda: Chp("configurable-http-proxy", folder, upstream_port, ROOT / "build/bench"),
    }
    unknown = [name for name in names if name not in makers]
    if unknown:
        sys.exit(f"no peer {', '.join(unknown)}; there are {', '.join(makers)}")
    return [Direct("no proxy", folder, upstream_port)] + [makers[name]() for name in names]


def in_turns(peers, rounds, measure):
    """{peer: medians}; each round measures every peer once. One round before the first is thrown away."""
    for peer in peers:
        measure(peer)
    runs = {peer: [] for peer in peers}
    for _ in range(rounds):
        for peer in peers:
            runs[peer].append(measure(peer))
    return {peer: medians(results) for peer, results in runs.items()}


def measure_all(peers, options, load):
    get = in_turns(peers, options.rounds, lambda peer: load.run(
        "get", peer, connections=options.connections, seconds=options.seconds))
    rate = in_turns(peers, options.rounds, lambda peer: load.run(
        "rate", peer, connections=options.connections, seconds=options.seconds, rate=options.rate))
    idle = {peer: fresh_idle_kib(peer, options, load) for peer in peers if peer.pid}
    return get, rate, idle


def fresh_idle_kib(peer, options, load):
    """After a restart: what the load left behind in an allocator would hide what the WebSockets take."""
    peer.stop()
    peer.start()
    return load.idle_kib(peer, options.idle)


def ratio(value, best):
    return f"{value / best:.2f}" if best else "-"


def table(peers, get, rate, idle):
    """Ratios are to the better of nginx and HAProxy in this run: below 1 is cheaper than both."""
    proxies = [peer for peer in peers if peer.name in ("nginx", "HAProxy")]
    best_cpu = min((get[peer]["cpu_us"] for peer in proxies), default=0)
    best_idle = min((idle[peer] for peer in proxies), default=0)
    lines = [
        "| | checks | GET 200 B: CPU us | ratio | requests/s | p50 us | p99 us | at a fixed rate: p50 us | p99 us | CPU us | idle WebSocket pair KiB | ratio | errors |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for peer in peers:
        g, r = get[peer], rate[peer]
        cells = [peer.name, peer.checks, f"{g['cpu_us']:.1f}", ratio(g["cpu_us"], best_cpu), f"{g['rps']:,.0f}",
                 f"{g['p50_us']:,.0f}", f"{g['p99_us']:,.0f}", f"{r['p50_us']:,.0f}", f"{r['p99_us']:,.0f}", f"{r['cpu_us']:.1f}",
                 f"{idle[peer]:.2f}" if peer in idle else "-", ratio(idle[peer], best_idle) if peer in idle else "-",
                 str(g["errors"] + r["errors"])]
        if not peer.pid:
            cells[2] = cells[3] = cells[9] = "-"
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def machine():
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores ({model}), Linux {platform.release()}, load average {os.getloadavg()[0]:.1f} at the end"


def main():
    options = arguments()
    if os.cpu_count() < 2:
        sys.exit("two cores are needed: one for the peer, one for the load")
    with tempfile.TemporaryDirectory(prefix="passerelle-bench-") as folder:
        port = free_port()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
        upstream = subprocess.Popen([str(BUILD / "bench/bench_upstream"), "--port", str(port)], preexec_fn=pinned(1),
                                    start_new_session=True)
        started = []
        try:
            wait_for_port(port, upstream, "the upstream")
            peers = make_peers(options.peers.split(","), folder, port)
            for peer in peers:
                started.append(peer)
                peer.start()
            load = Load(str(BUILD / "bench/bench_load"), core=1)
            print(table(peers, *measure_all(peers, options, load)))
            print(f"\n{machine()}; medians of {options.rounds} turns of {options.seconds} s, {options.connections} connections, "
                  f"fixed rate {options.rate:.0f}/s, {options.idle} idle WebSockets")
        finally:
            for peer in started:
                peer.stop()
            upstream.terminate()
            upstream.wait()


if __name__ == "__main__":
    main()
