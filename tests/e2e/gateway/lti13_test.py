"""LTI 1.3 through the real gateway, beside a platform that is not our code (tests/peers/lti): login, launch, notebook,
a score that arrives; LTI 1.1 outcomes with a verified body hash; scores that wait for a platform that is down, over a
restart, newest wins; what a teacher picks; who may give grades."""

import html
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from oauthlib.oauth1 import SIGNATURE_TYPE_BODY, Client

sys.path.insert(0, "tests/drivers")
sys.path.insert(0, "tests/peers/lti")
from gateway import PROGRAM, Gateway, Person, wait_until  # noqa: E402
from platform_peer import Platform  # noqa: E402

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://courses.example.org",
        "Sec-Fetch-Site": "cross-site"}
AUTHENTICATORS = ("  moodle: {type: lti13, platforms: ./platforms.yaml, groups: [room]}\n"
                  "  edx: {type: lti11, consumers: ./consumers.yaml, groups: [room]}\n")


def put(gateway, name, text):
    path = os.path.join(gateway.folder, name)
    with open(path + ".new", "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
        file.write(text)
    os.rename(path + ".new", path)


def registration(platform):
    return {"issuer": platform.issuer, "client_id": "hub", "auth_url": platform.issuer + "/auth",
            "token_url": platform.issuer + "/token", "jwks_url": platform.issuer + "/jwks", "deployments": ["1"],
            "frame_origins": ["https://courses.example.org"]}


def prepare(platform, mute):
    gateway = Gateway(authenticators=AUTHENTICATORS)
    put(gateway, "platforms.yaml", json.dumps({
        "another": {**registration(platform), "client_id": "another"},  # two registrations of one issuer
        "campus": registration(platform), "mute": registration(mute)}))
    put(gateway, "consumers.yaml", json.dumps({"key": {
        "secret": "shared", "outcome_hosts": [f"127.0.0.1:{platform.port}"]}}))
    return gateway


def path_of(url):
    parts = urllib.parse.urlsplit(url)
    return parts.path + ("?" + parts.query if parts.query else "")


def begin(gateway, platform, person):
    """The address at the platform that the browser is sent to."""
    origin = f"http://127.0.0.1:{gateway.port}"
    platform.tool = origin + "/hub/lti13/jwks.json"
    platform.redirects = {origin + "/hub/lti13/oauth_callback"}
    fields = urllib.parse.urlencode(platform.initiation(origin + "/hub/"))
    answer = person.request("POST", "/hub/lti13/oauth_login", fields, FORM)
    assert answer.status == 303, (answer.status, answer.text[:1500])
    return answer.header("location")


def launch(gateway, platform, **options):
    person = Person(gateway, "")
    url, form = platform.authorize(begin(gateway, platform, person), **options)
    answer = person.request("POST", path_of(url), urllib.parse.urlencode(form), FORM)
    person.form = (path_of(url), form)
    return person, answer


def signed_in(person, answer):
    assert answer.status == 303, (answer.status, answer.text[:1500])
    location = answer.header("location")
    for _ in range(6):
        page = person.get(location)
        if page.status != 303:
            break
        location = page.header("location")
    person.landed = location
    person.get("/hub/home")
    person.name = person.api("GET", "/user").json()["name"]
    return person


def code_of(answer):
    found = re.search(r"LTI-[A-Z]+", answer.text)
    return found.group(0) if found else ""


def one_click_opens_a_server(gateway, platform):
    person = signed_in(*launch(gateway, platform))
    assert person.landed.startswith(("/hub/spawn-pending/", "/user/")), person.landed
    person.wait_ready()
    groups = person.api("GET", "/user").json()["groups"]
    assert "lti/campus/c1/learner" in groups, groups
    path, form = person.form
    again = person.request("POST", path, urllib.parse.urlencode(form), FORM)
    assert code_of(again) in ("LTI-REPLAY", ""), again.text  # the cookie has gone: a tab, or a replay
    assert again.status in (200, 403)
    # Two activities on one page: both launches stand, whichever comes back first.
    shared = Person(gateway, "")
    first, second = begin(gateway, platform, shared), begin(gateway, platform, shared)
    for url in (second, first):
        address, fields = platform.authorize(url, user="6")
        answer = shared.request("POST", path_of(address), urllib.parse.urlencode(fields), FORM)
        assert answer.status == 303, (answer.status, code_of(answer))
    # No cookie: one click opens a tab that begins again.
    blocked = Person(gateway, "")
    url = begin(gateway, platform, blocked)
    blocked.cookies.clear()
    address, fields = platform.authorize(url)
    page = blocked.request("POST", path_of(address), urllib.parse.urlencode(fields), FORM)
    link = re.search(r'href="([^"]*oauth_login[^"]*)" target="_blank"', page.text)
    assert page.status == 200 and link, page.text
    tab = blocked.get(html.unescape(link.group(1)))
    assert tab.status == 303 and tab.header("location").startswith(platform.issuer + "/auth?"), tab.status
    # The way to the server is the launching browser's. Sent to somebody else as a link, it would sign them in as the sender.
    sender, answer = launch(gateway, platform)
    ready = answer.header("location")
    assert ready.startswith("/hub/lti/ready?ticket="), ready
    victim = Person(gateway, "").request("GET", ready, None, {"Sec-Fetch-Dest": "document"})
    assert victim.status == 403 and code_of(victim) == "LTI-TICKET" and "lti/continue" not in victim.text, victim.text
    framed = Person(gateway, "").request("GET", ready, None, {"Sec-Fetch-Dest": "iframe"})
    assert framed.status == 200 and "lti/continue" in framed.text, framed.text
    assert sender.request("GET", ready, None, {"Sec-Fetch-Dest": "document"}).status == 303
    stranger = Person(gateway, "").request("POST", "/hub/lti13/oauth_login", urllib.parse.urlencode(
        {"iss": "https://evil.example", "login_hint": "1", "target_link_uri": "x"}), FORM)
    assert code_of(stranger) == "LTI-REGISTRATION", stranger.text
    for page in ("/hub/lti13/oauth_login", "/hub/lti13/oauth_callback"):
        assert "from their course" in Person(gateway, "").get(page).text
    config = Person(gateway, "").get("/hub/lti13/config").json()
    assert config["oidc_initiation_url"].endswith("/hub/lti13/oauth_login"), config
    print("a launch: signed in, server started; flows side by side; a tab where cookies are blocked")
    return person


def scores_arrive(gateway, platform, learner):
    teacher = signed_in(*launch(gateway, platform, user="1", roles=("Instructor",)))
    given = teacher.api("POST", "/lti/grade", {"user": learner.name, "score": 17, "maximum": 20, "comment": "bien"})
    assert given.status == 202, given.text
    path, score = wait_until("the score arrives", lambda: platform.scores and platform.scores[-1])
    assert path == "/lineitems/4/lineitem/scores?type_id=2", path
    assert (score["userId"], score["scoreGiven"], score["scoreMaximum"]) == ("5", 17, 20), score

    def sent():
        rows = teacher.api("GET", f"/lti/grades?user={learner.name}").json()
        return rows[0]["state"] == "sent" and rows[0]
    row = wait_until("the store knows", sent)
    assert row["course_title"] == "Files d'attente" and row["attempts"] == 1, row
    page = teacher.get("/hub/lti/grades")
    assert page.status == 200 and "17 / 20" in page.text and "Person 5" in page.text, page.text
    # Nobody grades themselves, nor do strangers; out of range is told.
    assert learner.api("POST", "/lti/grade", {"user": learner.name, "score": 20, "maximum": 20}).status == 404
    assert "17 / 20" not in learner.get("/hub/lti/grades").text
    assert teacher.api("POST", "/lti/grade", {"user": learner.name, "score": 21, "maximum": 20}).status == 400
    other = signed_in(*launch(gateway, platform, user="2", roles=("Instructor",),
                              **{"https://purl.imsglobal.org/spec/lti/claim/context": {"id": "c2"}}))
    assert other.api("POST", "/lti/grade", {"user": learner.name, "score": 1}).status == 404
    # A grader's token with that scope only.
    token = teacher.api("POST", f"/users/{teacher.name}/tokens", {
        "scopes": ["custom:lti:grade!group=lti/campus/c1/learner"], "note": "grader"})
    assert token.status in (200, 201), token.text
    grader = Person(gateway, "")
    answer = grader.request("POST", "/hub/api/lti/grade", json.dumps({"user": learner.name, "score": 0.5}),
                            {"Authorization": "token " + token.json()["token"], "Content-Type": "application/json"})
    assert answer.status == 202, answer.text
    wait_until("the grader's score arrives", lambda: platform.scores[-1][1]["scoreGiven"] == 0.5)
    denied = teacher.api("POST", f"/users/{teacher.name}/tokens", {"scopes": ["custom:lti:grade"]})
    assert denied.status == 400, denied.status  # as JupyterHub answers what is more than one has
    print("scores: arrive as the platform wants them; teachers of the course only; a token with the scope")
    return teacher


def outcomes_arrive(gateway, platform, teacher_unused):
    def launch11(user, roles):
        person = Person(gateway, "")
        url = f"http://127.0.0.1:{gateway.port}/hub/lti/launch"
        fields = {"lti_message_type": "basic-lti-launch-request", "lti_version": "LTI-1p0", "resource_link_id": "b1",
                  "user_id": user, "roles": roles, "context_id": "course-v1:X", "custom_next": "/hub/home",
                  "lis_outcome_service_url": f"{platform.issuer}/outcomes?a=b%20c",
                  "lis_result_sourcedid": '{"data":{"instanceid":"1","userid":"%s"},"hash":"a&b<c>:+%%3A"}' % user}
        _, _, body = Client("key", "shared", signature_type=SIGNATURE_TYPE_BODY).sign(
            url, "POST", urllib.parse.urlencode(fields), {"Content-Type": FORM["Content-Type"]})
        answer = person.request("POST", "/hub/lti/launch", body, FORM)
        return signed_in(person, answer), fields["lis_result_sourcedid"]
    learner, sourced_id = launch11("31", "Student")
    teacher, _ = launch11("32", "Instructor")
    answer = teacher.api("POST", "/lti/grade", {"user": learner.name, "score": 87, "maximum": 100})
    assert answer.status == 202, answer.text
    wait_until("the outcome arrives", lambda: sourced_id in platform.outcomes)
    assert platform.outcomes[sourced_id] == 0.87 and not platform.refused, (platform.outcomes, platform.refused)
    print("LTI 1.1 outcomes: body hash and signature right, the id comes back as it was")
    return teacher, learner, sourced_id


def the_newest_survives(gateway, platform, teacher, learner, sourced_id):
    platform.down = True
    for score in (10, 20, 30):
        assert teacher.api("POST", "/lti/grade", {"user": learner.name, "score": score, "maximum": 100}).status == 202

    def waits():
        row = teacher.api("GET", f"/lti/grades?user={learner.name}").json()[0]
        return row["state"] == "pending" and row["attempts"] >= 1 and "503" in row["detail"]
    wait_until("it is tried", waits)
    gateway.kill()
    platform.down = False
    gateway.start()
    began = len(platform.requests)
    wait_until("the newest arrives after the restart", lambda: platform.outcomes[sourced_id] == 0.3, 90)
    posts = [path for _, path in platform.requests[began:] if path.startswith("/outcomes")]
    assert len(posts) == 1, posts
    print("a platform that was down: the newest score arrives, once, over a restart")


def a_silent_platform_holds_nobody(gateway, platform, mute, teacher, learner):
    there = signed_in(*launch(gateway, mute, user="1", roles=("Instructor",)))
    silent = [signed_in(*launch(gateway, mute, user=str(number))).name for number in (2, 3)]
    mute.speaks.clear()
    seen = len(mute.requests)
    for name in silent:
        assert there.api("POST", "/lti/grade", {"user": name, "score": 1, "maximum": 2}).status == 202
    wait_until("the silent platform was asked", lambda: len(mute.requests) > seen)
    began = time.monotonic()
    assert teacher.api("POST", "/lti/grade", {"user": learner.name, "score": 3, "maximum": 4}).status == 202
    wait_until("another platform's score arrives", lambda: platform.scores[-1][1]["scoreGiven"] == 3, 6)
    took = time.monotonic() - began
    assert not mute.scores and len(mute.requests) == seen + 1, "one at a time, and it still says nothing"
    mute.speaks.set()
    wait_until("they arrive in the end", lambda: len(mute.scores) == 2, 60)
    print(f"a silent platform: another's score arrives after {took:.1f} s, its own when it speaks again")


def a_teacher_picks(gateway, platform):
    person, page = launch(gateway, platform, user="1", roles=("Instructor",), message="LtiDeepLinkingRequest")
    assert page.status == 200, (page.status, page.text[:1500])
    action = html.unescape(re.search(r'<form method="post" action="([^"]+)"', page.text).group(1))
    sealed = re.search(r'name="request" value="([^"]+)"', page.text).group(1)
    fields = {"request": sealed, "profile": "light", "title": "TP 3", "next": "/hub/user-redirect/lab", "maximum": "10",
              "repository": "https://git.example.org/course.git", "branch": "main"}
    answer = person.request("POST", action, urllib.parse.urlencode(fields), FORM)
    assert answer.status == 200, (answer.status, answer.text[:1500])
    assert f"form-action 'self' {platform.issuer}" in answer.header("content-security-policy")
    form = re.search(r'<form id="post" method="post" action="([^"]+)"', answer.text).group(1)
    assert form == platform.issuer + "/deep", form
    compact = re.search(r'name="JWT" value="([^"]+)"', answer.text).group(1)
    claims = platform.deep_link(compact)
    item = claims["https://purl.imsglobal.org/spec/lti-dl/claim/content_items"][0]
    assert item["custom"] == {"profile": "light", "next": "/hub/user-redirect/lab", "branch": "main",
                              "repository": "https://git.example.org/course.git"}, item
    assert claims["https://purl.imsglobal.org/spec/lti-dl/claim/data"] == "opaque=1"
    _, refused = launch(gateway, platform, user="5", message="LtiDeepLinkingRequest")
    assert code_of(refused) == "LTI-ROLE", refused.text
    print("deep linking: the platform gets what the teacher picked, signed by us")


def a_line_item_is_made(gateway, platform, teacher):
    """An activity without a column in the gradebook: the first grade makes it, the next ones use it."""
    claims = {"https://purl.imsglobal.org/spec/lti/claim/resource_link": {"id": "rl-late", "title": "TP late"},
              "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": {
                  "scope": [f"https://purl.imsglobal.org/spec/lti-ags/scope/{name}" for name in ("score", "lineitem")],
                  "lineitems": platform.issuer + "/lineitems?type_id=2"}}
    names = [signed_in(*launch(gateway, platform, user=user, **claims)).name for user in ("5", "6")]
    for name, score in zip(names, (4, 5)):
        given = teacher.api("POST", "/lti/grade", {"user": name, "link": "rl-late", "score": score, "maximum": 8})
        assert given.status == 202, given.text
        wait_until("the score arrives", lambda: platform.scores[-1][1]["scoreGiven"] == score)
        assert platform.scores[-1][0] == "/lineitems/100/lineitem/scores?type_id=2", platform.scores[-1]
    assert len(platform.line_items) == 1, platform.line_items
    item = platform.line_items[0]
    assert (item["label"], item["scoreMaximum"], item["resourceLinkId"]) == ("TP late", 8, "rl-late"), item
    print("a line item: made once, with the first grade")


def a_pasted_token_is_explained(gateway, platform):
    def check(token):
        done = subprocess.run([PROGRAM, "lti", "check", "--config", gateway.config, "-"], input=token, capture_output=True, text=True, timeout=60)
        assert not done.stderr, done
        return done.returncode, done.stdout
    _, form = platform.authorize(begin(gateway, platform, Person(gateway, "")))
    code, said = check(form["id_token"])
    assert code == 0 and "signed by a key that the platform publishes" in said and "`campus` of `moodle`" in said, said
    _, form = platform.authorize(begin(gateway, platform, Person(gateway, "")), iat=1700000000, exp=1700000060)
    code, said = check("state: x\nid_token: " + form["id_token"])
    assert code == 0 and "by now it would be LTI-EXP" in said, said
    _, form = platform.authorize(begin(gateway, platform, Person(gateway, "")), **{
        "https://purl.imsglobal.org/spec/lti/claim/deployment_id": "77"})
    code, said = check(form["id_token"])
    assert code == 1 and "LTI-DEPLOYMENT: deployment_id is 77" in said, said
    head, body, signature = form["id_token"].split(".")
    assert "LTI-SIG" in check(f"{head}.{body}.{signature[:40]}{'A' if signature[40] != 'A' else 'B'}{signature[41:]}")[1]
    assert check("eyJhbGciOiJub25lIn0.e30.")[0] == 1
    _, form = platform.authorize(begin(gateway, platform, Person(gateway, "")), aud="nobody-registered")
    code, said = check(form["id_token"])
    assert code == 1 and "LTI-AUD" in said, said
    forged = jwt.encode(jwt.decode(form["id_token"], options={"verify_signature": False}) | {"aud": "hub"},
                        rsa.generate_private_key(public_exponent=65537, key_size=2048), algorithm="RS256", headers={"kid": "p1"})
    code, said = check(forged)
    assert code == 1 and "LTI-SIG" in said, said
    print("lti check: a good token, an old one, another deployment, a wrong signature")


def a_roster_is_shown(gateway, platform, teacher, learner):
    page = teacher.get("/hub/lti/grades")
    link = re.search(r'href="(/hub/lti/roster/[0-9]+)"', page.text).group(1)
    roster = teacher.get(link)
    assert roster.status == 200 and "Never Here" in roster.text and "five@example.org" in roster.text, roster.text
    assert "2 / 3" in roster.text and roster.text.count("Has not been here") == 1, roster.text
    assert learner.get(link).status == 404, "learners do not see it"
    platform.members[2]["name"] = "<b>Bold</b>"
    assert "&lt;b&gt;Bold" in teacher.get(link).text
    platform.down = True
    told = teacher.get(link)
    assert told.status == 200 and "did not say who" in told.text and "503" in told.text, told.text
    platform.down = False
    print("a roster: two pages of the platform's, beside who has been here; teachers only")


def a_platform_registers_itself(gateway):
    """Dynamic registration behind a link that an administrator makes; then a launch from there, after a restart as well."""
    admin = Person(gateway, "teacher").sign_in()
    with Platform() as platform, Platform() as other:
        host = f"127.0.0.1:{platform.port}"

        def invitation(hosts):
            admin.get("/hub/lti/platforms")
            page = admin.post("/hub/lti/platforms", method="moodle", hosts=hosts)
            found = re.search(r"<code>([^<]+)</code>", page.text)
            return path_of(html.unescape(found.group(1))) if found else ""

        def enrol(link, at, token="once"):
            at.registration_tokens.add("once")
            return Person(gateway, "").get(link + "&" + urllib.parse.urlencode(
                {"openid_configuration": at.issuer + "/openid-configuration", "registration_token": token}))
        assert invitation("not a host!") == ""
        assert Person(gateway, "someone").sign_in().get("/hub/lti/platforms").status == 403
        link = invitation(host)
        assert link.startswith("/hub/lti13/register/moodle?invitation="), link
        elsewhere = enrol(link, other)
        assert code_of(elsewhere) == "LTI-INVITATION" and not other.requests, "only the hosts that the administrator named are asked"
        assert code_of(Person(gateway, "").get("/hub/lti13/register/moodle?invitation=AAAA&openid_configuration=x")) == "LTI-INVITATION"
        done = enrol(link, platform)
        assert done.status == 200 and "close.js" in done.text, done.text
        assert f"frame-ancestors 'self' {platform.issuer}" in done.header("content-security-policy")
        assert platform.registered["client_name"] and platform.client_id == "given-by-registration"
        assert code_of(enrol(link, platform)) == "LTI-INVITATION", "once"
        refused = enrol(invitation(host), platform, token="wrong")
        assert refused.status == 502 and code_of(refused) == "LTI-REGISTER", refused.text
        learner = signed_in(*launch(gateway, platform, user="70"))
        assert f"lti/{host}/c1/learner" in learner.api("GET", "/user").json()["groups"]
        gateway.stop()
        gateway.start()
        assert learner.get("/hub/home").status == 200
        learner = signed_in(*launch(gateway, platform, user="71"))
        page = admin.get("/hub/lti/platforms")
        assert "given-by-registration" in page.text, page.text
        action = html.unescape(re.search(r'action="(/hub/lti/platforms/moodle/[^"]+/withdraw)"', page.text).group(1))
        assert admin.post(action).status == 303
        _, answer = Person(gateway, ""), Person(gateway, "").request(
            "POST", "/hub/lti13/oauth_login", urllib.parse.urlencode(platform.initiation("x")), FORM)
        assert code_of(answer) == "LTI-REGISTRATION", answer.text
    print("a platform registers itself by an invitation, launches, stays over a restart, and is removed")


def main():
    began = time.monotonic()
    with Platform(secrets={"key": "shared"}) as platform, Platform() as mute, prepare(platform, mute) as gateway:
        learner = one_click_opens_a_server(gateway, platform)
        teacher = scores_arrive(gateway, platform, learner)
        a_silent_platform_holds_nobody(gateway, platform, mute, teacher, learner)
        a_teacher_picks(gateway, platform)
        a_line_item_is_made(gateway, platform, teacher)
        a_roster_is_shown(gateway, platform, teacher, learner)
        a_pasted_token_is_explained(gateway, platform)
        the_newest_survives(gateway, platform, *outcomes_arrive(gateway, platform, teacher))
        a_platform_registers_itself(gateway)
    print(f"{time.monotonic() - began:.1f} s")


main()
