"""People and their rights at the whole gateway: claimed names, seats, slow-down of guessing, forged requests, sign-out
of other devices, languages, targets after sign-in, tokens and their scopes, culling with notice."""

import contextlib
import re
import sys
import time
import urllib.parse

sys.path.insert(0, "tests/drivers")
from gateway import PASSWORD, TEST_SERVER, Gateway, Person, Program, raw_websocket, wait_until  # noqa: E402

LIGHT = {"light": {"command": [TEST_SERVER, "serve"]}}
CLAIM = "  workshop: {type: dummy, password_file: ./room.txt, groups: [room], max_users: 3}\n"


def claimed_names(gateway):
    first = Person(gateway, "Ada")
    first.get("/hub/login")
    welcome = first.post("/hub/auth/workshop/login", username="Ada", password=PASSWORD)
    assert welcome.status == 200, welcome.text
    pin = re.search(r"\b(\d{4}[\s\u00a0]?\d{4})\b", re.sub(r"<[^>]+>", " ", welcome.text)).group(1)
    assert first.get("/hub/home").status == 200

    second = Person(gateway, "Ada")  # knows the password, has another browser, types the same name
    second.get("/hub/login")
    asked = second.post("/hub/auth/workshop/login", username=" ada ", password=PASSWORD)
    assert asked.status in (200, 403, 409) and 'name="pin"' in asked.text, (asked.status, asked.text)
    assert second.get("/hub/home").status == 303, "the second person was let in"
    wrong = second.post("/hub/auth/workshop/login", username="ada", password=PASSWORD, pin="00000000")
    assert wrong.status == 403 and second.get("/hub/home").status == 303
    right = second.post("/hub/auth/workshop/login", username="ada", password=PASSWORD, pin=re.sub(r"\D", "", pin))
    assert right.status == 303, (right.status, right.text)
    assert second.get("/hub/home").status == 200

    # the first browser comes back without a PIN
    first.cookies.pop("passerelle-session")
    first.get("/hub/login")
    assert first.post("/hub/auth/workshop/login", username="ada", password=PASSWORD).status == 303
    return first, second


def seats(gateway):
    for name in ("grace", "joan"):
        person = Person(gateway, name)
        person.get("/hub/login")
        assert person.post("/hub/auth/workshop/login", username=name, password=PASSWORD).status == 200
    late = Person(gateway, "late")
    late.get("/hub/login")
    refused = late.post("/hub/auth/workshop/login", username="late", password=PASSWORD)
    assert refused.status == 403 and "seats are taken" in refused.text, refused.text


def guessing(gateway):
    """Few tries for one name; the neighbour behind the same address is not locked out."""
    guesser, statuses = Person(gateway, "victim"), []
    guesser.get("/hub/login")
    for number in range(12):
        answer = guesser.post("/hub/auth/room/login", username="victim", password=f"wrong {number}")
        statuses.append(answer.status)
        if answer.status == 429:
            assert int(answer.header("retry-after")) > 0
            break
    assert statuses[:3] == [403] * 3 and statuses[-1] == 429, statuses
    Person(gateway, "neighbour").sign_in()


def forged(gateway):
    person = Person(gateway, "careful").sign_in()
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"},
                    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}):
        form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        assert person.request("POST", "/hub/spawn", f"_xsrf={person.xsrf}&profile=light", form).status == 403
    without = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://127.0.0.1:{gateway.port}"}
    assert person.request("POST", "/hub/spawn", "profile=light", without).status == 403
    other = Person(gateway, "other").sign_in()
    assert person.request("POST", "/hub/spawn", f"_xsrf={other.xsrf}&profile=light", without).status == 403
    assert person.server() is None
    assert person.request("GET", "/hub/api/user", headers={"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"}).status == 403
    login = {"Content-Type": "application/x-www-form-urlencoded"}
    stranger = Person(gateway, "stranger")
    body = f"username=stranger&password={PASSWORD.replace(' ', '+')}"
    assert stranger.request("POST", "/hub/auth/room/login", body, login).status == 403  # login CSRF
    assert "passerelle-session" not in stranger.cookies


