"""`passerelle import-z2jh`: values files as people write them; what comes out is a configuration that `check-config` takes, and what could
not be translated is told with its line, every key of the file on one side or the other."""

import os
import re
import subprocess
import tempfile

import yaml

PROGRAM = os.environ.get("PASSERELLE", "build/release/passerelle")
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data", "z2jh")


def run(*words):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60, check=False)


def translated(name):
    done = run("import-z2jh", os.path.join(DATA, name))
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout), [line[2:] for line in done.stdout.splitlines() if line.startswith("# ")], done.stdout


def line_of(name, text, after=""):
    lines = open(os.path.join(DATA, name)).read().splitlines()
    start = next(i for i, l in enumerate(lines) if after in l)
    return next(i for i, l in enumerate(lines[start:], start + 1) if text in l)


def told(advice, name, path, text, words="", after=""):
    """Whether the key is told, with the line where it stands."""
    line = line_of(name, text, after)
    found = [one for one in advice if one.startswith(f"line {line}, {path}: ")]
    assert found and words in found[0], (line, path, words, advice)


def accepted(text, replaced=()):
    with tempfile.TemporaryDirectory(prefix="passerelle-test-") as folder:
        for old, new in replaced:
            assert old in text, (old, text)
            text = text.replace(old, new)
        for file, content in (("password.txt", "a word for the room\n"), ("grader.token", "0123456789abcdef0123456789abcdef\n"),
                              ("secret.txt", "of the provider\n")):
            with open(os.path.join(folder, file), "w", opener=lambda p, f: os.open(p, f, 0o600)) as out:
                out.write(content)
        with open(os.path.join(folder, "c.yaml"), "w") as out:
            out.write(text)
        done = run("check-config", os.path.join(folder, "c.yaml"))
        assert done.returncode == 0, (done.stdout, done.stderr, text)


def university():
    name = "university.yaml"
    made, advice, text = translated(name)
    cluster = made["spawners"]["cluster"]
    assert cluster == {"type": "kubernetes", "storage": "20Gi", "storage_class": "ceph-block", "volume": "claim-{user_server}",
                       "pull": "Always", "pull_secret": "univ-registry", "cpu": 2, "cpu_guarantee": 0.25, "memory": "4GiB",
                       "memory_guarantee": "512MiB", "service_account": "notebooks", "binds": ["/srv/course:/data:ro"]}, cluster
    profiles = {one["name"]: one for one in made["profiles"]}
    assert list(profiles) == ["python-r", "small", "gpu", "choose"], list(profiles)
    small = profiles["small"]
    assert small["container"] == {"image": "registry.univ.example/notebooks/base:2026-01", "home": "/home/jovyan", "user": "1000:100"}, small
    assert small["command"] == ["jupyterhub-singleuser"] and small["default_url"] == "lab" and small["start_timeout"] == "600s", small
    assert small["environment"] == {"COURSE": "2026", "EDITION": "3"} and small["spawner"] == "cluster", small
    assert profiles["python-r"]["default_url"] == "rstudio" and profiles["python-r"]["environment"]["COURSE"] == "2026-r"
    gpu = profiles["gpu"]
    assert gpu["memory"] == "16GiB" and gpu["cpu"] == 8 and gpu["allow"] == {"groups": ["deep-learning"]}, gpu
    assert gpu["spawner"] == "cluster-gpu" and made["spawners"]["cluster-gpu"]["memory_guarantee"] == "8GiB", gpu
    choose = profiles["choose"]
    images = [f"registry.univ.example/notebooks/{n}:2026-01" for n in ("base", "spark")]
    assert choose["form"]["image"] == {"type": "enum", "title": "Image", "enum": images, "default": images[1]}, choose
    assert made["spawners"][choose["spawner"]]["images"] == images and choose["container"]["image"] == "{image}", choose
    assert made["access"] == {"allow": {"users": ["alan"]}, "admins": {"users": ["ada", "grace"]}}, made["access"]
    assert made["limits"] == {"servers_per_user": 4, "launches_in_flight": 40, "servers": 300}, made["limits"]
    assert made["cull"] == [{"match": {"idle": "7200s", "age": "86400s"}}] and made["log"] == {"level": "debug"}
    assert made["roles"]["teachers"]["groups"] == ["staff"] and made["public_url"] == "https://notebooks.univ.example"
    for path, line, words, after in [
            ("GenericOAuthenticator.client_secret", "client_secret", "client_secret_file", ""),
            ("hub.db", "db:", "import-jupyterhub", ""),
            ("hub.extraConfig", "extraConfig", "not run", ""),
            ("hub.resources", "resources:", "docker/chart", ""),
            ("proxy.https.letsencrypt", "letsencrypt", "Ingress", ""),
            ("proxy.service", "service:", "Service", ""),
            ("singleuser.extraEnv.TOKEN", "TOKEN:", "valueFrom", ""),
            ("singleuser.lifecycleHooks", "lifecycleHooks", "image", ""),
            ("singleuser.nodeSelector", "nodeSelector", "scheduler", ""),
            ("singleuser.extraTolerations", "extraTolerations", "scheduler", ""),
            ("singleuser.networkPolicy", "networkPolicy", "NetworkPolicy", ""),
            ("singleuser.cloudMetadata", "cloudMetadata", "169.254.169.254", ""),
            ("singleuser.storage.dynamic.pvcNameTemplate", "pvcNameTemplate", "claim-{user_server}", ""),
            ("singleuser.storage.extraVolumes", "name: shm", "nodes", ""),
            ("singleuser.storage.extraVolumeMounts", "name: shm, ", "nodes", ""),
            ("singleuser.profileList.kubespawner_override.extra_resource_limits", "extra_resource_limits", "Helm chart", ""),
            ("singleuser.profileList.kubespawner_override.node_selector", "node_selector", "scheduler", ""),
            ("singleuser.profileList.profile_options.image.unlisted_choice", "unlisted_choice", "pattern", ""),
            ("singleuser.profileList.profile_options.size", "size:", "one profile for each", ""),
            ("cull.users", "users: true", "not deleted", ""),
            ("scheduling", "scheduling:", "placeholders", ""),
            ("prePuller", "prePuller:", "DaemonSet", "")]:
        told(advice, name, path, line, words, after)
    assert "of the provider" not in text  # a secret stays where it was
    accepted(text, [("    client_id: notebooks\n", "    client_id: notebooks\n    client_secret_file: ./secret.txt\n    "
                     "issuer: https://sso.univ.example\n")])


