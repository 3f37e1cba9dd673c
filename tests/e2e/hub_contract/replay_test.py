"""The same requests (requests_table.py) to Debian's JupyterHub 3.0.0 and to the gateway: statuses, kinds of answer, where redirects
lead, and which cookies come must agree, and every key of its JSON must be in ours, but for what
tests/data/hub_contract/differences.json gives a reason for. A difference without a reason fails, so does a reason without a
difference, and docs/compatibility.md must hold the table that --table prints.

replay_test.py [--show NAME] [--all | --table]   --show: both answers to that step; --all: prints every difference as JSON and
fails on none
"""

import json
import os
import re
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import requests_table  # noqa: E402
from hubs import JupyterHub, Ours  # noqa: E402

REASONS = "tests/data/hub_contract/differences.json"


def shape(value, depth=0):
    """What stays when names, numbers and times are taken away."""
    if isinstance(value, dict):
        # Maps by name (servers, services, routes) have keys that are data.
        return {key: shape(item, depth + 1) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0], depth + 1)] if value and isinstance(value[0], (dict, list)) else "list"
    return "value"


def kind_of(answer):
    kind = answer.header("content-type").split(";")[0]
    if not answer.body:
        return "empty"
    return {"application/json": "json", "application/jupyterhub-pagination+json": "json", "application/problem+json": "json",
            "text/html": "page", "text/event-stream": "events"}.get(kind, kind)


def place(answer):
    """Where it leads: without the host, and without what is random."""
    location = answer.header("location")
    if not location:
        return ""
    parts = urllib.parse.urlsplit(location)
    query = re.sub(r"(state|code|_xsrf)=[^&]*", r"\1=*", parts.query)
    host = "" if parts.hostname in (None, "127.0.0.1") else f"//{parts.netloc}"
    return host + parts.path + ("?" + query if query else "")


def cookies(answer):
    """How many are set, and how they may be used. Names are each hub's own."""
    found = []
    for name, value in answer.headers:
        if name.lower() == "set-cookie":
            attributes = {word.strip().split("=")[0].lower() for word in value.split(";")[1:]}
            found.append("http-only" if "httponly" in attributes else "for scripts")
    return sorted(found)


def record(answer, with_cookies):
    kind = kind_of(answer)
    seen = {"status": {303: 302}.get(answer.status, answer.status), "kind": kind, "location": place(answer)}
    if kind == "json":
        try:
            content = json.loads(answer.body)
        except ValueError:
            content = "broken"
        seen["keys"] = shape(content) if answer.status < 400 else sorted(set(content) & {"status", "message"}) if isinstance(content, dict) else "none"
    if with_cookies:
        seen["cookies"] = cookies(answer)
    return seen


def play(side):
    seen = {}
    for step in requests_table.whole():
        if step.wait:
            try:
                side.wait(step.wait)
            except AssertionError as error:
                seen[step.name] = {"status": f"never: {error}"}
                continue
        path = step.path.format(**side.captured) if "{" in step.path else step.path
        body = step.raw.format(**side.captured) if step.raw and step.headers is requests_table.FORM else step.raw
        if not body and step.body is not None:
            body = json.dumps(step.body)
        browsing = step.who in ("nobody", "browser") and not path.startswith("/hub/api")
        headers = {"Accept": "text/html" if browsing else "application/json", **step.headers}
        if step.method != "GET" and "Content-Type" not in headers:
            headers["Content-Type"] = "application/json"
        token = side.tokens.get(step.who) or side.captured.get(step.who)
        answer = side.ask(step.method, path, body or None, headers, token, side.cookies if step.who == "browser" else None)
        seen[step.name] = record(answer, step.who in ("nobody", "browser") and browsing)
        if SHOW == step.name:
            print(f"--- {side.name}: {answer.status} {answer.headers}\n{answer.text[:3000]}")
        if answer.status < 300:
            for name, key in step.capture.items():
                side.captured[name] = answer.json()[key]
    return seen


def holds(mine, their):
    """Whether all their keys are in ours: newer versions have more."""
    if isinstance(their, dict):
        return isinstance(mine, dict) and all(key in mine and holds(mine[key], item) for key, item in their.items())
    if isinstance(their, list) and their and isinstance(mine, list) and mine and isinstance(their[0], dict):
        return holds(mine[0], their[0])
    return their == mine or {str(their), str(mine)} <= {"list", "value"} or their in ("list", "value", []) or their is None


def differences(theirs, ours):
    found = {}
    for name, their in theirs.items():
        mine = ours[name]
        wrong = {key: [their.get(key), mine.get(key)] for key in sorted({*their, *mine})
                 if not (holds(mine.get(key), their.get(key)) if key == "keys" else their.get(key) == mine.get(key))}
        if wrong:
            found[name] = wrong
    return found


SHOW = sys.argv[sys.argv.index("--show") + 1] if "--show" in sys.argv else ""


def read_reasons():
    with open(REASONS) as file:
        return json.load(file)


def table():
    rows = ["| what differs | why | |", "|---|---|---|"]
    for entry in read_reasons():
        steps = entry["steps"]
        some = ", ".join(f"`{step}`" for step in steps[:2]) + (f" and {len(steps) - 2} more" if len(steps) > 2 else "")
        rows.append(f"| {entry['what']}: {some} | {entry['why']} | {entry['kind']} |")
    return "\n".join(rows) + "\n"


def main():
    if "--table" in sys.argv:
        print(table(), end="")
        return
    with JupyterHub() as hub:
        theirs = play(hub)
    with Ours() as gateway:
        ours = play(gateway)
    found = differences(theirs, ours)
    if "--all" in sys.argv:
        print(json.dumps(found, indent=1, sort_keys=True))
        print(f"{len(theirs)} requests, {len(found)} differ", file=sys.stderr)
        return
    reasons = {name: entry for entry in read_reasons() for name in entry["steps"]}
    without = {name: wrong for name, wrong in found.items() if name not in reasons}
    gone = sorted(set(reasons) - set(found))
    assert not without, "differences without a reason:\n" + json.dumps(without, indent=1)
    assert not gone, f"reasons for what is the same by now: {gone}"
    with open("docs/compatibility.md") as file:
        assert table() in file.read(), "docs/compatibility.md: the table is not that of --table"
    print(f"{len(theirs)} requests, {len(found)} differ, each with its reason")


main()
