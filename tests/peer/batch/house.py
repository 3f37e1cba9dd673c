"""A gateway in front of a batch system. The nodes reach the gateway, which listens on 127.0.0.1, through a small forwarder
on the bridge's address."""

import contextlib
import json
import os
import random
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

import websocket

from cluster import HERE

sys.path.insert(0, os.path.join(HERE, "..", ".."))
from drivers.gateway import PASSWORD, PROGRAM, Gateway, Person, wait_until  # noqa: E402


class Forwarder:
    """From an address that the nodes see to the gateway's port; `secure`: with TLS from the nodes, as a site's proxy does it."""

    def __init__(self, address, secure=False):
        self.listener = socket.create_server((address, 0))
        self.folder = self.tls = None
        if secure:
            self.folder = tempfile.mkdtemp(prefix="passerelle-forwarder-")
            self.authority, key = self.folder + "/site.crt", self.folder + "/site.key"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                            "-out", self.authority, "-subj", "/CN=site", "-addext", f"subjectAltName=IP:{address}", "-days", "2"],
                           check=True, capture_output=True)
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(self.authority, key)
        self.port = self.listener.getsockname()[1]
        self.target = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        if self.tls:
            try:
                client = self.tls.wrap_socket(client, server_side=True)
            except OSError:
                return client.close()
        with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.target), 5) as server:
            server.settimeout(None)  # relays of the wormhole say nothing for long
            def one_way(a, b):
                with contextlib.suppress(OSError):
                    while data := a.recv(65536):
                        b.sendall(data)
                with contextlib.suppress(OSError):
                    b.shutdown(socket.SHUT_WR)
            back = threading.Thread(target=one_way, args=(server, client), daemon=True)
            back.start()
            one_way(client, server)
            back.join()

    def close(self):
        self.listener.close()
        if self.folder:
            shutil.rmtree(self.folder)


FORM = {"cores": {"type": "integer", "minimum": 1, "maximum": 99, "default": 1},
        "minutes": {"type": "integer", "minimum": 1, "maximum": 60, "default": 5},
        "project": {"type": "string"}}


def profile(**job):
    asked = {"cores": "{cores}", "walltime": "0:{minutes}:00", "project": "{project}", **job}
    return {"spawner": "cluster", "command": ["jupyter-server"], "ready_path": "api", "start_timeout": "60s", "form": FORM, "job": asked}


class House:
    """A gateway over the peer. The programs are copied to where everybody may run them, as packages do."""

    def __init__(self, peer, profiles=None, settings=None, more=None, runs_as=None, secure=False):
        self.peer = peer
        self.bin = tempfile.mkdtemp(prefix="passerelle-bin-")
        os.chmod(self.bin, 0o755)
        self.helper = os.path.join(self.bin, "passerelle-submit")
        shutil.copy(os.path.join(os.path.dirname(os.path.abspath(PROGRAM)), "passerelle-submit"), self.helper)
        self.forwarder = Forwarder(peer.address, secure)
        keys = {"type": peer.system, "helper": self.helper, "poll": "1s", "command_timeout": "10s", "silent_after": "10s",
                "callback_url": f"http://{peer.address}:{self.forwarder.port}", "stop_patience": "5s", "checkpoint": "20s", **(settings or {})}
        if secure:
            keys |= {"callback_url": f"https://{peer.address}:{self.forwarder.port}", "callback_ca": self.forwarder.authority}
        self.gateway = Gateway(profiles={"job": profile(), **(profiles or {})},
                               spawner="".join(f"  {name}: {json.dumps({**keys, **own})}\n" for name, own in {"cluster": {}, **(more or {})}.items()), extra="limits: {servers_per_user: 3}")

        self.gateway_program = [PROGRAM]
        if runs_as:
            program = os.path.join(self.bin, "passerelle-as")
            for name in ("passerelle", "passerelle-supervisor"):
                shutil.copy(os.path.join(os.path.dirname(os.path.abspath(PROGRAM)), name), self.bin)
            with open(program, "w") as file:
                file.write(f'#!/bin/sh\nexec setpriv --reuid {runs_as} --regid {runs_as} --init-groups env HOME=/home/{runs_as} {self.bin}/passerelle "$@"\n')
            os.chmod(program, 0o755)
            self.gateway_program = [program]
            for file in (self.gateway.folder, *(os.path.join(self.gateway.folder, name) for name in os.listdir(self.gateway.folder))):
                shutil.chown(file, runs_as)

    def start(self):
        self.gateway.start(program=self.gateway_program[0])
        self.forwarder.target = self.gateway.port
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *what):
        if what[0] is not None:
            with contextlib.suppress(Exception):
                print(json.dumps(self.peer.active(), indent=1))
        self.gateway.__exit__(*what)
        self.forwarder.close()
        shutil.rmtree(self.bin, ignore_errors=True)
        with contextlib.suppress(Exception):
            for job, about in self.peer.ours().items():
                self.peer.delete(job, about["owner"])

    def person(self, name="psl-alice", language="en"):
        return Member(self.gateway, name, language).sign_in()


class Terminal:
    """A shell in the job, over a WebSocket through the gateway."""

    def __init__(self, person):
        here = f"127.0.0.1:{person.gateway.port}"
        made = person.request("POST", f"/user/{person.name}/api/terminals", "{}", {"Content-Type": "application/json", "Origin": "http://" + here})
        self.socket = websocket.create_connection(f"ws://{here}/user/{person.name}/terminals/websocket/{made.json()['name']}", timeout=30,
                                                  cookie=person.cookie_header(), origin="http://" + here)

    def answers(self):
        number = random.randrange(10**6)
        self.socket.send(json.dumps(["stdin", f"echo the answer is $(({number}+1))\r"]))
        text = ""
        while f"the answer is {number + 1}" not in text:
            kind, *rest = json.loads(self.socket.recv())
            text += rest[0] if kind == "stdout" else ""


class Member(Person):
    def terminal(self):
        return Terminal(self)

    def start(self, name="job", **values):
        return self.api("POST", f"/users/{self.name}/server", {"profile": name, "values": values})

    def start_other(self, server, name="job", **values):
        return self.api("POST", f"/users/{self.name}/servers/{server}", {"profile": name, "values": values})

    def other(self, server):
        model = self.model()
        return model["servers"].get(server) or model["stopped_servers"].get(server)

    def job(self):
        server = self.server()
        return (server or {}).get("job") or {}

    def wait_queued(self, limit=30):
        return wait_until("the job is in the queue", lambda: self.job().get("state") == "queued" and self.job().get("id") or self.job().get("state") == "queued" and self.job(), limit, 0.2)

    def ended(self, limit=60):
        return self.wait_stopped(limit)
