#!/usr/bin/env python3
"""The gateway itself on a cluster, by docker/chart: it finds its account as a pod does, has the rights that the chart gives and no
others, starts a server as a pod, and is replaced by `helm upgrade` while that server runs on. The image has no program of its own: the
one just built is mounted."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
from drivers.gateway import PASSWORD, PROGRAM, Person, wait_until  # noqa: E402
from peers.helm.helm import program  # noqa: E402
from peers.kubernetes.cluster import GATE, MACHINE, Cluster  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
CHART = os.path.abspath(os.path.join(HERE, "..", "..", "..", "docker", "chart"))
BUILT = os.path.dirname(os.path.abspath(PROGRAM))
SERVER = os.path.abspath(os.path.join(HERE, "..", "docker"))
SPACE = "gateway"


class Door:
    """A port that leads to another one: pods reach the API server, we reach pods."""

    def __init__(self, host, to):
        self.listener = socket.create_server((host, 0))
        self.port, self.to = self.listener.getsockname()[1], to
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.to(), 5)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self.pour, args=(source, sink), daemon=True).start()

    @staticmethod
    def pour(source, sink):
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for one in (source, sink):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


def values(door, api, memory):
    box = {"name": "box", "spawner": "cluster", "command": ["python3", "/test/server.py", "serve"], "start_timeout": "60s",
           "container": {"image": MACHINE, "user": "1000:100"}}
    return {
        "image": {"name": MACHINE, "pullPolicy": "Never"}, "command": ["/opt/passerelle/passerelle"],
        "config": {"public_url": f"http://127.0.0.1:{door.port}", "authenticators": {
            "room": {"type": "dummy", "password_file": "./room.txt", "groups": ["room"], "claim": False}}, "access": {"allow": {"groups": ["room"]}},
            "spawners": {"cluster": {"type": "kubernetes", "pull": "Never", "memory": memory, "stop_patience": "1s",
                                     "binds": ["/usr:/usr:ro", f"{SERVER}:/test:ro"]}}, "profiles": [box]},
        "secretFiles": {"room.txt": PASSWORD + "\n"},
        "extraEnv": [{"name": "KUBERNETES_SERVICE_HOST", "value": GATE}, {"name": "KUBERNETES_SERVICE_PORT", "value": str(api.port)}],
        "extraVolumes": [{"name": "usr", "hostPath": {"path": "/usr"}}, {"name": "built", "hostPath": {"path": BUILT}}],
        "extraVolumeMounts": [{"name": "usr", "mountPath": "/usr", "readOnly": True},
                              {"name": "built", "mountPath": "/opt/passerelle", "readOnly": True}],
        "storage": {"size": "1Mi"}}


class Own:
    def __init__(self, cluster):
        self.cluster = cluster
        self.port = 0

    def helm(self, *arguments, given=None):
        if given is not None:
            path = self.cluster.at("values.json")
            with open(path, "w") as file:
                json.dump(given, file)
            arguments += ("-f", path)
        done = subprocess.run([program(), *arguments], capture_output=True, text=True, check=False, env=dict(
            os.environ, HOME=self.cluster.folder, KUBECONFIG=self.cluster.at("admin.kubeconfig")))
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    def pod(self):
        return self.cluster.call("GET", f"/api/v1/namespaces/{SPACE}/pods/passerelle-0")

    def ready(self):
        pod = self.pod()
        return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", [])) and pod

    def log(self):
        return self.cluster.call("GET", f"/api/v1/namespaces/{SPACE}/pods/passerelle-0/log", raw=True).decode()


def check(cluster, own, door, api):
    refused = subprocess.run([program(), "template", "x", CHART, "--set", "image.name=x,config.a=b,imagePullPolicy=Never"],
                             capture_output=True, text=True, check=False)
    assert refused.returncode != 0 and "imagePullPolicy" in refused.stderr, refused.stderr
    own.helm("install", "passerelle", CHART, "-n", SPACE, given=values(door, api, "64MiB"))
    cluster.until("the gateway is ready", own.ready, 90)
    alice = Person(own, "alice").sign_in()
    answer = alice.api("POST", "/users/alice/server", {"profile": "box", "values": {}})
    assert answer.status in (201, 202), answer.text
    alice.wait_ready(90)
    assert "in jupyter-alice uid 1000" in alice.get("/user/alice/").text
    before = cluster.call("GET", f"/api/v1/namespaces/{SPACE}/pods/jupyter-alice")["metadata"]["uid"]
    first = own.pod()["metadata"]["uid"]
    own.helm("upgrade", "passerelle", CHART, "-n", SPACE, given=values(door, api, "96MiB"))
    cluster.until("another pod", lambda: own.pod()["metadata"]["uid"] != first, 90)
    cluster.until("the new gateway is ready", own.ready, 90)
    # The same session, the same server.
    wait_until("alice's server answers", lambda: alice.get("/user/alice/").status == 200)
    assert cluster.call("GET", f"/api/v1/namespaces/{SPACE}/pods/jupyter-alice")["metadata"]["uid"] == before
    alice.stop()
    alice.wait_stopped(90)


def main():
    with Cluster() as cluster:
        cluster.namespace(SPACE)
        for name in ("one", "two"):
            folder = cluster.at(name)
            os.mkdir(folder)
            os.chown(folder, 1000, 1000)
            cluster.volume(name, folder)
        # The bridge is there with the first pod.
        cluster.call("POST", f"/api/v1/namespaces/{SPACE}/pods", {"metadata": {"name": "first"}, "spec": {
            "containers": [{"name": "one", "image": MACHINE, "imagePullPolicy": "Never", "command": ["/usr/bin/sleep", "3600"],
                            "volumeMounts": [{"name": "usr", "mountPath": "/usr"}]}],
            "volumes": [{"name": "usr", "hostPath": {"path": "/usr"}}]}})
        cluster.until("a pod runs", lambda: cluster.call("GET", f"/api/v1/namespaces/{SPACE}/pods/first")["status"].get("podIP"), 60)
        own = Own(cluster)
        api = Door(GATE, lambda: ("127.0.0.1", cluster.port))
        door = Door("127.0.0.1", lambda: (own.pod()["status"]["podIP"], 8000))
        own.port = door.port
        try:
            check(cluster, own, door, api)
        except BaseException:
            try:
                print(own.log()[-4000:])
            except Exception as error:  # the first failure is what counts
                print(error)
            raise
        finally:
            api.listener.close()
            door.listener.close()


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("this test starts a Kubernetes, which needs root")
    main()