def targets(gateway):
    for target, leads in (("/user/x/lab", "/user/x/lab"), ("//evil.example", "/hub/home"), ("/\\evil.example", "/hub/home"),
                          ("https://evil.example/", "/hub/home"), ("/hub/token?x=1#y", "/hub/token?x=1#y")):
        person = Person(gateway, "traveller")
        person.get("/hub/login")
        answer = person.post("/hub/auth/room/login", username="traveller", password=PASSWORD, next=target)
        assert answer.status == 303 and answer.header("location") == leads, (target, answer.headers)
    away = Person(gateway, "away").get("/user/away/tree?a=1")
    assert away.status == 303 and away.header("location") == "/hub/login?next=%2Fuser%2Faway%2Ftree%3Fa%3D1"
    program = Person(gateway, "away").get("/user/away/api/kernels", headers={"Accept": "application/json"})
    assert program.status == 403 and program.header("content-type") == "application/problem+json"


def devices(gateway):
    """CVE-2021-41247: a session that was ended stays ended in every tab."""
    one, two = Person(gateway, "nomad").sign_in(), Person(gateway, "nomad").sign_in()
    page = one.get("/hub/sessions")
    ids = re.findall(r'name="session" value="([0-9a-f]{64})"', page.text)
    assert ids, page.text
    assert one.post("/hub/sessions/end-others").status == 303
    assert two.get("/hub/home").status == 303 and one.get("/hub/home").status == 200
    assert one.post("/hub/logout").status == 200
    assert one.get("/hub/home").status == 303


def sign_out_leads_nowhere(gateway):
    """CVE-2022-23527: nothing that a link adds to the sign-out leads off our site."""
    person = Person(gateway, "leaver").sign_in()

    def stays(answer):
        assert answer.status in (200, 303) and "evil.example" not in str(answer.headers), answer.headers
        for link in re.findall(r'(?:href|action|src|content)="([^"]*evil[^"]*)"', answer.text):  # the language's way back
            assert link.startswith("/hub/language?"), link
    for name in ("next", "logout", "return", "post_logout_redirect_uri", "redirect_uri", "url"):
        for target in ("//evil.example", "/\\evil.example", "https://evil.example/"):
            query = urllib.parse.urlencode({name: target})
            stays(person.get("/hub/logout?" + query))
            stays(person.get("/hub/signed-out?" + query))
    stays(person.post("/hub/logout?next=//evil.example", next="//evil.example"))
    assert person.get("/hub/home").status == 303


def languages(gateway):
    person = Person(gateway, "paul", language="fr-CA,fr;q=0.9")
    assert 'lang="fr"' in person.get("/hub/login").text
    chosen = person.get("/hub/language?to=en&next=%2Fhub%2Flogin")
    assert chosen.status == 303 and chosen.header("location") == "/hub/login"
    assert 'lang="en"' in person.get("/hub/login").text
    assert person.get("/hub/language?to=en&next=%2F%2Fevil.example").header("location") == "/hub/"
    for language in ("en", "fr"):
        stranger = Person(gateway, "x", language=language)
        for path, status in (("/hub/nothing", 404), ("/hub/static/none.css", 404)):
            answer = stranger.get(path)
            assert answer.status == status and f'lang="{language}"' in answer.text
    assert Person(gateway, "x").request("DELETE", "/hub/login").status == 405


