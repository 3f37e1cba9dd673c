"""A real Kubernetes of the test's own: Debian's kubernetes 1.20 (see build.sh), etcd, containerd and runc, with one real node, on
ephemeral ports of 127.0.0.1 and in one temporary folder. No registry, no DNS, no kube-proxy, no storage class: images are made here,
pods are reached at their own addresses. Everything is ended by pid. Needs root, and one at a time on a machine."""

import base64
import contextlib
import fcntl
import hashlib
import http.client
import io
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tarfile
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
from peers.docker.engine import image  # noqa: E402

PROGRAMS = os.environ.get("KUBERNETES_PROGRAMS", "/var/cache/passerelle/kubernetes")
# Where etcd, containerd and runc are when no package put them on the PATH.
ROOT = os.path.join(PROGRAMS, "root", "usr")
PATHS = ":".join([os.environ["PATH"], "/usr/sbin", f"{ROOT}/bin", f"{ROOT}/sbin"])
MACHINE = "peer.local/machine:1"  # nothing without this machine's /usr
BUSYBOX = "peer.local/busybox:1"
BRIDGE, NETWORK = "passerelle-k8s", "10.244.78.0/24"
GATE = "10.244.78.1"  # this machine, as pods see it
NODE = "localhost"  # the API server reaches its kubelet by that name
KEPT = ["vm.overcommit_memory", "kernel.panic", "kernel.panic_on_oops"]  # what a kubelet changes of the machine


def program(name):
    found = shutil.which(name, path=f"{PROGRAMS}/bin:{PATHS}")
    if found is None:
        sys.exit(f"{name} is missing: tests/peers/kubernetes/build.sh and the packages of the section [cluster]")
    return found


def ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [s.getsockname()[1] for s in held]
    for one in held:
        one.close()
    return found


def tar_of(files, folders=(), links=()):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in folders:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name in ("tmp", "www") else 0o755
            tar.addfile(entry)
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
        for name, target in links:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return buffer.getvalue()


def archive(name, layer, entry):
    """An image as `docker save` writes it."""
    digest = hashlib.sha256(layer).hexdigest()
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]},
                         "config": {"Entrypoint": entry, "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"]}}).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [name], "Layers": [digest + "/layer.tar"]}]).encode()
    return tar_of([(config_name, config), (digest + "/layer.tar", layer), ("manifest.json", manifest)])


def busybox():
    own = "/bin/busybox"
    with open(own, "rb") as file:
        content = file.read()
    names = [n for n in subprocess.run([own, "--list"], check=True, capture_output=True, text=True).stdout.split() if n != "busybox"]
    return tar_of([("bin/busybox", content)], ["bin", "tmp", "etc", "proc", "sys", "dev", "www", "home"],
                  [("bin/" + n, "busybox") for n in names])


class Refused(Exception):
    def __init__(self, method, path, status, text):
        super().__init__(f"{method} {path}: {status} {text[:500]}")
        self.status = status


