"""What kube-proxy does, for one Service: its ClusterIP is an address of this machine while this is open, and connections to it are carried
to the pod of its endpoints. Needs root."""

import contextlib
import socket
import subprocess
import threading

from drivers.gateway import wait_until


class ServiceNetwork:
    def __init__(self, cluster, space, name):
        self.cluster, self.base, self.name = cluster, f"/api/v1/namespaces/{space}", name
        self.carried = 0

    def found(self, kind):
        path = f"{self.base}/{kind}/{self.name}"
        return wait_until(f"{kind} {self.name}", lambda: None if self.cluster.gone(path) else self.cluster.call("GET", path), 60, 0.2)

    def __enter__(self):
        spec = self.found("services")["spec"]
        self.address, port = spec["clusterIP"], spec["ports"][0]["port"]
        subprocess.run(["ip", "address", "add", self.address + "/32", "dev", "lo"], check=True)
        self.listener = socket.create_server((self.address, port))
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        subsets = self.found("endpoints").get("subsets") or [{}]
        if not subsets[0].get("addresses"):
            client.close()
            return
        self.carried += 1
        with client, socket.create_connection((subsets[0]["addresses"][0]["ip"], subsets[0]["ports"][0]["port"]), 10) as server:
            back = threading.Thread(target=self.copy, args=(server, client), daemon=True)
            back.start()
            self.copy(client, server)
            back.join()

    @staticmethod
    def copy(source, target):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)

    def __exit__(self, kind, value, trace):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        subprocess.run(["ip", "address", "del", self.address + "/32", "dev", "lo"], check=True)