def workshop():
    made, advice, text = translated("workshop.yaml")
    assert made["spawners"] == {"cluster": {"type": "kubernetes", "memory": "1024MiB", "memory_guarantee": "512MiB", "cpu": 1.5}}
    assert made["access"] == {"allow": "all", "admins": {"users": ["teacher"]}} and "cull" not in made
    assert made["profiles"][0]["container"]["image"] == "quay.io/jupyter/scipy-notebook:2026-01-05"
    assert made["public_url"] == "https://workshop.example.org"
    told(advice, "workshop.yaml", "hub.config.DummyAuthenticator.password", "DummyAuthenticator", "password.txt")
    told(advice, "workshop.yaml", "ingress.ingressClassName", "ingressClassName", "docker/chart")
    assert "a word for the room" not in text
    accepted(text)


def shared_claim():
    name = "shared-claim.yaml"
    made, advice, text = translated(name)
    assert "storage" not in made["spawners"]["cluster"] and made["cull"] == [{"match": {"idle": "3600s"}}]
    assert made["public_url"] == "https://notebooks.example.org/jupyter"
    assert made["authenticators"]["login"]["type"] == "ldap" and made["services"]["grader"]["api_token_file"] == "./grader.token"
    for path, line in [("singleuser.storage.static", "static:"), ("singleuser.cmd", "cmd:"), ("singleuser.initContainers", "initContainers"),
                       ("singleuser.extraPodConfig", "extraPodConfig"), ("singleuser.somethingNew", "somethingNew"),
                       ("LDAPAuthenticator.lookup_dn", "lookup_dn")]:
        told(advice, name, path, line)
    assert "0123456789abcdef" not in text
    accepted(text, [("uri: \"ldaps://ldap.example.org\"", "uri: \"ldaps://ldap.school.example\"\n    user_dn: \"uid={username},dc=school\"")])


def refused():
    done = run("import-z2jh", os.path.join(DATA, "broken.yaml"))
    assert done.returncode == 1 and re.search(r"values:\d+:", done.stderr), done.stderr
    assert run("import-z2jh", "/no/such/file").returncode == 1
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        for text in ("- a\n", "a: &a [*a]\n", "hub: 1\nhub: 2\n", "a: {b: " * 2000):
            file.seek(0)
            file.truncate()
            file.write(text)
            file.flush()
            assert run("import-z2jh", file.name).returncode == 1, text[:60]
    help_text = run("import-z2jh", "--help").stdout
    assert "VALUES" in help_text, help_text
    assert "import-z2jh" in run("completion", "bash").stdout


def odd_values():
    """Keys of the wrong kind are told or left out; nothing breaks."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("hub: 3\nsingleuser:\n  image: text\n  memory: {limit: lots}\n  cpu: {limit: many}\n  profileList: 4\n  storage: dynamic\n"
                   "  extraEnv: [a]\ncull: {timeout: [1]}\nproxy: {https: {hosts: x}}\n")
        file.flush()
        done = run("import-z2jh", file.name)
    assert done.returncode == 0 and "line 4, singleuser.memory.limit: is no size" in done.stdout, done.stdout + done.stderr
    assert "line 5, singleuser.cpu.limit" in done.stdout and "line 3, singleuser.image" in done.stdout, done.stdout


for story in (university, workshop, shared_claim, refused, odd_values):
    print(story.__name__, flush=True)
    story()
