"""`passerelle import-jupyterhub`: the database of a real JupyterHub 3.0.0 (Debian's), and configuration files as people write them. A token
of the old hub works on ours, with its scopes; nothing of the configuration is executed."""

import os
import sqlite3
import subprocess
import sys
import tempfile

import yaml

sys.path.insert(0, "tests/drivers")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "hub_contract"))
import hubs  # noqa: E402
from gateway import PROGRAM, Gateway, Person, Program  # noqa: E402

ROLE = """
c.JupyterHub.load_roles = [{{"name": "admin", "services": ["setup"]}},
                           {{"name": "graders", "scopes": ["read:users!group=crew"], "groups": ["crew"]}}]
"""
TRAITS = '''
import os, sys
c = get_config()
open("{canary}", "w").write("executed")                # line 4
os.system("touch {canary}")
c.JupyterHub.bind_url = "http://:8000/jupyter"
c.JupyterHub.authenticator_class = "oauthenticator.generic.GenericOAuthenticator"
c.GenericOAuthenticator.client_id = "hub"
c.GenericOAuthenticator.username_claim = "preferred_username"
c.Authenticator.admin_users = {{"teacher"}}
c.Authenticator.allowed_users = set(["alice", "bob"])
c.Authenticator.allowed_users.update({{"carla"}})
MEMORY = "2G"
c.DockerSpawner.mem_limit = MEMORY
c.JupyterHub.spawner_class = "dockerspawner.DockerSpawner"
c.DockerSpawner.image = "quay.io/jupyter/base-notebook:2024-01-01"
c.Spawner.default_url = "/lab"
c.Spawner.environment = {{"GRANT": "x", "N": 3}}
c.Spawner.start_timeout = 5 * 60
c.JupyterHub.services = [{{"name": "culler", "command": [sys.executable, "-m", "jupyterhub_idle_culler"]}}]
c.JupyterHub.services = [{{"name": "culler", "admin": True, "command": ["jupyterhub-idle-culler", "--timeout=3600"]}}]
c.JupyterHub.load_groups = {{"crew": {{"users": ["alice"], "properties": {{}}}}}}
c.JupyterHub.concurrent_spawn_limit = 20
def hook(spawner): pass
c.Spawner.pre_spawn_hook = hook
c.KubeSpawner.profile_list = make_profiles()
c.JupyterHub.db_url = "sqlite:///x"
c.Spawner.some_thing_new = 3
if os.environ.get("X"): c.JupyterHub.port = 1
'''


def run(*arguments):
    done = subprocess.run([PROGRAM, "import-jupyterhub", *arguments], capture_output=True, text=True, timeout=120,
                          cwd=tempfile.gettempdir())
    return done.returncode, done.stdout, done.stderr


def a_real_hub(folder):
    """Its database, and the tokens that it gave."""
    hubs.CONFIG += ROLE
    path = os.path.join(folder, "jupyterhub.sqlite")
    with hubs.JupyterHub() as old:
        old.api("POST", "/users", {"usernames": ["Élodie.m@univ.example"]})
        old.api("POST", "/users/alice/servers/second", {"profile": "light", "cores": ["4"]})
        old.wait("ready alice/second")
        old.api("DELETE", "/users/alice/servers/second")
        old.wait("stopped alice/second")
        old.api("POST", "/users/alice/server")
        old.wait("ready alice/")
        revoked = old.api("POST", "/users/bob/tokens", {"note": "revoked"}, old.tokens["bob"])
        old.api("DELETE", f"/users/bob/tokens/{revoked['id']}", None, old.tokens["bob"])
        over = old.api("POST", "/users/bob/tokens", {"note": "over", "expires_in": 1}, old.tokens["bob"])
        source, target = sqlite3.connect(os.path.join(old.folder, "hub.sqlite")), sqlite3.connect(path)
        source.backup(target)
        target.close()
        source.close()
        return path, {**old.tokens, "revoked": revoked["token"], "over": over["token"]}


