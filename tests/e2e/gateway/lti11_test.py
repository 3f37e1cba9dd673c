"""Launches from courses, through the real gateway. The platform is python3-oauthlib, which signs as platforms do, not with
our code: one click starts a server and its WebSocket is let through; a used launch is refused, after a restart as well;
two consumers with one user_id are two people; a wrong address is told in the log; what happens where a browser keeps no
cookies inside the course's page."""

import concurrent.futures
import http.client
import os
import random
import re
import subprocess
import sys
import time
import urllib.parse

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256, SIGNATURE_TYPE_BODY, Client

sys.path.insert(0, "tests/drivers")
from gateway import PROGRAM, Gateway, Person, raw_websocket, wait_until  # noqa: E402

FORM = "application/x-www-form-urlencoded"
SECRETS = {"edx": "edx-secret", "moodle": "s3cret &=%é/+"}
CONSUMERS = """
edx: {secret: edx-secret, groups: [room], frame_origins: ["https://courses.example.org"]}
moodle: {secret: "s3cret &=%é/+", groups: [room], instructor_groups: [teachers]}
"""
ECHO = os.path.abspath("tests/drivers/echo_server.py")  # a notebook's place: pages, and a WebSocket
PROFILES = {"light": {"command": ["/usr/bin/python3", ECHO]}}
AUTHENTICATORS = "  mooc: {type: lti11, consumers: ./consumers.yaml}\n"


