#!/usr/bin/env python3
"""What a thousand pods cost the gateway: memory, and the CPU of their changes beside that of listing them every 30 s. The pods are objects only, of a cluster without a node; this script plays their kubelet. PODS (1000).

    PASSERELLE=build/release/passerelle tests/peer/kubernetes/watch_figures.py"""

import concurrent.futures
import hashlib
import http.client
import json
import os
import ssl
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
from drivers.gateway import Gateway  # noqa: E402
from peers.kubernetes.cluster import Cluster  # noqa: E402

PODS = int(os.environ.get("PODS", "1000"))
SPACE = "notebooks"


class Many:
    """Calls over kept connections, eight at once."""

    def __init__(self, cluster):
        trust = ssl.create_default_context(cafile=cluster.at("ca.crt"))
        trust.load_cert_chain(cluster.at("admin.crt"), cluster.at("admin.key"))
        self.connections = [http.client.HTTPSConnection("127.0.0.1", cluster.port, context=trust, timeout=60) for _ in range(8)]

    def each(self, method, path, body, kind="application/json"):
        def work(first):
            connection = self.connections[first]
            for number in range(first, PODS, 8):
                connection.request(method, path(number), json.dumps(body(number)), {"Content-Type": kind})
                answer = connection.getresponse()
                content = answer.read()
                assert answer.status < 300, content[:500]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))


def pod(number, gateway):
    environment = [{"name": f"VARIABLE_{n}", "value": f"value {n}"} for n in range(25)]
    return {"metadata": {"name": f"jupyter-{number}", "labels": {
        "passerelle/launch": f"{number:016x}", "passerelle/gateway": gateway, "passerelle/spawner": "cluster"}},
        "spec": {"containers": [{"name": "notebook", "image": "peer.local/none:1", "env": environment}]}}


def status(number, moment):
    state = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    return {"status": {"phase": "Running", "podIP": f"10.9.{number // 250}.{number % 250 + 1}", "message": moment,
                       "conditions": [{"type": "Ready", "status": "True"}],
                       "containerStatuses": [{"name": "notebook", "ready": True, "restartCount": 0, "image": "x", "imageID": "y",
                                              "state": state}]}}


def cpu(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settle(gateway):
    """Until it has done next to nothing for a second; (its CPU seconds by then, when that second began)."""
    while True:
        before, since = cpu(gateway.process.pid), time.monotonic()
        time.sleep(1)
        after = cpu(gateway.process.pid)
        if after - before <= 0.02:
            return after, since


def main():
    with Cluster(node=False) as cluster:
        cluster.namespace(SPACE)
        many = Many(cluster)
        kubeconfig = cluster.kubeconfig("admin", namespace=SPACE)
        spawner = f"  cluster: {{type: kubernetes, kubeconfig: '{kubeconfig}'}}\n"
        with Gateway(spawner=spawner) as gateway:
            used, _ = settle(gateway)
            empty = gateway.rss()
            name = hashlib.sha256(gateway.data.encode()).hexdigest()[:16]
            base = f"/api/v1/namespaces/{SPACE}/pods"
            many.each("POST", lambda n: base, lambda n: pod(n, name))
            many.each("PATCH", lambda n: f"{base}/jupyter-{n}/status", lambda n: status(n, ""), "application/merge-patch+json")
            after, _ = settle(gateway)
            print(f"{PODS} pods made and ready, {2 * PODS} events: {(after - used) * 1e3:.0f} ms of CPU; "
                  f"memory {empty / 1e6:.1f} -> {gateway.rss() / 1e6:.1f} MB", flush=True)
            used = after
            time.sleep(60)
            after = cpu(gateway.process.pid)
            print(f"a minute in which nothing happens: {(after - used) * 1e3:.0f} ms of CPU", flush=True)
            gateway.stop()
            began = time.monotonic()
            gateway.start()
            used, since = settle(gateway)
            with Gateway() as other:
                without, _ = settle(other)
            print(f"a gateway that comes back is at rest after {since - began:.1f} s; a list of {PODS} takes {(used - without) * 1e3:.0f} ms "
                  f"of CPU: every 30 s that would be {(used - without) * 2e3:.0f} ms a minute", flush=True)


if __name__ == "__main__":
    main()