def tokens(gateway):
    owner, other = Person(gateway, "owner").sign_in(), Person(gateway, "outsider").sign_in()
    owner.launch()
    owner.wait_ready()
    reader = Program(gateway, owner.token(scopes=["read:servers!user=owner", "read:users!user=owner"]))
    assert reader.request("GET", "/hub/api/users/owner").json()["servers"][""]["ready"]
    assert reader.request("DELETE", "/hub/api/users/owner/server").status == 403
    assert reader.request("GET", "/user/owner/").status == 403
    assert reader.request("GET", "/hub/api/users/outsider").status == 404
    assert reader.request("POST", "/hub/api/users/owner/tokens", {}).status == 403
    whole = Program(gateway, owner.token())
    assert whole.request("GET", "/user/owner/").status == 200
    assert owner.api("POST", "/users/owner/tokens", {"scopes": ["admin:users"]}).status == 400
    assert owner.api("POST", "/users/owner/tokens", {"scopes": ["nonsense"]}).status == 400
    assert other.api("GET", "/users/owner").status == 404
    assert other.post("/hub/stop/owner").status == 404
    listed = owner.api("GET", "/users/owner/tokens").json()["api_tokens"]
    assert whole.token not in str(listed) and len(listed) == 2
    for token in listed:
        assert owner.api("DELETE", f"/users/owner/tokens/{token['id']}").status == 204
    assert whole.request("GET", "/user/owner/").status == 403  # at once
    assert Program(gateway, "wrong").request("GET", "/hub/api/user").status == 403
    teacher = Person(gateway, "teacher").sign_in()
    assert teacher.api("DELETE", "/users/owner/server").status == 204  # an administrator stops it, and it says so
    assert owner.server()["ended_by"] == "admin"


def culling(gateway):
    """Idle: told, then stopped. In use: not."""
    idle, busy = Person(gateway, "idle").sign_in(), Person(gateway, "busy").sign_in()
    for person in (idle, busy):
        person.launch()
        person.wait_ready()
    told = False
    end = time.monotonic() + 30
    while not idle.server()["stopped"]:
        assert time.monotonic() < end
        assert busy.get("/user/busy/", headers={"Accept": "*/*"}).status == 200
        told = told or "stops" in idle.get("/hub/home").text.lower() and idle.server()["stops_at"] is not None
        time.sleep(0.1)
    server = idle.server()
    assert server["ended_by"] == "cull" and told, (server, told)
    assert "nobody used it" in idle.get("/user/idle/tree").text
    assert busy.server()["ready"]
    assert busy.stop().status == 204


def hosts_and_workers(gateway):
    person = Person(gateway, "visitor")
    for host, status in (("evil.example", 421), ("localhost.evil.example", 421), ("localhost", 200), ("127.0.0.1", 200), ("10.1.2.3", 200)):
        assert person.get("/hub/login", headers={"Host": host}).status == status, host
    for path in ("/hub/login", "/hub/static/passerelle.css", "/user/visitor/sw.js", "/hub/nothing"):  # no worker may govern the hub's pages
        assert person.get(path, headers={"Service-Worker": "script"}).status == 403, path


def main():
    with Gateway(LIGHT, authenticators=CLAIM) as gateway:
        hosts_and_workers(gateway)
        first, second = claimed_names(gateway)
        seats(gateway)
        forged(gateway)
        targets(gateway)
        devices(gateway)
        sign_out_leads_nowhere(gateway)
        languages(gateway)
        tokens(gateway)
        guessing(gateway)
        hostile = "x" * 100_000  # CVE-2026-54338: neither echoed nor logged whole
        long_name = Person(gateway, "long")
        long_name.get("/hub/login")
        assert hostile not in long_name.post("/hub/auth/room/login", username=hostile, password="no").text
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # 10 MB: refused before it is read
            assert long_name.post("/hub/auth/room/login", username=hostile * 100, password="no").status == 413
        assert hostile not in gateway.log() and PASSWORD not in gateway.log()
        for person in (first, second):
            assert person.cookies["passerelle-session"] not in gateway.log()
    with Gateway(LIGHT, extra="cull: [{match: {idle: 4s}, notice: 3s}]") as gateway:
        culling(gateway)


main()
print("1 passed, 0 failed")