def prepare(gateway, consumers=CONSUMERS):
    path = os.path.join(gateway.folder, "consumers.yaml")
    with open(path + ".new", "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
        file.write(consumers)
    os.rename(path + ".new", path)
    return gateway


def signed(url, consumer, secret=None, method=SIGNATURE_HMAC_SHA1, **fields):
    """The body of a launch, as a platform makes it."""
    launch = {"lti_message_type": "basic-lti-launch-request", "lti_version": "LTI-1p0", "resource_link_id": "rl-1",
              "user_id": "5f4dcc3b5aa765d61d8327deb882cf99", "roles": "Student,Learner", "context_id": "course-v1:IMTx+NET04x",
              "oauth_callback": "about:blank", **fields}
    client = Client(consumer, secret or SECRETS[consumer], signature_method=method, signature_type=SIGNATURE_TYPE_BODY)
    _, _, body = client.sign(url, "POST", urllib.parse.urlencode(launch), {"Content-Type": FORM})
    return body


def here(gateway, path="/hub/lti/launch"):
    return f"http://127.0.0.1:{gateway.port}{path}"


def post_launch(person, body, path="/hub/lti/launch", **headers):
    """Cross-site, as a course's page posts it."""
    return person.request("POST", path, body, {"Content-Type": FORM, "Origin": "https://courses.example.org",
                                               "Sec-Fetch-Site": "cross-site", **headers})


def launch(gateway, consumer="edx", **fields):
    person = Person(gateway, "")
    answer = post_launch(person, signed(here(gateway), consumer, **fields))
    assert answer.status == 303, (answer.status, answer.text[:1500])
    person.landing = answer.header("location")
    return person


def follow(person, location):
    """(last address, its answer) after all redirects."""
    for _ in range(8):
        answer = person.get(location)
        if answer.status != 303:
            return location, answer
        location = answer.header("location")
    raise AssertionError("redirected in circles")


def signed_in(person):
    person.get("/hub/home")
    person.name = person.api("GET", "/user").json()["name"]
    return person


def code_of(answer):
    found = re.search(r"LTI-[A-Z]+", answer.text)
    return found.group(0) if found else ""


def one_click_opens_a_server(gateway):
    person = launch(gateway)
    location, page = follow(person, person.landing)
    assert location.startswith("/hub/spawn-pending/mooc-5f4dcc3b") or location.startswith("/user/"), location
    signed_in(person)
    assert person.name == "mooc-5f4dcc3b", person.name
    person.wait_ready()
    assert person.get(f"/user/{person.name}/").status == 200
    connection, status = raw_websocket(gateway, f"/user/{person.name}/echo", [
        f"Cookie: {person.cookie_header()}", f"Origin: http://127.0.0.1:{gateway.port}"])
    connection.close()
    assert status == 101, status
    # The next launch leads straight to the server that runs.
    again = launch(gateway)
    location, page = follow(again, again.landing)
    assert location.startswith("/user/mooc-5f4dcc3b") and page.status == 200, (location, page.status)
    groups = person.api("GET", "/user").json()["groups"]
    assert "room" in groups and "lti/edx/course-v1:IMTx+NET04x/learner" in groups, groups
    print("a launch: signed in, server started by the launch, WebSocket let through")


def never_two_in_one(gateway):
    first, second = signed_in(launch(gateway, "edx", user_id="5")), signed_in(launch(gateway, "moodle", user_id="5"))
    assert first.name == "mooc-5" and second.name == "mooc-5-2", (first.name, second.name)
    # The same person under other names; nobody becomes an administrator's namesake.
    renamed = signed_in(launch(gateway, "edx", user_id="5", lis_person_sourcedid="teacher", custom_next="/hub/home"))
    assert renamed.name == "mooc-5"
    root = signed_in(launch(gateway, "edx", user_id="77", lis_person_sourcedid="teacher", roles="Administrator"))
    model = root.api("GET", "/user").json()
    assert model["name"] == "mooc-teacher" and not model["admin"], model
    # A launch replaces whoever was signed in.
    shared = launch(gateway, "edx", user_id="6", custom_next="/hub/home")
    answer = post_launch(shared, signed(here(gateway), "edx", user_id="7", custom_next="/hub/home"))
    assert answer.status == 303
    assert signed_in(shared).name == "mooc-7"
    print("people: consumer and user_id, no namesakes, the last launch counts")


def refusals_are_told(gateway):
    visitor = Person(gateway, "")
    good = signed(here(gateway), "edx", user_id="8", custom_next="/hub/home")
    tampered = post_launch(visitor, good.replace("user_id=8", "user_id=9"))
    assert tampered.status == 403 and code_of(tampered) == "LTI-SIG", tampered.text
    assert code_of(post_launch(visitor, signed(here(gateway), "nobody", "x"))) == "LTI-KEY"
    assert post_launch(visitor, good).status == 303, "a bad signature burnt no nonce"
    replay = post_launch(Person(gateway, ""), good)
    assert replay.status == 403 and code_of(replay) == "LTI-REPLAY" and "again from the course" in replay.text
    french = Person(gateway, "", "fr")
    assert "depuis le cours" in post_launch(french, good).text
    sha256 = signed(here(gateway), "edx", method=SIGNATURE_HMAC_SHA256, user_id="8", custom_next="/hub/home")
    assert post_launch(Person(gateway, ""), sha256).status == 303
    wrong_host = post_launch(visitor, signed("https://elsewhere.example.org/hub/lti/launch", "edx"))
    assert code_of(wrong_host) == "LTI-SIG"
    other_scheme = post_launch(visitor, signed(here(gateway).replace("http:", "https:"), "edx"))
    assert code_of(other_scheme) == "LTI-SIG"
    wait_until("the log names the address that was signed",
               lambda: f"would match with https://127.0.0.1:{gateway.port}/hub/lti/launch" in gateway.log())
    for secret in SECRETS.values():
        assert secret not in gateway.log()
    for path in ("/hub/lti/launch", "/hub/auth/mooc/launch", "/hub/auth/mooc/login"):
        hint = visitor.get(path)
        assert hint.status == 200 and "from their course" in hint.text, (path, hint.status, hint.text)
    cartridge = visitor.get("/hub/lti11/config")
    assert cartridge.status == 200 and f"<blti:launch_url>{here(gateway)}</blti:launch_url>" in cartridge.text
    own = "/hub/auth/mooc/launch"
    assert post_launch(visitor, signed(here(gateway, own), "edx", custom_next="/hub/home"), own).status == 303
    query = "/hub/lti/launch?next=%2Fhub%2Fhome&x=a%20b"
    assert post_launch(Person(gateway, ""), signed(here(gateway, query), "edx"), query).status == 303
    evil = launch(gateway, custom_next="https://evil.example.org/", user_id="8")
    location, _ = follow(evil, evil.landing)
    assert location.startswith("/"), location
    print("refusals: codes in both languages, reason in the log, hints and cartridge")
    return good


def signatures_agree_with_another_implementation(gateway, count):
    """Odd bytes in names and values, signed by oauthlib: each must be accepted."""
    chance = random.Random(20261122)
    alphabet = "aZ09-._~!*'()+%&=/:;,?@[]{}|\\\"<> \r\n\té€漢🙂"
    for number in range(count):
        def odd(longest):
            return "".join(chance.choice(alphabet) for _ in range(chance.randrange(longest)))
        fields = {"custom_" + odd(8): odd(40) for _ in range(chance.randrange(6))}
        fields.update(user_id="odd", custom_next="/hub/home", lis_person_name_full=odd(30))
        path = "/hub/lti/launch" + chance.choice(["", "?a=b%20c", "?a=&a=+x&%7e=%C3%a9", "?b"])
        answer = post_launch(Person(gateway, ""), signed(here(gateway, path), chance.choice(["edx", "moodle"]), **fields), path)
        assert answer.status == 303, (number, fields, path, answer.status, code_of(answer))
    print(f"signatures: {count} launches with odd bytes accepted")


def bad_signatures_keep_nothing(gateway, count):
    """CVE-2026-34052 from outside: a valid key, fresh nonces, wrong signatures. Nothing stays in memory, nobody who comes
    from the same address is slowed down, and a nonce that was seen with a wrong signature is still good. The first ones fill
    SQLite's cache with the audit log, which has its size after some 25,000."""
    good = signed(here(gateway), "edx", user_id="8", custom_next="/hub/home")
    nonce = re.search(r"oauth_nonce=([^&]+)", good).group(1)
    wrong = re.sub(r"oauth_signature=[^&]+", "oauth_signature=AAAAAAAAAAAAAAAAAAAAAAAAAAA%3D", good)
    headers = {"Content-Type": FORM, "Origin": "https://courses.example.org", "Sec-Fetch-Site": "cross-site"}

    def send(numbers):
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
        for number in numbers:
            body = wrong if number % 100 == 0 else wrong.replace(f"oauth_nonce={nonce}", f"oauth_nonce={nonce}{number}")
            connection.request("POST", "/hub/lti/launch", body, headers)
            answer = connection.getresponse()
            page = answer.read()
            assert answer.status == 403 and b"LTI-SIG" in page, (number, answer.status, page[:300])
        connection.close()

    def crowd(numbers):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(send, [numbers[start::4] for start in range(4)]))
    crowd(range(500))  # buffers and caches have their size
    before, began = gateway.rss(), time.monotonic()
    crowd(range(500, 500 + count))
    grown, took = gateway.rss() - before, time.monotonic() - began
    assert grown < 8 << 20, f"grown by {grown} bytes over {count} launches"
    assert post_launch(Person(gateway, ""), good).status == 303, "no nonce was burnt"
    print(f"{count} launches with a wrong signature: {took:.0f} s, memory grew by {grown // 1024} KiB, the good one is still good")


