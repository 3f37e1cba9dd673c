"""Runs JupyterHub 3.0.0's own tests, as Debian ships them, against the gateway (see adapter.py). Those that apply pass, or their
failure has its reason in tests/data/upstream/reasons.json; a reason without a failure is one too many, and docs/compatibility.md
holds the table that --table prints.

upstream_test.py [--all | --table] [PYTEST OPTIONS]   --all: prints what became of every test, and fails on none"""

import collections
import fnmatch
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "drivers"))
from gateway import PASSWORD, Gateway, Person  # noqa: E402

REASONS = "tests/data/upstream/reasons.json"
# The others' tests (the proxy, counters, the singleuser server, the database) are of JupyterHub's own classes.
FILES = ["api", "pages", "named_servers", "auth_expiry", "services", "services_auth", "scopes", "roles"]


def run(gateway, token, options):
    with tempfile.NamedTemporaryFile(prefix="passerelle-upstream-") as results:
        run = subprocess.run(
            ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "adapter", "--noconftest", "-p", "no:cacheprovider", "-W", "ignore",
             "-o", "asyncio_mode=auto", "--pyargs", *["jupyterhub.tests.test_" + name for name in FILES], *options],
            cwd=gateway.folder, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": HERE, "PYTHONDONTWRITEBYTECODE": "1", "HUB_PORT": str(gateway.port), "HUB_TOKEN": token,
                 "HUB_PASSWORD": PASSWORD, "HUB_RESULTS": results.name})
        try:
            return json.load(results), run.stdout
        except json.JSONDecodeError:
            sys.exit(run.stdout[-8000:] + run.stderr[-4000:])


def reason_of(name, reasons):
    return next((entry for entry in reasons if any(fnmatch.fnmatchcase(name, wild) for wild in entry["tests"])), None)


def table():
    with open(REASONS) as file:
        reasons = json.load(file)
    lines = ["| Tests | Here | Why |", "|---|---|---|"]
    for entry in reasons:
        tests = ", ".join("`" + test + "`" for test in entry["tests"])
        lines.append(f"| {tests} | {entry['here']} | {entry['why']} |")
    return "\n".join(lines) + "\n"


def main():
    if "--table" in sys.argv:
        print(table(), end="")
        return
    everything = "--all" in sys.argv
    gateway = Gateway(extra="limits: {servers_per_user: 3}\n")
    with open(gateway.config) as file:
        config = file.read()
    with open(gateway.config, "w") as file:
        for ours, theirs in [("room:teacher", "room:admin"), (", groups: [room]", ""), ("allow: {groups: [room]}", "allow: all")]:
            assert ours in config, ours
            config = config.replace(ours, theirs)
        file.write(config)
    with gateway:
        # The two people that JupyterHub's own tests begin with.
        admin = Person(gateway, "admin").sign_in()
        Person(gateway, "user").sign_in()
        results, output = run(gateway, admin.token(), [option for option in sys.argv[1:] if option != "--all"])
    counts = collections.Counter(outcome for outcome, _ in results.values())
    said = f"{len(results)} tests: {counts['passed']} passed of {counts['passed'] + counts['failed']} that apply, " \
           f"{counts['skipped']} reach into JupyterHub's own process"
    if everything:
        print(output)
        print(json.dumps(results, indent=1))
        print(said)
        return
    with open(REASONS) as file:
        reasons = json.load(file)
    failed = {name: why for name, (outcome, why) in results.items() if outcome == "failed"}
    without = {name: why for name, why in failed.items() if not reason_of(name, reasons)}
    gone = [wild for entry in reasons for wild in entry["tests"] if not fnmatch.filter(failed, wild)]
    print(said)
    assert not without, "failures without a reason:\n" + json.dumps(without, indent=1) + output[-6000:]
    assert not gone, f"reasons for what passes by now: {gone}"
    assert counts["passed"] >= 55, said
    with open("docs/compatibility.md") as file:
        assert table() in file.read(), "docs/compatibility.md: the table is not that of --table"


main()
