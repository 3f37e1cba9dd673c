"""The gateway that speaks TLS itself: pages over HTTPS, plain HTTP that shows the way there, HTTP/2 where it is switched
on, and certificates that are renewed under a connection that stays. Certificates are made by openssl on the spot."""

import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "drivers"))
from gateway import PROGRAM, wait_until  # noqa: E402


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def make_certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-keyout", os.path.join(folder, "key.pem"), "-out", os.path.join(folder, "cert.pem"),
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Serving:
    def __init__(self, folder, https, plain, http2=False):
        self.folder, self.https, self.plain = folder, https, plain
        self.log_path = os.path.join(folder, "log")
        config = os.path.join(folder, "config.yaml")
        with open(config, "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(f"""public_url: https://localhost:{https}
listen: {{http: "127.0.0.1:{plain}", https: {{address: "127.0.0.1:{https}", cert: ./cert.pem, key: ./key.pem{", http2: true" if http2 else ""}}}}}
data_dir: {folder}/d
authenticators: {{room: {{type: dummy, password: a long enough one}}}}
access: {{allow: all}}
spawners: {{here: {{type: local}}}}
profiles: [{{name: light, spawner: here, command: ["true"]}}]
""")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([PROGRAM, "serve", "--config", config], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)
        self.wait_for('"message":"listening"')

    def wait_for(self, text, times=1):
        def seen():
            assert self.process.poll() is None, open(self.log_path).read()
            return open(self.log_path).read().count(text) >= times
        wait_until(f"the log says {text}", seen)

    def connection(self):
        trust = ssl.create_default_context(cafile=os.path.join(self.folder, "trusted.pem"))
        return http.client.HTTPSConnection("localhost", self.https, context=trust, timeout=20)

    def trust_current(self):
        shutil.copy(os.path.join(self.folder, "cert.pem"), os.path.join(self.folder, "trusted.pem"))

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0


def page(connection, path="/hub/login"):
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer


def curl(serving, *more):
    """What curl got over the newest protocol that both sides speak: (version, status, body)."""
    done = subprocess.run(["curl", "--silent", "--show-error", "--http2", "--max-time", "20", "--write-out",
                           "\n%{http_version} %{http_code}", "--cacert", os.path.join(serving.folder, "trusted.pem"), *more],
                          capture_output=True, text=True)
    assert done.returncode == 0, (done.returncode, done.stderr)
    body, last = done.stdout.rsplit("\n", 1)
    version, status = last.split()
    return version, int(status), body


def run_http2(folder):
    make_certificate(folder, "first")
    serving = Serving(folder, *free_ports(2), http2=True)
    try:
        serving.trust_current()
        home = f"https://localhost:{serving.https}"
        version, status, body = curl(serving, home + "/hub/login")
        assert (version, status) == ("2", 200) and "<form" in body, (version, status, body)
        # A form: a request with a body that goes to the hub. Without the page's token it is refused, by the hub.
        version, status, body = curl(serving, home + "/hub/login", "--data", "username=ada&password=" + "x" * 40_000)
        assert version == "2" and 400 <= status < 500, (version, status, body)
        assert curl(serving, home + "/hub/x?secret", "--header", "Host: other.example")[:2] == ("2", 421)
        assert curl(serving, home + "/hub/login", "--http1.1")[0] == "1.1"
        assert page(serving.connection()).status == 200, "no ALPN at all is HTTP/1.1"
    finally:
        serving.end()
    with open(serving.log_path) as log:
        lines = [json.loads(line) for line in log]
    seen = [(line["method"], line["path"], line["status"]) for line in lines if line.get("area") == "access"]
    assert seen.count(("GET", "/hub/login", 200)) == 3 and ("POST", "/hub/login", status) in seen, seen
    assert ("GET", "/hub/x", 421) in seen, "refused before it is HTTP/1.1, and written down all the same"


def run(folder):
    make_certificate(folder, "first")
    serving = Serving(folder, *free_ports(2))
    try:
        serving.trust_current()
        kept = serving.connection()
        answer = page(kept)
        assert answer.status == 200, answer.status
        assert curl(serving, f"https://localhost:{serving.https}/hub/login")[:2] == ("1.1", 200), "HTTP/2 is off by default"
        cookies = [v for k, v in answer.getheaders() if k.lower() == "set-cookie"]
        assert cookies and all(c.startswith("__Host-") and "; Secure" in c for c in cookies), cookies

        plain = http.client.HTTPConnection("localhost", serving.plain, timeout=20)
        answer = page(plain, "/hub/login?next=%2Fa")
        assert answer.status == 301, answer.status
        assert answer.getheader("Location") == f"https://localhost:{serving.https}/hub/login?next=%2Fa"

        make_certificate(folder, "second")
        serving.process.send_signal(signal.SIGHUP)
        serving.wait_for("certificates read again")
        try:
            page(serving.connection())
            raise AssertionError("the old certificate is still shown")
        except ssl.SSLCertVerificationError:
            pass
        serving.trust_current()
        assert page(serving.connection()).status == 200
        assert page(kept).status == 200  # the old connection was not dropped

        with open(os.path.join(folder, "cert.pem"), "w") as file:
            file.write("nonsense")
        serving.process.send_signal(signal.SIGHUP)
        serving.wait_for("the new certificates are not usable")
        assert page(serving.connection()).status == 200  # with the one before
    finally:
        serving.end()
    text = open(serving.log_path).read()
    assert all(json.loads(line) for line in text.splitlines()), "the log is JSON lines"


for part in (run, run_http2):
    folder = tempfile.mkdtemp(prefix="passerelle-test-")
    try:
        part(folder)
    finally:
        shutil.rmtree(folder)
print("TLS at the gateway: good")
