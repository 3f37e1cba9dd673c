#!/usr/bin/env python3
"""Helm charts as servers, on a real Kubernetes with a real helm: the minilab chart installed, opened, suspended, resumed with other
values, removed; the form of its page; hostile values; a helm and a gateway that are killed half-way; a full namespace, images and crashes; somebody else's
release; keys for S3 and Vault for who has signed in at an OpenID provider. LAUNCHES: how many at once at the end (6);
ROUNDS: how often the cost is measured (3)."""

import base64
import concurrent.futures
import gzip
import hashlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

import yaml

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
from catalogue import Form, Repository  # noqa: E402
from projects import check_projects  # noqa: E402
from drivers.gateway import PASSWORD, Gateway, Person, percentile, steady_port, wait_until  # noqa: E402
from drivers.jars import Browser  # noqa: E402
from keys import check_keys, keyed_chart, signed_in_by  # noqa: E402
from peers.helm.helm import program  # noqa: E402
from peers.keys.stand_in import Keys  # noqa: E402
from peers.kubernetes.cluster import Cluster  # noqa: E402
from peers.kubernetes.service_network import ServiceNetwork  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", "..", ".."))
SPACE = "labs"
LAUNCHES = int(os.environ.get("LAUNCHES", "6"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))


def tell(what):
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


