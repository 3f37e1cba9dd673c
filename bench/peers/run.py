#!/usr/bin/env python3
"""Measures passerelle beside nginx, HAProxy, Caddy and configurable-http-proxy, in one run and in turns (A, B, C, A, B, C, ...), so that
whatever else the machine does falls on all of them. The peer has core 0, the load and the upstream share core 1. Prints a
Markdown table of medians for each workload; what the columns mean stands in bench/README.md."""

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
from peers import Caddy, Chp, Direct, DropIn, Haproxy, Nginx, free_port, make_certificate, wait_for_port
from workloads import WORKLOADS

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/release"
PEERS = "passerelle,passerelle-unix,nginx,haproxy,caddy,chp"


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--only", default=",".join(w.name for w in WORKLOADS),
                        help="which workloads (default: %(default)s)")
    parser.add_argument("--peers", default=PEERS, help="which, in this order (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="turns each peer gets (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each turn (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=2000, help="requests a second of the latency row (default: %(default)s)")
    parser.add_argument("--idle", type=int, default=2000, help="idle WebSockets of the memory row (default: %(default)s)")
    options = parser.parse_args()
    options.only, options.peers = options.only.split(","), options.peers.split(",")
    check("workload", options.only, [w.name for w in WORKLOADS])
    check("peer", options.peers, PEERS.split(","))
    return options


def check(what, wanted, known):
    if unknown := [name for name in wanted if name not in known]:
        sys.exit(f"no {what} {', '.join(unknown)}; there are {', '.join(known)}")


def make_peers(names, folder, upstream_port, group):
    """The peers of a group of workloads. Where a session cannot be had (many routes, TLS on a peer's own certificate) passerelle
    runs as `passerelle proxy`, which asks as little as the others do."""
    program, upstream = BUILD / "passerelle", BUILD / "bench/bench_upstream"
    more = {"tls": make_certificate(folder)} if group == "tls" else {"routes": group} if isinstance(group, int) else {}
    makers = {
        "passerelle": lambda: (DropIn("passerelle", folder, upstream_port, program, **more) if group else
                               Gateway("passerelle", folder, upstream_port, program, upstream, "tcp")),
        "passerelle-unix": lambda: (None if group else
                                    Gateway("passerelle, Unix socket", folder, upstream_port, program, upstream, "unix")),
        "nginx": lambda: Nginx("nginx", folder, upstream_port, **more),
        "haproxy": lambda: Haproxy("HAProxy", folder, upstream_port, **more),
        "caddy": lambda: None if group == 10000 else Caddy("Caddy", folder, upstream_port, **more),  # looks at each in turn
        "chp": lambda: Chp("configurable-http-proxy", folder, upstream_port, ROOT / "build/bench", **more),
    }
    peers = [makers[name]() for name in names]
    return ([] if group else [Direct("no proxy", folder, upstream_port)]) + [peer for peer in peers if peer]


def in_turns(peers, rounds, measure):
    """{peer: medians}; each round measures every peer once. One round before the first is thrown away."""
    for peer in peers:
        measure(peer)
    runs = {peer: [] for peer in peers}
    for _ in range(rounds):
        for peer in peers:
            runs[peer].append(measure(peer))
    return {peer: medians(results) for peer, results in runs.items()}


def run_workload(workload, peers, options, load):
    peers = [peer for peer in peers if workload.fits(peer)]
    if workload.once:
        return {peer: workload.measure(load, peer, options) for peer in peers}
    return in_turns(peers, options.rounds, lambda peer: workload.measure(load, peer, options))


def run_group(group, workloads, options, upstream_port):
    with tempfile.TemporaryDirectory(prefix="passerelle-bench-") as folder:
        started = []
        try:
            peers = make_peers(options.peers, folder, upstream_port, group)
            for peer in peers:
                started.append(peer)
                peer.start()
            load = Load(str(BUILD / "bench/bench_load"), core=1)
            for workload in workloads:
                print(f"\n### {workload.title} (`{workload.name}`)\n\n"
                      f"{workload.table(run_workload(workload, peers, options, load))}", flush=True)
        finally:
            for peer in started:
                peer.stop()


def machine():
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores ({model}), Linux {platform.release()}"


def main():
    options = arguments()
    if os.cpu_count() < 2:
        sys.exit("two cores are needed: one for the peer, one for the load")
    port = free_port()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    upstream = subprocess.Popen([str(BUILD / "bench/bench_upstream"), "--port", str(port)], preexec_fn=pinned(1),
                                start_new_session=True)
    try:
        wait_for_port(port, upstream, "the upstream")
        chosen = [w for w in WORKLOADS if w.name in options.only]
        print(f"{machine()}, load average {os.getloadavg()[0]:.1f} at the start; medians of {options.rounds} turns of "
              f"{options.seconds} s")
        for group in dict.fromkeys(w.group for w in chosen):
            run_group(group, [w for w in chosen if w.group == group], options, port)
        print(f"\nload average {os.getloadavg()[0]:.1f} at the end")
    finally:
        upstream.terminate()
        upstream.wait()


if __name__ == "__main__":
    main()