def restart_remembers(gateway, used):
    gateway.stop()
    gateway.start()
    answer = post_launch(Person(gateway, ""), used)
    assert answer.status == 403 and code_of(answer) == "LTI-REPLAY", (answer.status, code_of(answer))
    print("a restart: the used launch is still refused")


def consumers_come_without_restart(gateway):
    body = signed(here(gateway), "late", "late-secret", user_id="1", custom_next="/hub/home")
    assert code_of(post_launch(Person(gateway, ""), body)) == "LTI-KEY"
    prepare(gateway, CONSUMERS + "late: {secret: late-secret, groups: [room]}\n")
    assert post_launch(Person(gateway, ""), body).status == 303
    gateway_starts = gateway.starts
    prepare(gateway, "late: [")
    assert post_launch(Person(gateway, ""), signed(here(gateway), "late", "late-secret",
                                                   custom_next="/hub/home")).status == 303
    assert gateway.starts == gateway_starts and "their file is wrong" in gateway.log()
    prepare(gateway)
    print("consumers: added while it runs, a broken file changes nothing")


def a_pasted_launch_is_explained(gateway):
    """`passerelle lti check`: what was posted, as browsers' tools show it, and why it is refused."""
    def check(text, *options):
        done = subprocess.run([PROGRAM, "lti", "check", "--config", gateway.config, *(options or ("--url", here(gateway))), "-"],
                              input=text, capture_output=True, text=True, timeout=60)
        assert not done.stderr and "edx-secret" not in done.stdout, done
        return done.returncode, done.stdout
    good = signed(here(gateway), "edx")
    code, said = check(good)
    assert code == 0 and "the consumer edx is one of `mooc`" in said and "would be taken" in said, said
    lines = "\n".join(f"{name}: {value}" for name, value in urllib.parse.parse_qsl(good, keep_blank_values=True))
    assert check(lines)[0] == 0
    code, said = check(signed(here(gateway), "edx", "another"))
    assert code == 1 and "LTI-SIG" in said and "the secret is another one" in said, said
    code, said = check(signed(here(gateway).replace("http:", "https:"), "edx"))
    assert code == 1 and f"would match with https://127.0.0.1:{gateway.port}/hub/lti/launch" in said, said
    old = Client("edx", "edx-secret", signature_type=SIGNATURE_TYPE_BODY, timestamp="1700000000").sign(
        here(gateway), "POST", "lti_message_type=basic-lti-launch-request&lti_version=LTI-1p0&resource_link_id=1&user_id=2",
        {"Content-Type": FORM})[2]
    code, said = check(old)
    assert code == 0 and "by now it would be LTI-TIME" in said, said
    assert "LTI-KEY" in check(signed(here(gateway), "nobody", "x"))[1]
    for odd in ("somewhere", "x", "https://", "https://somewhere?x=1"):
        code, said = check(good, "--url", odd)
        assert code == 1 and "LTI-SIG" in said, (odd, said)
    assert "LTI-FIELD" in check("hello")[1] and check("hello")[0] == 1
    print("lti check: a good launch, an old one, a wrong secret, a wrong address, an unknown key")