class Cluster:
    def __init__(self, node=True):
        # Built once on a machine; whoever comes while `./dev test` builds it behind the other tests waits for that.
        subprocess.run([os.path.join(os.path.dirname(os.path.abspath(__file__)), "build.sh")], check=True)
        self.lock = open("/var/lock/passerelle-kubernetes-peer", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.folder = tempfile.mkdtemp(prefix="passerelle-k8s-")
        self.node = node
        self.processes = {}
        self.etcd_port, self.etcd_peers, self.port, *self.others = ports(7)
        self.server = f"https://127.0.0.1:{self.port}"
        self.sysctls = {}

    def at(self, *names):
        return os.path.join(self.folder, *names)

    # -- starting and ending -----------------------------------------------------------------------------------------

    def start_process(self, name, *command):
        log = open(self.at(name + ".log"), "ab")
        self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                                                env=dict(os.environ, PATH=PATHS))
        log.close()

    def log(self, name):
        with open(self.at(name + ".log"), errors="replace") as file:
            return file.read()

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.folder)

    def certificate(self, name, subject, names=""):
        more = ["-addext", "subjectAltName=" + names] if names else []
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                     "-CA", "ca.crt", "-CAkey", "ca.key", "-keyout", name + ".key", "-out", name + ".crt", "-subj", subject,
                     "-addext", "basicConstraints=critical,CA:false", "-addext", "extendedKeyUsage=serverAuth,clientAuth", *more)

    def kubeconfig(self, name, user=None, namespace="default"):
        """The path of a kubeconfig for one of our certificates, or for `user` as its JSON says."""
        path = self.at(name + ".kubeconfig")
        user = user or {"client-certificate": self.at(name + ".crt"), "client-key": self.at(name + ".key")}
        with open(path, "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "test",
                       "clusters": [{"name": "test", "cluster": {"server": self.server, "certificate-authority": self.at("ca.crt")}}],
                       "users": [{"name": name, "user": user}],
                       "contexts": [{"name": "test", "context": {"cluster": "test", "user": name, "namespace": namespace}}]}, file)
        return path

    def make_keys(self):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                     "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=cluster of a test")
        self.openssl("genrsa", "-traditional", "-out", "accounts.key", "2048")
        self.certificate("apiserver", "/CN=kube-apiserver", "DNS:localhost,DNS:kubernetes,IP:127.0.0.1,IP:10.96.0.1,IP:" + GATE)
        self.certificate("admin", "/O=system:masters/CN=admin")
        self.certificate("controllers", "/CN=system:kube-controller-manager")
        self.certificate("scheduler", "/CN=system:kube-scheduler")
        self.certificate("kubelet", f"/O=system:nodes/CN=system:node:{NODE}", "DNS:localhost,IP:127.0.0.1")
        for name in ["admin", "controllers", "scheduler", "kubelet"]:
            self.kubeconfig(name)

    def start_etcd(self):
        self.start_process("etcd", program("etcd"), "--name", "one", "--data-dir", self.at("etcd"), "--unsafe-no-fsync",
                           "--listen-client-urls", f"http://127.0.0.1:{self.etcd_port}",
                           "--advertise-client-urls", f"http://127.0.0.1:{self.etcd_port}",
                           "--listen-peer-urls", f"http://127.0.0.1:{self.etcd_peers}",
                           "--initial-advertise-peer-urls", f"http://127.0.0.1:{self.etcd_peers}",
                           "--initial-cluster", f"one=http://127.0.0.1:{self.etcd_peers}")

    def start_api(self, limit=60):
        self.start_process(
            "apiserver", program("kube-apiserver"), f"--etcd-servers=http://127.0.0.1:{self.etcd_port}", "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1", f"--secure-port={self.port}", "--insecure-port=0", f"--tls-cert-file={self.at('apiserver.crt')}",
            f"--tls-private-key-file={self.at('apiserver.key')}", f"--client-ca-file={self.at('ca.crt')}",
            f"--kubelet-client-certificate={self.at('admin.crt')}", f"--kubelet-client-key={self.at('admin.key')}",
            f"--kubelet-certificate-authority={self.at('ca.crt')}", "--kubelet-preferred-address-types=Hostname",
            f"--service-account-key-file={self.at('accounts.key')}", f"--service-account-signing-key-file={self.at('accounts.key')}",
            "--service-account-issuer=https://kubernetes.default.svc", "--api-audiences=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=Node,RBAC", "--allow-privileged=true",
            "--enable-admission-plugins=NodeRestriction", "--endpoint-reconciler-type=none")
        self.until("the API server is ready", lambda: self.call("GET", "/readyz", raw=True) == b"ok", limit)

    def start_controllers(self):
        for name, command, port, more in [
                ("controllers", "kube-controller-manager", self.others[0],
                 [f"--service-account-private-key-file={self.at('accounts.key')}", f"--root-ca-file={self.at('ca.crt')}",
                  "--use-service-account-credentials=true"]),
                ("scheduler", "kube-scheduler", self.others[1], [])]:
            config = self.at(name + ".kubeconfig")
            self.start_process(name, program(command), f"--kubeconfig={config}", f"--authentication-kubeconfig={config}",
                               f"--authorization-kubeconfig={config}", "--bind-address=127.0.0.1", f"--secure-port={port}", "--port=0",
                               "--leader-elect=false", *more)

    def start_containerd(self):
        plugins = next(p for p in ["/usr/lib/cni", f"{ROOT}/lib/cni"] if os.path.exists(os.path.join(p, "bridge")))
        os.makedirs(self.at("cni"))
        # A machine may lack CAP_SYS_RESOURCE (in a container): then nobody's OOM score can be lowered.
        with open(self.at("containerd.toml"), "w") as file:
            file.write(f"""version = 2
root = "{self.at('images')}"
state = "{self.at('run')}"
[grpc]
  address = "{self.at('containerd.sock')}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "peer.local/pause:1"
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{self.at('cni')}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      BinaryName = "{program('runc')}"
""")
        with open(self.at("cni", "10-test.conflist"), "w") as file:
            json.dump({"cniVersion": "0.4.0", "name": "test", "plugins": [
                {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "ipMasq": False, "hairpinMode": True,
                 "ipam": {"type": "host-local", "dataDir": self.at("addresses"), "ranges": [[{"subnet": NETWORK}]]}}]}, file)
        self.start_process("containerd", program("containerd"), "-c", self.at("containerd.toml"))
        self.until("containerd answers", lambda: self.ctr("version", check=False).returncode == 0, 60)
        with open(program("pause"), "rb") as file:
            pause = tar_of([("pause", file.read())])
        for name, layer, entry in [("peer.local/pause:1", pause, ["/pause"]), (MACHINE, image(), []), (BUSYBOX, busybox(), ["/bin/sh"])]:
            self.load_image(name, layer, entry)

    def load_image(self, name, layer, entry):
        with tempfile.NamedTemporaryFile(dir=self.folder) as file:
            file.write(archive(name, layer, entry))
            file.flush()
            self.ctr("images", "import", file.name)

    def ctr(self, *arguments, check=True):
        return subprocess.run([program("ctr"), "-a", self.at("containerd.sock"), "-n", "k8s.io", *arguments], check=check,
                              capture_output=True, text=True, env=dict(os.environ, PATH=PATHS), timeout=120)

    def start_kubelet(self):
        for name in KEPT:
            with contextlib.suppress(OSError), open("/proc/sys/" + name.replace(".", "/")) as file:
                self.sysctls[name] = file.read()
        with open(self.at("kubelet.yaml"), "w") as file:
            json.dump({
                "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "address": "127.0.0.1",
                "port": self.others[2], "readOnlyPort": 0, "healthzPort": self.others[3], "healthzBindAddress": "127.0.0.1",
                "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True}, "x509": {"clientCAFile": self.at("ca.crt")}},
                "authorization": {"mode": "Webhook"}, "tlsCertFile": self.at("kubelet.crt"), "tlsPrivateKeyFile": self.at("kubelet.key"),
                "cgroupDriver": "cgroupfs", "failSwapOn": False, "makeIPTablesUtilChains": False, "resolvConf": "", "maxPods": 250,
                "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%", "memory.available": "50Mi"},
                "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99, "nodeStatusUpdateFrequency": "5s"}, file)
        self.start_process("kubelet", program("kubelet"), "--config=" + self.at("kubelet.yaml"), "--kubeconfig=" + self.at("kubelet.kubeconfig"),
                           "--root-dir=" + self.at("pods"), "--cert-dir=" + self.at("certs"), "--hostname-override=" + NODE,
                           "--container-runtime=remote", "--container-runtime-endpoint=unix://" + self.at("containerd.sock"))

    def node_is_ready(self):
        with contextlib.suppress(Refused):
            conditions = self.call("GET", "/api/v1/nodes/" + NODE)["status"].get("conditions", [])
            return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
        return False

    def until(self, what, condition, limit=60.0):
        end = time.monotonic() + limit
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException, Refused):
                if condition():
                    return
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise AssertionError(f"{name} ended with {process.returncode} before {what}:\n{self.log(name)[-3000:]}")
            if time.monotonic() > end:
                raise AssertionError(f"not within {limit} s: {what}")
            time.sleep(0.1)

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))  # as ctest does: nothing stays behind
        try:
            self.make_keys()
            self.start_etcd()
            self.start_api()
            self.start_controllers()
            if self.node:
                self.start_containerd()
                self.start_kubelet()
                self.until("the node is ready", self.node_is_ready, 120)
            return self
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise

    def end_process(self, name, how=signal.SIGTERM, limit=10):
        process = self.processes.pop(name, None)
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill_api(self):
        self.end_process("apiserver", signal.SIGKILL)

    def end_pods(self):
        """Everything that runs under our containerd, with its network."""
        spaces = []
        for container in self.ctr("containers", "ls", "-q", check=False).stdout.split():
            about = self.ctr("containers", "info", container, check=False).stdout
            spaces += [word.split("/")[-1].rstrip('",') for word in about.split() if "/netns/cni-" in word]
        for task in self.ctr("tasks", "ls", "-q", check=False).stdout.split():
            self.ctr("tasks", "rm", "-f", task, check=False)
        for container in self.ctr("containers", "ls", "-q", check=False).stdout.split():
            self.ctr("containers", "rm", container, check=False)
        for space in set(spaces):
            subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)

    def __exit__(self, kind, value, trace):
        if kind is not None:
            for name in ["apiserver", "kubelet"]:
                with contextlib.suppress(OSError):
                    print(f"--- {name}\n" + self.log(name)[-1500:])
        self.end_process("kubelet")
        if "containerd" in self.processes:
            with contextlib.suppress(Exception):
                self.end_pods()
        for name in ["containerd", "scheduler", "controllers"]:
            self.end_process(name)
        self.kill_api()  # asked politely, it waits a minute for open watches
        self.end_process("etcd", signal.SIGKILL)
        with open("/proc/mounts") as mounts:
            for place in sorted((line.split()[1] for line in mounts if self.folder in line), reverse=True):
                subprocess.run(["umount", "-l", place], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", BRIDGE], check=False, capture_output=True)
        for top in os.listdir("/sys/fs/cgroup"):
            for folder, _, _ in os.walk(f"/sys/fs/cgroup/{top}/kubepods", topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
        for name, value in self.sysctls.items():
            with contextlib.suppress(OSError), open("/proc/sys/" + name.replace(".", "/"), "w") as file:
                file.write(value)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.lock.close()

    # -- asking ------------------------------------------------------------------------------------------------------

    def call(self, method, path, body=None, kind="application/json", raw=False, token=None, timeout=30):
        trust = ssl.create_default_context(cafile=self.at("ca.crt"))
        if token is None:
            trust.load_cert_chain(self.at("admin.crt"), self.at("admin.key"))
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=trust, timeout=timeout)
        try:
            headers = {"Content-Type": kind, **({"Authorization": "Bearer " + token} if token else {})}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise Refused(method, path, answer.status, content.decode("utf-8", "replace"))
        return content if raw else json.loads(content)

    def gone(self, path):
        try:
            self.call("GET", path)
            return False
        except Refused as refusal:
            return refusal.status == 404

    def apply(self, *objects):
        """Creates objects; a plural of their kind is made by adding an s."""
        for one in objects:
            group = one["apiVersion"]
            base = "/api/v1" if group == "v1" else "/apis/" + group
            space = one["metadata"].get("namespace")
            plural = one["kind"].lower() + ("es" if one["kind"].endswith("s") else "s")
            plural = {"networkpolicys": "networkpolicies", "resourcequotaes": "resourcequotas"}.get(plural, plural)
            self.call("POST", f"{base}/{f'namespaces/{space}/' if space else ''}{plural}", one)

    def namespace(self, name):
        self.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        # Pods are refused until their account is there.
        self.until("the namespace has an account", lambda: not self.gone(f"/api/v1/namespaces/{name}/serviceaccounts/default"))

    def account(self, namespace, name):
        """A service account and its token, as a pod would have it; (path of the token's file)."""
        self.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": name}})
        path = self.at(f"{namespace}-{name}.token")
        self.new_token(namespace, name, path)
        return path

    def new_token(self, namespace, name, path):
        made = self.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token", {"spec": {"expirationSeconds": 3600}})
        with open(path, "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(made["status"]["token"])

    def volume(self, name, folder):
        """A folder of this machine as a volume that any claim without a class may take."""
        self.call("POST", "/api/v1/persistentvolumes", {"metadata": {"name": name}, "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": folder}}})

    def pods(self, namespace):
        return self.call("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]

    def forget_behind_the_api(self, *keys):
        """Deletes keys in etcd itself and compacts: an API server that comes back cannot tell when they went."""
        def ask(what, body):
            connection = http.client.HTTPConnection("127.0.0.1", self.etcd_port, timeout=10)
            try:
                connection.request("POST", "/v3/kv/" + what, json.dumps(body))
                return json.loads(connection.getresponse().read())
            finally:
                connection.close()
        for key in keys:
            answer = ask("deleterange", {"key": base64.b64encode(key.encode()).decode()})
            assert answer.get("deleted") == "1", (key, answer)
        ask("compaction", {"revision": answer["header"]["revision"], "physical": True})
