"""What an operator sees of the running gateway: `status`, /hub/metrics and the log, while a person works. None of it
shows a secret, wherever one was put."""

import json
import os
import re
import stat
import subprocess
import sys

sys.path.insert(0, "tests/drivers")
from gateway import PASSWORD, PROGRAM, Gateway, Person, Program, raw_websocket, wait_until  # noqa: E402

CANARY = "canary-7f3a91c2"


def status(gateway, *options):
    done = subprocess.run([PROGRAM, "status", "--data-dir", gateway.data, *options], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def see_status(gateway, alice):
    socket_path = os.path.join(gateway.data, "control.sock")
    assert stat.S_IMODE(os.stat(socket_path).st_mode) == 0o600
    assert "running" in status(gateway)
    tunnel, code = raw_websocket(gateway, "/user/alice/echo?token=" + CANARY, [f"Cookie: {alice.cookie_header()}"])

    def seen():
        report = json.loads(status(gateway, "--proxy", "--json"))
        states = [c["state"] for c in report["connections"]]
        return report if code != 101 or "tunnel" in states else None
    report = wait_until("the tunnel is shown", seen)
    assert report["servers"]["running"] == 1, report["servers"]
    assert [r["prefix"] for r in report["routes"]] == ["/user/alice/"], report["routes"]
    assert report["proxy"]["requests"] > 5
    if code == 101:
        live = next(c for c in report["connections"] if c["state"] == "tunnel")
        assert live["path"] == "/user/alice/echo" and live["peer"] == "127.0.0.1", live
    text = status(gateway, "--proxy")
    assert "/user/alice/" in text and "forwarded" in text, text
    tunnel.close()
    print(f"status: {len(text.splitlines())} lines; WebSocket answered {code}")


# JupyterHub's families: kind, labels (of each sample, without `le`), and values of labels that are there from the start.
S, F = "success", "failure"
JUPYTERHUB = {
    "jupyterhub_request_duration_seconds": ("histogram", {"method", "handler", "code"}, {}),
    "jupyterhub_server_spawn_duration_seconds": ("histogram", {"status", "reason"}, {
        "status": {S, F, "error"}, "reason": {"throttled", "too-many-users", "already-pending"}}),
    "jupyterhub_running_servers": ("gauge", set(), {}),
    "jupyterhub_total_users": ("gauge", set(), {}),
    "jupyterhub_active_users": ("gauge", {"period"}, {"period": {"24h", "7d", "30d"}}),
    "jupyterhub_check_routes_duration_seconds": ("histogram", set(), {}),
    "jupyterhub_hub_startup_duration_seconds": ("histogram", set(), {}),
    "jupyterhub_init_spawners_duration_seconds": ("histogram", set(), {}),
    "jupyterhub_proxy_poll_duration_seconds": ("histogram", set(), {}),
    "jupyterhub_login_duration_seconds": ("histogram", {"status"}, {"status": {S, F}}),
    "jupyterhub_logout_duration_seconds": ("histogram", set(), {}),
    "jupyterhub_csp_reports_total": ("counter", set(), {}),
    "jupyterhub_proxy_add_duration_seconds": ("histogram", {"status"}, {"status": {S, F}}),
    "jupyterhub_server_poll_duration_seconds": ("histogram", {"status"}, {"status": {"running", "stopped"}}),
    "jupyterhub_server_stop_seconds": ("histogram", {"status"}, {"status": {S, F}}),
    "jupyterhub_proxy_delete_duration_seconds": ("histogram", {"status"}, {"status": {S, F}}),
}
SPAWN_BOUNDS = ["0.5", "1", "2.5", "5", "10", "15", "30", "60", "120", "180", "300", "600", "+Inf"]
# What the hub's own panels of jupyterhub/grafana-dashboards select: series, and matchers on their labels that must leave some.
DASHBOARDS = [
    ("jupyterhub_running_servers", {}),
    ("jupyterhub_active_users", {"period": lambda v: v == "24h"}),
    ("jupyterhub_active_users", {"period": lambda v: v == "7d"}),
    ("jupyterhub_active_users", {"period": lambda v: v == "30d"}),
    ("jupyterhub_request_duration_seconds_bucket",
     {"handler": lambda v: v != "jupyterhub.apihandlers.users.SpawnProgressAPIHandler", "le": bool}),
    ("jupyterhub_request_duration_seconds_count", {"code": bool}),
    ("jupyterhub_server_spawn_duration_seconds_bucket", {"le": bool}),
    ("jupyterhub_server_spawn_duration_seconds_count", {"status": lambda v: v != "success"}),
]


def samples_of(text):
    """[(name, {label: value}, number)] of everything that is told."""
    found = []
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
        found.append((name, dict(re.findall(r'(\w+)="([^"]*)"', labels or "")), float(value)))
    return found


def as_jupyterhub(text):
    kinds = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE"))
    told = samples_of(text)
    for name, (kind, labels, from_start) in JUPYTERHUB.items():
        assert kinds.get(name) == kind, (name, kinds.get(name))
        mine = [one for one in told if one[0] == name or (kind == "histogram" and one[0] in
                                                          (name + "_bucket", name + "_sum", name + "_count"))]
        assert mine, name
        for series, has, _ in mine:
            assert set(has) - {"le"} <= labels, (series, has)
        for label, values in from_start.items():
            assert values <= {has.get(label) for _, has, _ in mine}, (name, label)
    bounds = [has["le"] for name, has, _ in told if name == "jupyterhub_server_spawn_duration_seconds_bucket"
              and has["status"] == "success"]
    assert bounds == SPAWN_BOUNDS, bounds
    for series, matchers in DASHBOARDS:
        fits = [has for name, has, _ in told if name == series and all(label in has and good(has[label])
                                                                       for label, good in matchers.items())]
        assert fits, (series, matchers)


def see_metrics(gateway, alice, teacher):
    assert Person(gateway, "nobody").get("/hub/metrics").status == 403
    assert alice.get("/hub/metrics").status == 403
    token = teacher.token(scopes=["read:metrics"])
    answer = Program(gateway, token).request("GET", "/hub/metrics")
    assert answer.status == 200, answer.status
    assert answer.header("content-type").startswith("text/plain; version=0.0.4"), answer.headers
    values = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    assert values["jupyterhub_running_servers"] == "1"
    assert values["jupyterhub_total_users"] == "2"
    assert values['jupyterhub_active_users{period="24h"}'] == "2"
    assert values['jupyterhub_server_spawn_duration_seconds_count{status="success"}'] == "1"
    assert values['jupyterhub_server_spawn_duration_seconds_count{status="failure"}'] == "0"
    assert float(values["requests_web"]) >= 1
    as_jupyterhub(answer.text)
    assert values['jupyterhub_login_duration_seconds_count{status="success"}'] == "2"
    assert values['jupyterhub_proxy_add_duration_seconds_count{status="success"}'] == "1"
    assert values["jupyterhub_hub_startup_duration_seconds_count"] == "1"
    alice.request("POST", "/hub/security/csp-report", "{}")
    again = Program(gateway, token).request("GET", "/hub/metrics").text
    assert "\njupyterhub_csp_reports_total 1\n" in again
    assert float(values["passerelle_proxy_request_duration_seconds_count"]) >= 1
    assert float(values["process_resident_memory_bytes"]) > 1 << 20
    families = [line.split()[2] for line in answer.text.splitlines() if line.startswith("# TYPE")]
    assert len(families) == len(set(families)), families
    for name in values:
        assert name.split("{")[0].removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") in families, name
    assert "alice" not in answer.text and "teacher" not in answer.text
    print(f"metrics: {len(families)} families, {len(values)} samples")
    return answer.text


def plant(gateway, alice):
    """A secret at every place where one can come in."""
    alice.get(f"/hub/login?next=/hub/home&token={CANARY}-1")
    alice.get(f"/user/alice/?token={CANARY}-2", headers={"Referer": f"http://127.0.0.1/?token={CANARY}-3"})
    alice.get("/user/alice/", headers={"Authorization": f"token {CANARY}-4"})
    alice.get("/hub/home", headers={"Cookie": f"passerelle-session={CANARY}-5; other={CANARY}-6"})
    alice.get("/hub/home", headers={"X-XSRFToken": f"{CANARY}-7", "Sec-WebSocket-Protocol": f"{CANARY}-8"})
    alice.get(f"/user/nobody/?code={CANARY}-9&state={CANARY}-10")
    stranger = Person(gateway, "alice")
    stranger.get("/hub/login")
    stranger.post("/hub/auth/room/login", username="alice", password=f"{CANARY}-11")
    alice.request("POST", f"/hub/api/users/alice/tokens?token={CANARY}-12", json.dumps({"note": "x", "scopes": [f"{CANARY}"]}),
                  {"Authorization": f"token {CANARY}-13"})
    alice.request("GET", "/hub/api/user", headers={"Authorization": f"Bearer {CANARY}-14"})


def main():
    with Gateway() as gateway:
        alice, teacher = Person(gateway, "alice").sign_in(), Person(gateway, "teacher").sign_in()
        alice.launch()
        alice.wait_ready()
        assert alice.get("/user/alice/").status < 500
        see_status(gateway, alice)
        plant(gateway, alice)
        metrics = see_metrics(gateway, alice, teacher)
        report = status(gateway, "--proxy", "--json")
        page = alice.get("/hub/nothing-here", headers={"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
        assert page.status == 404 and "4bf92f3577b34da6a3ce929d0e0e4736" in page.text
        wait_until("the request is in the log", lambda: '"trace":"4bf92f3577b34da6a3ce929d0e0e4736"' in gateway.log())
        for secret in [CANARY, PASSWORD, *alice.cookies.values(), *teacher.cookies.values()]:
            if len(secret) < 12:
                continue
            for name, text in (("log", gateway.log()), ("metrics", metrics), ("status", report)):
                assert secret not in text, f"{name} shows {secret}: " + next(l for l in text.splitlines() if secret in l)
        data = gateway.data
    done = subprocess.run([PROGRAM, "status", "--data-dir", data], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "passerelle:" in done.stderr, done
    print("no secret was seen")


main()