def people(path, tokens):
    gateway = Gateway(profiles={"light": {"command": [hubs.TEST_SERVER, "serve"], "form": {
        "cores": {"type": "integer", "default": 1, "minimum": 1, "maximum": 8}}}})
    with open(gateway.config) as file:
        text = file.read()
    with open(gateway.config, "w") as file:
        file.write(text.replace("allow: {groups: [room]}", "allow: all"))
    code, out, err = run(path, "--config", gateway.config)
    assert code == 0, err
    assert "taken over: 4 users (1 administrators), 1 groups" in err, err
    assert "server alice/ runs" in err and "lodie" in err, err
    roles = yaml.safe_load(out)["roles"]
    assert roles == {"graders": {"scopes": ["read:users!group=crew"], "groups": ["crew"]}}, roles
    code, _, again = run(path, "--config", gateway.config)
    assert code == 0 and "taken over: 0 users (0 administrators), 0 groups, 0 servers, 0 tokens" in again, again
    with gateway:
        alice = Program(gateway, tokens["alice"])
        me = alice.request("GET", "/hub/api/user").json()
        assert me["name"] == "alice" and me["groups"] == ["crew"] and me["admin"] is False, me
        assert alice.request("GET", "/hub/api/users").status == 403
        reader = Program(gateway, tokens["reader"])
        assert reader.request("GET", "/hub/api/user").json()["name"] == "alice"
        assert reader.request("POST", "/hub/api/users/alice/server").status == 403
        hubs.wait_until("the short one is over", lambda: Program(gateway, tokens["over"]).request("GET", "/hub/api/user").status == 403)
        for bad in (tokens["revoked"], tokens["over"], tokens["wrong"], tokens["alice"][:-1] + "x", tokens["alice"] + "x",
                    tokens["alice"][:4], ""):
            assert Program(gateway, bad).request("GET", "/hub/api/user").status == 403, bad
        # The named server starts with the options it had.
        servers = alice.request("GET", "/hub/api/users/alice?include_stopped_servers=1").json()["servers"]
        assert servers["second"]["user_options"] == {"profile": "light", "values": {"cores": "4"}}, servers
        assert alice.request("POST", "/hub/api/users/alice/servers/second").status in (201, 202)
        hubs.wait_until("it runs", lambda: alice.request("GET", "/hub/api/users/alice/servers/second").json()["ready"])
        assert alice.request("GET", "/user/alice/second/").status == 200
        # Listed, revoked as any other; and gone after a restart.
        listed = alice.request("GET", "/hub/api/users/alice/tokens").json()["api_tokens"]
        assert len(listed) == 2, listed
        person = Person(gateway, "alice").sign_in()
        assert person.api("DELETE", f"/users/alice/tokens/{[t for t in listed if t['scopes'] != ['inherit']][0]['id']}").status == 204
        assert reader.request("GET", "/hub/api/user").status == 403
        code, _, err = run(path, "--config", gateway.config)
        assert code == 1 and "the gateway is running" in err, err
        gateway.kill()
        gateway.start()
        assert reader.request("GET", "/hub/api/user").status == 403
        assert alice.request("GET", "/hub/api/user").status == 200
        teacher = Person(gateway, "teacher").sign_in()
        names = {u["name"]: u for u in teacher.api("GET", "/users").json()}
        assert names["teacher"]["admin"] and not names["alice"]["admin"], names
        assert teacher.api("PUT", "/users/alice/block").status < 300
        assert alice.request("GET", "/hub/api/user").status == 403
        assert teacher.api("DELETE", "/users/alice/block").status < 300
        assert alice.request("GET", "/hub/api/user").status == 200


def configuration(path, folder):
    canary = os.path.join(folder, "canary")
    file = os.path.join(folder, "jupyterhub_config.py")
    with open(file, "w") as out:
        out.write(TRAITS.format(canary=canary))
    code, out, err = run(path, file)
    assert code == 0, err
    assert not os.path.exists(canary), "the configuration was executed"
    told = yaml.safe_load(out)
    assert told["listen"]["http"] == "0.0.0.0:8000", told
    assert told["authenticators"]["login"] == {"type": "oidc", "client_id": "hub", "username_claim": "preferred_username"}, told
    assert told["access"] == {"allow": {"users": ["alice", "bob", "carla"]}, "admins": {"users": ["teacher"]}}, told["access"]
    assert told["spawners"]["here"]["type"] == "docker", told
    (profile,) = told["profiles"]
    assert profile["memory"] == "2GiB" and profile["default_url"] == "lab" and profile["start_timeout"] == "300s", profile
    assert profile["environment"] == {"GRANT": "x", "N": "3"} and profile["image"].startswith("quay.io/"), profile
    assert told["services"] == {"culler": {"command": ["jupyterhub-idle-culler", "--timeout=3600"], "admin": True}}, told["services"]
    assert told["groups"] == {"crew": {"users": ["alice"]}} and told["limits"] == {"launches_in_flight": 20}
    notes = [line for line in out.splitlines() if line.startswith("# ")]
    for part in ("line 4:", "line 5:", "pre_spawn_hook", "profile_list", "Spawner.some_thing_new: has no counterpart", "it depends",
                 "public_url: write the address", "line 20:"):
        assert any(part in note for note in notes), (part, notes)
    # What is no Python, is too large, or never ends is refused.
    for text in ("c.JupyterHub.port = (", "x = " + "(" * 100_000, "#" * (1 << 20) + "\nx"):
        with open(file, "w") as out:
            out.write(text)
        code, _, err = run(path, file)
        assert code == 1 and file in err, (code, err[:300])
    code, _, err = run(file)
    assert code == 1 and "jupyterhub_config.py" in err, err
    assert run(os.path.join(folder, "none.sqlite"))[0] == 1


def plain_hub(path, folder):
    """What comes out for a simple hub is a configuration that `check-config` takes."""
    file = os.path.join(folder, "simple.py")
    with open(file, "w") as out:
        out.write('c.JupyterHub.ip = "127.0.0.1"\nc.JupyterHub.port = 9000\nc.Authenticator.admin_users = {"root"}\n'
                  'c.Authenticator.allow_all = True\nc.Spawner.cmd = "jupyter-labhub"\nc.Spawner.args = ["--debug"]\n'
                  'c.Spawner.mem_limit = 1073741824\nc.Spawner.cpu_limit = 1.5\nc.JupyterHub.cookie_max_age_days = 7\n'
                  'c.JupyterHub.allow_named_servers = True\nc.JupyterHub.named_server_limit_per_user = 3\n'
                  'c.JupyterHub.cleanup_servers = True\n')
    code, out, err = run(path, file)
    assert code == 0, err
    told = yaml.safe_load(out)
    assert told["listen"]["http"] == "127.0.0.1:9000" and told["access"]["allow"] == "all", told
    assert told["profiles"][0]["command"] == ["jupyter-labhub", "--debug"] and told["profiles"][0]["memory"] == "1024MiB"
    config = os.path.join(folder, "passerelle.yaml")
    with open(config, "w") as file:
        file.write(out.replace("/var/lib/passerelle", os.path.join(folder, "data")))
    done = subprocess.run([PROGRAM, "check-config", config], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (done.stdout, done.stderr, out)


def main():
    with tempfile.TemporaryDirectory(prefix="passerelle-import-") as folder:
        path, tokens = a_real_hub(folder)
        configuration(path, folder)
        plain_hub(path, folder)
        people(path, tokens)
    print("ok")


if __name__ == "__main__":
    main()