def audited(gateway):
    teacher = Person(gateway, "teacher").sign_in()
    refused = {event["cause"] for event in teacher.api("GET", "/audit?action=sign-in").json() if event["result"] == "refused"}
    assert {"LTI-SIG", "LTI-KEY", "LTI-REPLAY"} <= refused, refused


def in_a_frame():
    """https by `public_url`: what the browser is told about cookies and frames, and the way out when it keeps none."""
    public = "https://hub.example.org"
    gateway = prepare(Gateway(authenticators=AUTHENTICATORS, extra=f"public_url: {public}\nproxy: {{hosts: ['127.0.0.1']}}\n"
                                                                   "trusted_proxies: [127.0.0.1]"))
    with gateway:
        url = public + "/hub/lti/launch"
        person = Person(gateway, "")
        answer = post_launch(person, signed(url, "edx"))
        assert answer.status == 303, answer.text
        cookies = [v for k, v in answer.headers if k.lower() == "set-cookie" and "session=" in v]
        kept = [c for c in cookies if "Max-Age=0" not in c]
        assert len(kept) == 1, cookies
        for attribute in ("__Host-passerelle-session=", "; Secure", "; HttpOnly", "; SameSite=None", "; Partitioned"):
            assert attribute in kept[0], kept[0]
        ready = answer.header("location")
        # Cookies blocked: the page in the frame offers one button; its tab is signed in; the ticket is used up.
        blocked = Person(gateway, "")
        page = blocked.get(ready)
        policy = page.header("content-security-policy")
        assert "frame-ancestors 'self' https://courses.example.org" in policy, policy
        assert page.header("x-frame-options") == "" and 'target="_blank"' in page.text
        ticket = re.search(r'name="ticket" value="([^"]+)"', page.text).group(1)
        fields = urllib.parse.urlencode({"ticket": ticket})
        evil = blocked.request("POST", "/hub/lti/continue", fields, {"Content-Type": FORM, "Origin": "https://evil.example.org"})
        assert evil.status == 403, evil.status
        own = {"Content-Type": FORM, "Sec-Fetch-Site": "same-origin"}
        tab = blocked.request("POST", "/hub/lti/continue", fields, own)
        assert tab.status == 303 and tab.header("location").startswith(("/hub/spawn-pending/", "/user/")), tab.text
        blocked.cookies.pop("passerelle-session", None)
        home = blocked.get("/hub/home")
        assert home.status == 200, home.status
        assert "frame-ancestors 'self' https://courses.example.org" in home.header("content-security-policy")
        used = Person(gateway, "").request("POST", "/hub/lti/continue", fields, own)
        assert used.status == 403 and code_of(used) == "LTI-TICKET", used.text
        # Cookies kept: no page in between.
        kept_all = Person(gateway, "")
        ready = post_launch(kept_all, signed(url, "edx", custom_next=public + "/hub/home")).header("location")
        assert kept_all.get(ready).header("location") == "/hub/home"
        # Others' sessions stay out of frames, and are strict.
        room = Person(gateway, "someone")
        room.get("/hub/login")
        answer = room.request("POST", "/hub/auth/room/login", urllib.parse.urlencode(
            {"_xsrf": room.xsrf, "username": "someone", "password": "a classroom's password"}), {"Content-Type": FORM})
        mine = [v for k, v in answer.headers if k.lower() == "set-cookie" and "session=" in v and "Max-Age=0" not in v]
        assert len(mine) == 1 and "SameSite=Lax" in mine[0], mine
        assert "frame-ancestors 'none'" in room.get("/hub/home").header("content-security-policy")
        # What their servers answer is dressed for that as well, after a restart too; nobody else's is.
        signed_in(blocked).wait_ready()
        for _ in range(2):
            proxied = blocked.get(f"/user/{blocked.name}/")
            assert proxied.status == 200, proxied.status
            policy = proxied.header("content-security-policy")
            assert policy == "frame-ancestors 'self' https://courses.example.org", policy
            gateway.stop()
            gateway.start()
        room.launch()
        room.wait_ready()
        assert room.get("/user/someone/").header("content-security-policy") == ""
        # TLS ends in front: signed for what the browser sees, and the log says so when it was not.
        inner = post_launch(Person(gateway, ""), signed(here(gateway), "edx"), **{"X-Forwarded-Proto": "https"})
        assert code_of(inner) == "LTI-SIG"
        wait_until("the log names the inner address", lambda: f"would match with {here(gateway)}" in gateway.log())
    print("frames: cookies, frame-ancestors, one button where cookies are blocked")


def main():
    began = time.monotonic()
    with prepare(Gateway(PROFILES, authenticators=AUTHENTICATORS)) as gateway:
        one_click_opens_a_server(gateway)
        never_two_in_one(gateway)
        used = refusals_are_told(gateway)
        signatures_agree_with_another_implementation(gateway, int(os.environ.get("ODD_LAUNCHES", "60")))
        bad_signatures_keep_nothing(gateway, int(os.environ.get("BAD_LAUNCHES", "1000")))
        restart_remembers(gateway, used)
        consumers_come_without_restart(gateway)
        audited(gateway)
        a_pasted_launch_is_explained(gateway)
    in_a_frame()
    print(f"{time.monotonic() - began:.1f} s")


main()
