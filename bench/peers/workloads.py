"""The workloads: what the load does, what is counted, and the best peer that we are compared with."""

MIB = 1 << 20
LONG = 10 * MIB


class Workload:
    """A load in turns. `per`: what one request's CPU time is divided by, and the name of that."""

    once = False

    def __init__(self, name, title, mode, group=None, suffix="", per=(1, "CPU us"), **options):
        self.name, self.title, self.mode, self.group = name, title, mode, group
        self.suffix, self.per, self.options = suffix, per, options

    def fits(self, peer):
        return True

    def measure(self, load, peer, options):
        return load.run(self.mode, peer, suffix=self.suffix, seconds=options.seconds, **self.options)

    def rows(self, results):
        divide, _ = self.per
        costs = {peer: figures["cpu_us"] / divide for peer, figures in results.items() if peer.pid}
        best = best_of(costs)
        for peer, f in results.items():
            cost = costs.get(peer)
            digits = 3 if cost and cost < 1 else 1
            yield [peer.name, peer.checks, f"{cost:.{digits}f}" if cost else "-", f"**{cost / best:.2f}**" if cost and best else "-",
                   f"{f['rps']:,.0f}", f"{f['p50_us']:,.0f}", f"{f['p99_us']:,.0f}", f"{f['errors']:.0f}"]

    def table(self, results):
        return markdown(["", "checks", self.per[1], "ratio", "per second", "p50 us", "p99 us", "errors"], self.rows(results))


class Rate(Workload):
    """Open loop: as many requests a second as --rate says."""

    def measure(self, load, peer, options):
        return load.run("get", peer, rate=options.rate, seconds=options.seconds, **self.options)


class Idle(Workload):
    """What memory grows by for each WebSocket that has gone quiet, after a fresh start."""

    once = True

    def fits(self, peer):
        return peer.pid is not None

    def measure(self, load, peer, options):
        peer.stop()  # what the load left behind in an allocator would hide what the WebSockets take
        peer.start()
        return load.idle_kib(peer, options.idle)

    def table(self, results):
        best = best_of(results)
        rows = ([peer.name, peer.checks, f"{kib:.2f}", f"**{kib / best:.2f}**" if best else "-"] for peer, kib in results.items())
        return markdown(["", "checks", "KiB each", "ratio"], rows)


class Changes(Workload):
    """Routes that one client adds in sequence over the REST API, and what somebody else's requests feel of it."""

    def fits(self, peer):
        return hasattr(peer, "api")

    def measure(self, load, peer, options):
        calm = load.run("get", peer, rate=500, seconds=options.seconds, **self.options)
        adding = load.add_routes(peer, options.seconds + 0.5)
        busy = load.run("get", peer, rate=500, seconds=options.seconds, **self.options)
        return {"adds": adding.finish(), "get_ms": load.get_routes_ms(peer), "calm": calm["p99_us"], "busy": busy["p99_us"],
                "errors": calm["errors"] + busy["errors"]}

    def table(self, results):
        rows = ([peer.name, f"{f['adds']:,.0f}", f"{f['calm']:,.0f}", f"{f['busy']:,.0f}", f"{f['get_ms']:.1f}", f"{f['errors']:.0f}"]
                for peer, f in results.items())
        return markdown(["", "routes added a second", "p99 us alone", "p99 us meanwhile", "ms for GET of 10,000 routes", "errors"], rows)


class Instructions(Workload):
    """User instructions under callgrind: the one figure that no neighbour can spoil."""

    once = True

    def fits(self, peer):
        return peer.name in ("passerelle", "passerelle, Unix socket", "nginx", "HAProxy")

    def measure(self, load, peer, options):
        peer.stop()
        peer.wrapper = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "-q",
                        f"--callgrind-out-file={peer.folder}/callgrind.out.%p"]
        peer.start()
        try:
            return {mode: load.instructions(peer, mode, **more) for mode, more in
                    (("get", {}), ("websocket", {"size": 64}))}
        finally:
            peer.stop()
            peer.wrapper = []
            peer.start()

    def table(self, results):
        rows = ([peer.name, peer.checks, f"{counts['get']:,.0f}", f"{counts['websocket']:,.0f}"]
                for peer, counts in results.items())
        return markdown(["", "checks", "per GET", "per WebSocket message"], rows)


def best_of(costs):
    """Of the two that do as little as they can: HAProxy and nginx, and Caddy where it is better."""
    return min((cost for peer, cost in costs.items() if peer.name in ("nginx", "HAProxy", "Caddy")), default=0)


def markdown(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


PER_GB = (LONG / 1e9 * 1e6, "CPU s per GB")

WORKLOADS = [
    Workload("small", "GET of 200 bytes, 64 connections", "get", connections=64),
    Workload("down", "10 MiB down, 8 connections", "get", suffix="/down", per=PER_GB, connections=8),
    Workload("up", "10 MiB up, 8 connections", "up", per=PER_GB, connections=8, size=LONG),
    Workload("ws64", "WebSocket messages of 64 bytes, 64 connections", "websocket", connections=64, size=64),
    Workload("ws64k", "WebSocket messages of 64 KiB, 16 connections", "websocket", connections=16, size=64 << 10),
    Workload("close", "a connection for each request, 32 at a time", "close", connections=32),
    Rate("rate", "a fixed rate, 64 connections", "get", connections=64),
    Changes("changes", "routes that come and change, 500 requests a second", "get", group="changes", connections=16),
    Idle("idle", "idle WebSockets", "idle"),
    Instructions("instructions", "user instructions", "get"),
    Workload("r1k", "GET of 200 bytes, 1,000 routes", "get", group=1000, connections=64),
    Workload("r10k", "GET of 200 bytes, 10,000 routes", "get", group=10000, connections=64),
    Workload("handshake", "TLS 1.3 handshakes (P-256, full), 16 at a time", "handshake", group="tls", connections=16),
    Workload("tls", "GET of 200 bytes over TLS, 64 connections", "get", group="tls", connections=64),
    Workload("tlsdown", "10 MiB down over TLS, 8 connections", "get", group="tls", suffix="/down", per=PER_GB, connections=8),
]