class Site:
    """A namespace, an account with the rights of the documentation, a packed chart and a context."""

    def __init__(self, cluster):
        self.cluster = cluster
        cluster.namespace(SPACE)
        token = cluster.account(SPACE, "passerelle")
        with open(os.path.join(ROOT, "docs", "kubernetes-rbac-charts.yaml")) as file:
            for one in yaml.safe_load_all(file.read().replace("notebooks", SPACE)):
                if one["kind"] in ("Role", "RoleBinding"):
                    cluster.apply(one)
        # Who we are, a program tells: to the gateway, and to helm.
        self.asked = cluster.at("plug-in-asked")
        plugin = cluster.at("plug-in")
        with open(plugin, "w", opener=lambda p, f: os.open(p, f, 0o755)) as file:
            file.write(f"#!/bin/sh\necho $PPID >>{self.asked}\ncase $KUBERNETES_EXEC_INFO in *ExecCredential*) ;; *) exit 3 ;; esac\n"
                       f"printf '{{\"apiVersion\": \"%s\", \"kind\": \"ExecCredential\", \"status\": {{\"token\": \"%s\"}}}}' "
                       f"$1 $(cat $TOKEN)\n")
        version = "client.authentication.k8s.io/v1"
        self.kubeconfig = cluster.kubeconfig("gateway", {"exec": {
            "apiVersion": version, "command": "./plug-in", "args": [version], "env": [{"name": "TOKEN", "value": token}],
            "interactiveMode": "Never"}}, SPACE)
        self.helm = program()
        # What the gateway runs: the same helm, which waits while a file of that name is there.
        self.gate = cluster.at("hold-helm")
        self.pids = cluster.at("helm-pids")
        self.slow = cluster.at("slow-helm")
        with open(self.slow, "w", opener=lambda p, f: os.open(p, f, 0o755)) as file:
            file.write(f"#!/bin/sh\necho $$ >>{self.pids}\nwhile [ -e {self.gate}-before ]; do sleep 0.1; done\n"
                       f"exec {self.helm} \"$@\"\n")
        self.run("package", os.path.join(ROOT, "tests", "data", "charts", "minilab"), "-d", cluster.folder)
        self.archive = next(cluster.at(n) for n in os.listdir(cluster.folder) if n.startswith("minilab") and n.endswith(".tgz"))
        self.keyed_archive = keyed_chart(self, os.path.join(ROOT, "tests", "data", "charts", "minilab"))
        self.context = cluster.at("context.json")
        with open(self.context, "w") as file:
            json.dump({"region": {"resources": {"cpuRequest": "10m", "cpuLimit": "500m", "memoryRequest": "16Mi", "memoryLimit": "64Mi",
                                                "disk": "1Gi"}, "customValues": {"storageClasses": [""]}},
                       "s3": {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_S3_ENDPOINT": "s3",
                              "port": 443, "pathStyleAccess": True}, "git": {"token": ""}}, file)

    def run(self, *arguments):
        done = subprocess.run([self.helm, *arguments], capture_output=True, text=True, check=False, env=dict(
            os.environ, HOME=self.cluster.folder, KUBECONFIG=self.cluster.at("admin.kubeconfig")))
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    def releases(self):
        return {r["name"]: r for r in json.loads(self.run("list", "-a", "-n", SPACE, "-o", "json"))}

    def values(self, release):
        return json.loads(self.run("get", "values", release, "-n", SPACE, "-o", "json"))

    def mark(self, release, status, forgotten):
        """The release as a helm that was killed leaves it: its newest revision, or its only one when `forgotten` are taken away."""
        base = f"/api/v1/namespaces/{SPACE}/secrets"
        found = self.cluster.call("GET", f"{base}?labelSelector=owner%3Dhelm%2Cname%3D{release}")["items"]
        found.sort(key=lambda s: int(s["metadata"]["labels"]["version"]))
        for secret in found[1:][-forgotten:] if forgotten else []:
            self.cluster.call("DELETE", f"{base}/{secret['metadata']['name']}")
        last = found[0] if forgotten else found[-1]
        record = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(last["data"]["release"]))))
        record["info"]["status"] = status
        packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(record).encode()))).decode()
        self.cluster.call("PATCH", f"{base}/{last['metadata']['name']}", {"data": {"release": packed},
                          "metadata": {"labels": {"status": status}}}, "application/merge-patch+json")

    def pods(self, release):
        return [p for p in self.cluster.pods(SPACE) if p["metadata"]["labels"].get("app.kubernetes.io/instance") == release]

    def hold(self):
        with open(self.gate + "-before", "w"):
            pass

    def release_it(self):
        os.unlink(self.gate + "-before")

    def spawner(self):
        with open(self.slow, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        common = f"type: kubernetes, kubeconfig: '{self.kubeconfig}', namespace: {SPACE}, helm: '{self.slow}', helm_timeout: 30s"
        return (f"  cluster: {{{common}, reach: pod, helm_digest: {digest}}}\n"
                f"  tampered: {{{common}, reach: pod, helm_digest: {'0' * 64}}}\n"
                f"  acting: {{{common}, act_as: 'system:serviceaccount:{SPACE}:charts'}}\n"
                f"  keyed: {{{common}, reach: pod, {self.keys.settings()}}}\n"
                f"  strict: {{{common}, reach: pod, {self.keys.settings('another role', True)}}}\n")

    def profiles(self):
        chart = {"archive": self.archive, "context": self.context}
        catalogue = {"from": self.repository_url, "user": "gateway", "password": "of the repository",
                     "ca": self.cluster.at("repository.pem"), "charts": ["mini*"], "context": self.context}
        shelf = {"from": self.cluster.at("repository"), "versions": 1, "context": self.context}
        return {"lab": {"spawner": "cluster", "chart": chart, "start_timeout": "60s"},
                "ide": {"spawner": "cluster", "catalogue": catalogue, "start_timeout": "60s"},
                "shelf": {"spawner": "cluster", "catalogue": shelf, "start_timeout": "60s"},
                "tampered": {"spawner": "tampered", "chart": chart},
                "acting": {"spawner": "acting", "chart": chart, "start_timeout": "60s"},
                "private": {"spawner": "cluster", "catalogue": shelf, "allow": {"groups": ["others"]}},
                "named": {"spawner": "cluster", "chart": chart, "start_timeout": "60s", "domain": "lab.localhost"},
                "short": {"spawner": "cluster", "chart": chart, "start_timeout": "15s"},
                "keyed": {"spawner": "keyed", "chart": {**chart, "archive": self.keyed_archive}, "start_timeout": "60s"},
                "strict": {"spawner": "strict", "chart": {**chart, "archive": self.keyed_archive}}}


def launch(person, profile="lab", values=None, server=""):
    where = f"/users/{person.name}/server" + (f"s/{server}" if server else "")
    answer = person.api("POST", where, {"profile": profile, "values": values or {}})
    assert answer.status in (201, 202), (answer.status, answer.text)


def up(gateway, name, values=None):
    person = Person(gateway, name).sign_in()
    launch(person, "lab", values)
    person.wait_ready(90)
    return person


def failed(gateway, name, cause, values=None, profile="lab"):
    person = Person(gateway, name).sign_in()
    answer = person.api("POST", f"/users/{name}/server", {"profile": profile, "values": values or {}})
    server = person.wait_stopped(150) if answer.status in (201, 202) else answer.json()
    assert server["cause"] == cause, (answer.status, server)
    return server


def check_a_chart(gateway, site):
    alice = up(gateway, "alice")
    page = alice.get("/user/alice/").text
    assert "minilab minilab-alice on minilab-alice-0" in page, page
    with open(site.asked) as file:
        assert file.read().split().count(str(gateway.process.pid)) == 5  # once for each spawner, whatever was asked since
    logs = "".join(e.get("log", "") for e in alice.events())
    assert "minilab serves /user/alice/" in logs and "Pulled: " in logs, logs
    given = site.values("minilab-alice")
    assert given["service"]["basePath"] == "/user/alice/" and len(given["service"]["password"]) > 20, given
    assert given["service"]["password"] not in gateway.log()
    assert given["resources"]["limits"] == {"cpu": "500m", "memory": "64Mi"}, given
    # The chart's notes, with the password for its owner only.
    assert 'href="/hub/notes/alice"' in alice.get("/hub/home").text
    password = given["service"]["password"]
    page = alice.get("/hub/notes/alice").text
    assert f"<strong>{password}</strong>" in page, page
    page = Person(gateway, "teacher").sign_in().get("/hub/notes/alice")
    assert page.status == 200 and "Your service is ready" in page.text and password not in page.text, page.text
    assert Person(gateway, "bob").sign_in().get("/hub/notes/alice").status == 404
    # Stopping keeps the release, with nothing that runs. Nobody is kept waiting who asked for it.
    site.hold()
    began = time.monotonic()
    answer = alice.api("DELETE", "/users/alice/server")
    assert answer.status == 202 and 9 < time.monotonic() - began < 30 and alice.server()["pending"] == "stop", answer.status
    site.release_it()
    alice.wait_stopped(150)
    assert site.values("minilab-alice")["global"]["suspend"] is True and not site.pods("minilab-alice")
    launch(alice, "lab", {"resources.limits.memory": "96Mi", "environment": '[{"name": "COURSE", "value": "spark"}]'})
    alice.wait_ready(90)
    given = site.values("minilab-alice")
    assert given["global"]["suspend"] is False and given["resources"]["limits"]["memory"] == "96Mi", given
    container = site.pods("minilab-alice")[0]["spec"]["containers"][0]
    assert container["env"] == [{"name": "COURSE", "value": "spark"}], container
    assert "on minilab-alice-0" in alice.get("/user/alice/").text
    return alice


def check_the_form(gateway, site):
    """A person with a browser without JavaScript: link, fields, list, refusal, start, suspend, resume."""
    grace = Person(gateway, "grace", "fr").sign_in()
    assert '"lab"' in grace.get("/hub/spawn").text
    answer = grace.post("/hub/spawn", profile="lab")
    assert (answer.status, answer.header("location")) == (303, "/hub/launcher/lab?user=grace"), answer.header("location")
    # Onyxia's own address, with the chart's name.
    link = "?name=My%20lab&version=0.1.0&autoLaunch=true&resources.limits.memory=%C2%AB96Mi%C2%BB&git.enabled=false&internal.debug=true"
    answer = grace.get("/launcher/datalab/minilab" + link)
    assert answer.header("location") == "/hub/launcher/datalab/minilab" + link, answer.header("location")
    page = grace.get(answer.header("location"))
    form = Form(page.text)
    assert page.status == 200 and form.fields["server"] == "my-lab" and form.fields["v:resources.limits.memory"] == "96", form.fields
    assert "v:git.enabled" not in form.fields and "v:git.name" not in form.shown, form.fields
    assert "internal.debug" in page.text and grace.server() is None
    assert "v:service.basePath" not in form.fields and form.fields["v:service.password"] == ""

    def press(order, **changed):
        fields = {k: v for k, v in form.fields.items() if k != "_xsrf"}
        fields.update({"server": "", "do": order})
        fields.update({k.replace("__", "."): v for k, v in changed.items()})
        fields = {k: v for k, v in fields.items() if v is not None}
        body = urllib.parse.urlencode({"_xsrf": grace.xsrf, **fields})
        return grace.request("POST", "/hub/launcher/lab", body, {"Content-Type": "application/x-www-form-urlencoded",
                                                                "Origin": f"http://127.0.0.1:{gateway.port}"})
    page = press("add:environment.")
    form = Form(page.text)
    assert page.status == 200 and form.fields["v:environment.#"] == "3" and form.fields["v:environment[2].name"] == "VARIABLE", form.fields
    page = press("remove:environment[0]", **{"v:environment[2].name": "COURSE", "v:environment[2].value": "spark"})
    form = Form(page.text)
    assert form.fields["v:environment.#"] == "2" and form.fields["v:environment[1].name"] == "COURSE", form.fields
    page = press("start", **{"v:resources.limits.cpu": "9000", "v:environment[1].name": "my course", "v:image.pullPolicy": "Sometimes"})
    wrong = Form(page.text).wrong
    assert page.status == 400 and len(wrong) == 3 and any("4000m" in w for w in wrong.values()), (page.status, wrong)
    assert 'value="9000"' in page.text and "minilab-grace" not in site.releases()
    page = press("update", **{"v:persistence.enabled": "true", "v:service.password": "a password of mine"})
    assert "v:persistence.size" in Form(page.text).shown and "v:persistence.size" not in form.shown
    assert "helm upgrade --install minilab-grace" in page.text and page.text.count("a password of mine") == 1, page.text
    kept = next(l for l in Form(page.text).links if l.startswith("/hub/launcher/lab?"))
    again = Form(grace.get(kept).text)
    assert again.fields["v:environment[1].value"] == "spark" and again.fields["v:resources.limits.memory"] == "96", again.fields
    answer = press("start", **{"v:service.password": "a password of mine"})
    assert answer.header("location") == "/hub/spawn-pending/grace", (answer.status, answer.text[:3000])
    grace.wait_ready(90)
    given = site.values("minilab-grace")
    assert given["resources"]["limits"]["memory"] == "96Mi" and given["git"]["enabled"] is False, given
    assert [e["name"] for e in given["environment"]] == ["LAB_PROJECT", "COURSE"], given
    assert given["service"] == {"password": "a password of mine", "basePath": "/user/grace/"}, given
    assert "on minilab-grace-0" in grace.get("/user/grace/").text
    answer = grace.get("/hub/launcher/lab")
    assert answer.header("location") == "/hub/spawn-pending/grace"
    # Suspended, and resumed with another value; what was chosen stands in the form, but for the password.
    grace.stop()
    grace.wait_stopped(150)
    page = grace.get("/hub/launcher/lab")
    form = Form(page.text)
    assert form.fields["v:environment[1].name"] == "COURSE" and "a password of mine" not in page.text, form.fields
    answer = press("start", **{"v:resources.limits.memory": "80"})
    grace.wait_ready(90)
    given = site.values("minilab-grace")
    assert given["resources"]["limits"]["memory"] == "80Mi" and given["global"]["suspend"] is False, given
    grace.stop()
    grace.wait_stopped(150)
    # Removed for good.
    assert 'action="/hub/remove/grace"' in grace.get("/hub/home").text
    assert grace.post("/hub/remove/grace").header("location") == "/hub/home"
    assert "minilab-grace" not in site.releases() and "/hub/remove" not in grace.get("/hub/home").text and grace.server() is None


def check_a_name_of_its_own(gateway, site):
    """A chart that knows no base URL: at "/" of the name that its own expressions make, opened by who may."""
    iris = Browser(gateway, "iris", "127.0.0.1").sign_in()
    launch(Person(gateway, "iris").sign_in(), "named")
    wait_until("it runs", lambda: iris.api("/users/iris").json()["servers"].get("", {}).get("ready"), 90)
    given = site.values("minilab-iris")
    assert given["service"]["basePath"] == "/" and given.get("ingress", {}).get("enabled", False) is False, given
    way = iris.follow(f"http://{iris.hub}/user/iris/")
    name = urllib.parse.urlsplit(way[-1].url).netloc
    mark = name.split(".")[0][-16:]
    assert way[-1].url == f"http://iris-{mark}.lab.localhost:{gateway.port}/" and "minilab minilab-iris on minilab-iris-0" in way[-1].text
    assert given["ingress"]["hostname"] == f"{SPACE}-{mark}.lab.localhost", given
    way = iris.follow(f"http://{given['ingress']['hostname']}:{gateway.port}/")
    assert way[-1].status == 200 and "on minilab-iris-0" in way[-1].text, way[-1].url
    way = Browser(gateway, "bob", "127.0.0.1").sign_in().follow(f"http://{name}/")
    assert way[-1].status == 403 and way[-1].url.startswith(f"http://{iris.hub}/"), way[-1].url
    person = Person(gateway, "iris").sign_in()
    person.stop()
    person.wait_stopped(150)
    assert iris.follow(f"http://{name}/")[-1].url == f"http://{iris.hub}/user/iris/"


def check_the_catalogue(gateway, site, repository):
    henry = Person(gateway, "henry").sign_in()
    page = henry.get("/hub/launcher/ide").text
    assert "/hub/launcher/ide/minilab" in page and "0.10.0" in page and "other" not in page and "rc.1" not in page, page
    assert "/hub/launcher/shelf/other" in henry.get("/hub/launcher/shelf").text  # a broken archive does not hide the rest
    assert henry.get("/hub/launcher/private").status == 404
    for path in ["/hub/launcher/ide/other", "/hub/launcher/ide/minilab?version=7", "/hub/launcher/ide/..%2Fx"]:
        assert henry.get(path).status == 404, path
    page = henry.get("/launcher/ide/minilab?version=0.9.0&resources.limits.memory=%C2%AB80Mi%C2%BB")
    page = henry.get(page.header("location"))
    form = Form(page.text)
    assert form.fields["version"] == "0.9.0" and form.options["version"] == ["0.10.0", "0.9.0"], form.fields
    body = urllib.parse.urlencode({**form.fields, "_xsrf": henry.xsrf, "do": "start"})
    answer = henry.request("POST", "/hub/launcher/ide/minilab", body, {"Content-Type": "application/x-www-form-urlencoded",
                                                                       "Origin": f"http://127.0.0.1:{gateway.port}"})
    assert answer.header("location") == "/hub/spawn-pending/henry", (answer.status, answer.text[:3000])
    henry.wait_ready(90)
    assert site.releases()["minilab-henry"]["chart"] == "minilab-0.9.0", site.releases()
    assert site.values("minilab-henry")["resources"]["limits"]["memory"] == "80Mi"
    assert repository.asked.count("/index.yaml") == 1, repository.asked
    henry.stop()
    henry.wait_stopped(150)
    assert Form(henry.get("/hub/launcher/ide/minilab?version=0.9.0").text).fields["v:resources.limits.memory"] == "80"
    # Another file than the one that the index tells of is not taken.
    with open(os.path.join(repository.folder, "minilab-0.10.0.tgz"), "ab") as file:
        file.write(b"x")
    answer = henry.get("/hub/launcher/ide/minilab")
    assert answer.status == 503 and "SHA-256" in answer.text, (answer.status, answer.text)
    # A repository that is away is shown as it was; what was fetched once can be started.
    repository.close()
    gateway.stop()
    gateway.start()
    assert "/hub/launcher/ide/minilab" in henry.get("/hub/launcher/ide").text
    launch(henry, "ide", {"@chart": "minilab", "@version": "0.9.0"})
    henry.wait_ready(90)
    henry.stop()
    henry.wait_stopped(150)
    failed(gateway, "henry", "values-invalid", {"@chart": "none"}, "ide")


def check_hostile_values(gateway, site):
    """Places that the form does not have, or does not let anybody change, and values that do not fit: nothing is installed."""
    for values in [{"serviceAccountName": "admin"}, {"image.pullSecrets": "x"}, {"internal.debug": "true"}, {"command": '["sh"]'},
                   {"service.basePath": "/user/bob/"}, {"s3.accessKeyId": "x"}, {"__proto__.x": "1"}, {"constructor.prototype": "1"},
                   {"image.pullPolicy": "Sometimes"}, {"resources.limits.cpu": "1"}, {"resources.limits.cpu": "999999m"},
                   {"git.repository": "file:///etc/passwd"}, {"resources": '{"limits": {"cpu": "64"}}'}, {"..": "x"}, {"a" * 300: "x"},
                   {"environment": "[" * 1000}, {"environment[5].name": "x"}]:
        failed(gateway, "mallory", "values-invalid", values)
    refused = False
    try:  # 10 MB: the connection is closed before all of it is read
        huge = Person(gateway, "mallory").sign_in()
        answer = huge.api("POST", "/users/mallory/server", {"profile": "lab", "values": {"git.name": "x" * 10_000_000}})
        refused = answer.status >= 400
    except OSError:
        refused = True
    assert refused and "minilab-mallory" not in site.releases()
    # Templates of Helm and YAML are only text.
    mallory = up(gateway, "mallory", {"git.name": '{{ .Release }}"\n  evil: yes # {{ lookup "v1" "Secret" "" "" }}'})
    assert "evil" not in site.values("minilab-mallory") and site.values("minilab-mallory")["git"]["name"].startswith("{{ .Release }}")
    mallory.stop()
    mallory.wait_stopped(150)


def check_somebody_elses_release(gateway, site):
    site.run("install", "minilab-victor", site.archive, "-n", SPACE, "--set", "global.suspend=true")
    server = failed(gateway, "victor", "spawner-down")
    assert "belongs to somebody else" in str(server), server
    assert site.releases()["minilab-victor"]["revision"] == "1"


def check_causes(gateway, site):
    failed(gateway, "dan", "image-pull", {"image.name": "peer.local/busybox:2", "image.pullPolicy": "Never"})
    tell("  a full namespace")
    quota = f"/api/v1/namespaces/{SPACE}/resourcequotas"
    def full(**more):
        site.cluster.call("POST", quota, {"metadata": {"name": "full"}, "spec": {"hard": {"requests.memory": "20Mi"}, **more}})
        wait_until("the quota counts", lambda: site.cluster.call("GET", quota + "/full").get("status", {}).get("used"))
    # Known before helm is called: in the form, at its button, and over the API.
    full()
    helms = len(helm_pids(site))
    dora = Person(gateway, "dora").sign_in()
    form = {}

    def gauge():
        form["page"] = dora.get("/hub/launcher/lab").text
        return "Memory, reserved: 16Mi of 20Mi · this form asks for 16Mi" in form["page"]
    wait_until("the form shows it", gauge, 15)
    answer = dora.post("/hub/launcher/lab", do="start", **{k: v for k, v in Form(form["page"]).fields.items() if k != "_xsrf"})
    assert answer.status == 409 and "There is not enough room (Memory, reserved: 16Mi of 20Mi" in answer.text, answer.text
    assert dora.server() is None
    server = failed(gateway, "dan", "quota-user")
    assert "requested: requests.memory=16Mi, used: requests.memory=16Mi, limited: requests.memory=20Mi" in str(server), server
    assert len(helm_pids(site)) == helms
    site.cluster.call("DELETE", quota + "/full")
    # Known from the chart's controllers only: a quota that does not count every pod.
    full(scopes=["NotTerminating"])
    server = failed(gateway, "dan", "quota-user")
    assert "exceeded quota" in str(server) and "requests.memory" in str(server), server
    site.cluster.call("DELETE", quota + "/full")
    tell("  no room")
    server = failed(gateway, "dora", "unschedulable", {"resources.requests.cpu": "4000m", "resources.limits.cpu": "4000m"}, "short")
    assert "cpu" in str(server) and not site.pods("minilab-dora"), server


def helm_pids(site):
    with open(site.pids) as file:
        return [int(line) for line in file]


def check_a_helm_that_is_killed(gateway, site):
    """Its mark (pending-install) would refuse everything from then on."""
    erin = Person(gateway, "erin").sign_in()
    site.hold()
    before = len(helm_pids(site))
    launch(erin)
    wait_until("helm runs", lambda: len(helm_pids(site)) > before)
    os.kill(helm_pids(site)[-1], signal.SIGKILL)
    site.release_it()
    erin.wait_ready(90)
    for status, forgotten in [("pending-upgrade", 0), ("pending-install", 9)]:
        erin.stop()
        erin.wait_stopped(150)
        site.mark("minilab-erin", status, forgotten)
        assert site.releases()["minilab-erin"]["status"] == status
        launch(erin)
        erin.wait_ready(90)
        assert site.releases()["minilab-erin"]["status"] == "deployed", status
    erin.stop()
    erin.wait_stopped(150)


def check_a_gateway_that_is_killed(gateway, site):
    """Before helm has begun, while it runs, while the pod starts, and when all is up: one release each time, and it comes up. A helm
    that outlives its gateway is waited for: two at one release would refuse each other."""
    frank = Person(gateway, "frank").sign_in()
    for step in ["held", "running", "listening", "up"]:
        before = len(helm_pids(site))
        if step == "held":
            site.hold()
        launch(frank)
        if step in ("held", "running"):
            wait_until("helm runs", lambda: len(helm_pids(site)) > before)
        if step == "listening":
            wait_until("the release is there", lambda: site.releases().get("minilab-frank", {}).get("status") == "deployed")
        if step == "up":
            frank.wait_ready(90)
        gateway.kill()
        gateway.start()
        if step == "held":
            time.sleep(1)  # a second one would have begun by now
            begun = len(helm_pids(site)) - before
            site.release_it()
            assert begun == 1, begun
        frank.wait_ready(120)
        assert "on minilab-frank-0" in frank.get("/user/frank/").text, step
        assert len(site.pods("minilab-frank")) == 1
        frank.stop()
        frank.wait_stopped(150)
        assert not site.pods("minilab-frank"), step


def check_another_helm(gateway):
    server = failed(gateway, "trent", "spawner-down", profile="tampered")
    assert "is not the program whose digest" in str(server), server


def check_acting_as_another_user(gateway, site):
    """Helm may do what that user may: first all but what runs, then that as well. Its service is reached at its address in the
    cluster."""
    cluster = site.cluster
    cluster.account(SPACE, "charts")

    def allow(name, user, *rules):
        kind = "rbac.authorization.k8s.io"
        cluster.apply({"apiVersion": kind + "/v1", "kind": "Role", "metadata": {"name": name, "namespace": SPACE}, "rules": list(rules)},
                      {"apiVersion": kind + "/v1", "kind": "RoleBinding", "metadata": {"name": name, "namespace": SPACE},
                       "roleRef": {"apiGroup": kind, "kind": "Role", "name": name},
                       "subjects": [{"kind": "ServiceAccount", "name": user, "namespace": SPACE}]})
    verbs = ["get", "list", "create", "update", "patch", "delete"]
    allow("act", "passerelle", {"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": ["charts"], "verbs": ["impersonate"]})
    allow("most", "charts", {"apiGroups": [""], "resources": ["secrets", "services"], "verbs": verbs})
    server = failed(gateway, "oscar", "spawner-down", profile="acting")
    assert f"system:serviceaccount:{SPACE}:charts" in str(server) and "statefulsets" in str(server), server
    assert not site.pods("minilab-oscar")
    allow("all", "charts", {"apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": verbs})
    oscar = Person(gateway, "oscar").sign_in()
    launch(oscar, "acting")
    with ServiceNetwork(cluster, SPACE, "minilab-oscar") as network:
        oscar.wait_ready(90)
        assert "minilab minilab-oscar on minilab-oscar-0" in oscar.get("/user/oscar/").text and network.carried > 0
        oscar.stop()
        oscar.wait_stopped(150)


def check_a_browser(gateway, site):
    """With a quota that is far away, so that its gauges are there."""
    quota = f"/api/v1/namespaces/{SPACE}/resourcequotas"
    site.cluster.call("POST", quota, {"metadata": {"name": "wide"}, "spec": {"hard": {"requests.cpu": "64"}}})
    wait_until("the quota counts", lambda: site.cluster.call("GET", quota + "/wide").get("status", {}).get("used"))
    shots = os.path.join(os.environ.get("ARTEFACTS", os.path.join(tempfile.gettempdir(), "passerelle-artefacts")), "chart")
    time.sleep(5)  # as long as a form's gauges may be old
    Person(gateway, "alice").sign_in().get("/hub/launcher/lab?server=x")
    done = subprocess.run(["node", os.path.join(HERE, "in_browser.mjs"), f"http://127.0.0.1:{gateway.port}/", "zoe", PASSWORD, shots],
                          capture_output=True, text=True, timeout=600, check=False)
    print(done.stdout, end="")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "minilab-zoe" not in site.releases() and not site.pods("minilab-zoe")
    site.cluster.call("DELETE", quota + "/wide")


def check_many_at_once(gateway, site):
    people = [Person(gateway, f"p{n}").sign_in() for n in range(LAUNCHES)]
    began = time.monotonic()

    def took(person):
        launch(person)
        person.wait_ready(300)
        return time.monotonic() - began
    with concurrent.futures.ThreadPoolExecutor(LAUNCHES) as pool:
        times = list(pool.map(took, people))
    print(f"{LAUNCHES} launches at once: the first up after {min(times):.1f} s, the middle {percentile(times, 0.5):.1f} s, "
          f"the last {max(times):.1f} s")
    with concurrent.futures.ThreadPoolExecutor(LAUNCHES) as pool:
        list(pool.map(lambda p: (p.stop(), p.wait_stopped(150)), people))


def check_the_cost(gateway, site):
    """What a launch takes beside plain helm (the same program as the same user) and waiting for the pod."""
    def plain(name):
        began = time.monotonic()
        subprocess.run([site.slow, "upgrade", "--install", name, site.archive, "-n", SPACE, "--set", "resources.limits.memory=64Mi"],
                       check=True, capture_output=True, env=dict(os.environ, HOME=site.cluster.folder, KUBECONFIG=site.kubeconfig))
        wait_until("it is ready", lambda: any(c["type"] == "Ready" and c["status"] == "True" for p in site.pods(name)
                                              for c in p["status"].get("conditions", [])), 60)
        return time.monotonic() - began

    def ours(name):
        person = Person(gateway, name).sign_in()
        began = time.monotonic()
        launch(person)
        person.wait_ready(90)
        return time.monotonic() - began
    both = []
    for number in range(ROUNDS):
        pair = {which: which(f"{which.__name__}{number}") for which in ((plain, ours) if number % 2 else (ours, plain))}
        both.append((pair[plain], pair[ours]))
        site.run("uninstall", f"plain{number}", "-n", SPACE)
        person = Person(gateway, f"ours{number}").sign_in()
        person.stop()
        person.wait_stopped(150)
    print("plain helm and ready / launch and answered, s: " + ", ".join(f"{a:.2f} / {b:.2f}" for a, b in both)
          + f"; the median of the differences: {statistics.median(b - a for a, b in both):.2f}")


def main():
    port = steady_port()
    with Cluster() as cluster, signed_in_by(port) as provider, Keys(provider.issuer) as keys:
        site = Site(cluster)
        site.keys = keys
        repository = Repository(site)
        gateway = Gateway(site.profiles(), spawner=site.spawner(), authenticators=provider.settings, extra=provider.extra)
        gateway.port = port
        with gateway:
            tell("a chart")
            alice = check_a_chart(gateway, site)
            tell("the form")
            check_the_form(gateway, site)
            tell("a name of its own")
            check_a_name_of_its_own(gateway, site)
            tell("the catalogue")
            check_the_catalogue(gateway, site, repository)
            tell("keys from elsewhere")
            check_keys(gateway, site, keys)
            tell("hostile values")
            check_hostile_values(gateway, site)
            tell("somebody else's release")
            check_somebody_elses_release(gateway, site)
            tell("a helm that is killed")
            check_a_helm_that_is_killed(gateway, site)
            tell("a gateway that is killed")
            check_a_gateway_that_is_killed(gateway, site)
            tell("another helm, and another user")
            check_another_helm(gateway)
            check_acting_as_another_user(gateway, site)
            tell("a browser")
            check_a_browser(gateway, site)
            tell("causes")
            check_causes(gateway, site)
            tell("many")
            check_many_at_once(gateway, site)
            check_the_cost(gateway, site)
            tell("projects")
            check_projects(site)
            tell("the end")
            alice.stop()
            alice.wait_stopped(150)
            tell("done")


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("this test starts a Kubernetes, which needs root")
    main()
