"""The whole gateway beside a certified OpenID Provider: people come in, go, are refused, and the provider fails at every
step. Each function is one story; all share one gateway and one provider."""

import concurrent.futures
import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, "tests/drivers")
sys.path.insert(0, "tests/peer/oidc")
from browser import Browser, Provider  # noqa: E402
from gateway import PROGRAM, Gateway  # noqa: E402

SECRET = "gateway-secret+/ %"  # its characters must be form-encoded before base64


def free_port():
    with contextlib.closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def configured(port, providers):
    """A gateway whose authenticators are `providers`: name -> settings."""
    entries = "".join(f"  {name}: {settings}\n" for name, settings in providers.items())
    gateway = Gateway(authenticators=entries, extra=f"public_url: 'http://127.0.0.1:{port}'\nlog: {{level: debug}}\n")
    gateway.port = port
    with open(gateway.config) as file:
        text = file.read()
    assert "{groups: [room]}, admins: {users: ['room:teacher']}" in text
    text = text.replace("{groups: [room]}, admins: {users: ['room:teacher']}",
                        "{groups: [room, crew]}, admins: {groups: [staff]}")
    with open(gateway.config, "w") as file:
        file.write(text)
    return gateway


def oidc(issuer, number=1, more=""):
    name = "gateway" if number == 1 else f"gateway-{number}"
    return (f"{{type: oidc, issuer: '{issuer}', client_id: {name}, client_secret: '{SECRET}', groups_claim: groups, "
            f"attributes: [eduperson.entitlement] {more}}}")


def comes_in(home, provider):
    fry = Browser()
    back = fry.sign_in(home, "univ", "fry", "/hub/token")
    assert back.status == 303 and back.location == home + "/hub/token", (back.status, back.location, back.text[:2000])
    user = fry.user(home)
    assert user["name"] == "fry" and user["groups"] == ["crew"] and not user["admin"], user
    again = Browser()  # another browser, the same person
    assert again.sign_in(home, "univ", "fry").location == home + "/hub/home"
    assert again.user(home)["name"] == "fry"
    leela = Browser()
    assert leela.sign_in(home, "univ", "leela").status == 303
    assert leela.user(home)["name"] == "leela.t" and leela.user(home)["admin"], leela.user(home)


def foreign_targets(home, provider):
    """CVE-2019-10255, CVE-2026-33709: where a sign-in ends is ours to say."""
    for target in ["//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example/", "%2f%2fevil.example",
                   "/\t/evil.example", "javascript:alert(1)"]:
        back = Browser().sign_in(home, "univ", "fry", target)
        assert back.status == 303 and back.location == home + "/hub/home", (target, back.location)


def comes_back_once(home, provider):
    fry = Browser()
    url = fry.at_provider(fry.begin(home, "univ"), "fry", home)
    stranger = Browser()
    stolen = stranger.open(url)  # a state of another browser: refused before the code is spent
    assert stolen.status == 400 and stranger.user(home) is None, stolen.status
    assert fry.open(url).status == 303 and fry.user(home)
    replayed = fry.open(url)
    assert replayed.status == 400, replayed.status
    fry.jar.clear()
    assert fry.open(url).status == 400 and fry.user(home) is None
    for query in ["", "state=", "state=x&code=y", "code=y", "state=" + "A" * 43 + "&code=y", "error=access_denied"]:
        page = Browser().open(f"{home}/hub/auth/univ/callback?{query}")
        assert page.status == 400, (query, page.status)


def two_tabs(home, provider):
    fry = Browser()
    first, second = fry.begin(home, "univ", "/hub/token"), fry.begin(home, "univ", "/hub/home?b=2")
    late = fry.open(fry.at_provider(second, "fry", home))
    assert late.location == home + "/hub/home?b=2", late.location
    early = fry.open(fry.at_provider(first, "fry", home))
    assert early.location == home + "/hub/token", early.location
    flood = Browser()  # a page whose every request begins a sign-in
    for _ in range(20):
        url = flood.begin(home, "univ")
    flows = [cookie for cookie in flood.jar if "flow" in cookie.name]
    assert len(flows) <= 5, len(flows)
    assert flood.open(flood.at_provider(url, "fry", home)).status == 303


def mixed_up(home, provider):
    """A code of one provider with another one's state: RFC 9207."""
    fry = Browser()
    there = fry.at_provider(fry.begin(home, "univ"), "fry", home)
    other = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(fry.begin(home, "other")).query))
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(there).query))
    query["state"] = other["state"]
    page = fry.open(f"{home}/hub/auth/other/callback?{urllib.parse.urlencode(query)}")
    assert page.status == 403 and fry.user(home) is None, page.status
    query["state"] = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(there).query))["state"]
    page = fry.open(f"{home}/hub/auth/other/callback?{urllib.parse.urlencode(query)}")
    assert page.status == 400 and fry.user(home) is None, page.status


def hostile_names(home, provider):
    names = {}
    for login in ["evil", "capital", "wide", "zoe"]:
        browser = Browser()
        page = browser.sign_in(home, "univ", login)
        user = browser.user(home)
        names[login] = user and user["name"]
        assert user is None or (user["name"] != "fry" and "/" not in user["name"] and user["name"].isascii()), user
        assert page.status == (303 if user else 403), page.status
    assert names["evil"] and names["capital"].startswith("fry-") and names["wide"] is None, names
    for login in ["huge", "ghost", "stranger"]:
        browser = Browser()
        page = browser.sign_in(home, "univ", login)
        assert page.status == 403 and browser.user(home) is None, (login, page.status)
        assert len(page.text) < 60_000, "a name came back whole"


def keys_change(home, provider):
    provider.tell("rotate")
    assert Browser().sign_in(home, "univ", "fry").status == 303
    before = provider.tell("count")["jwks"]
    for _ in range(3):
        assert Browser().sign_in(home, "univ", "fry").status == 303
    assert provider.tell("count")["jwks"] == before, "keys are fetched for each sign-in"


def provider_fails(home, provider):
    stays = Browser()
    stays.sign_in(home, "univ", "fry")
    for path in ["token", "me"]:
        fry = Browser()
        url = fry.at_provider(fry.begin(home, "univ", "/hub/token"), "fry", home)
        provider.tell("down", paths=path)
        page = fry.open(url)
        assert page.status == 503 and fry.user(home) is None, (path, page.status)
        assert "next=%2Fhub%2Ftoken" in page.text or 'value="/hub/token"' in page.text, "the way is lost"
        provider.tell("down")
        assert fry.sign_in(home, "univ", "fry").status == 303, path
    assert stays.user(home)["name"] == "fry"
    declined = Browser()
    state = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(declined.begin(home, "univ")).query))["state"]
    query = {"state": state, "iss": provider.issuer, "error": "access_denied", "error_description": "<b>no</b>"}
    page = declined.open(f"{home}/hub/auth/univ/callback?{urllib.parse.urlencode(query)}")
    assert page.status == 403 and "<b>no" not in page.text, page.status


def signed_out_there(home, provider):
    fry, other = Browser(), Browser()
    fry.sign_in(home, "univ", "fry")
    other.sign_in(home, "univ", "fry")
    fry.sign_out_at_provider(provider.issuer)
    end = time.monotonic() + 1
    while fry.user(home) is not None:
        assert time.monotonic() < end, "still in a second after the sign-out"
        time.sleep(0.02)
    assert other.user(home)["name"] == "fry", "another sign-in of the same person ended too"
    for form in [{}, {"logout_token": "x"}, {"logout_token": "a.b.c"}, {"logout_token": "e30.e30.e30"}]:
        page = Browser().open(f"{home}/hub/auth/univ/backchannel-logout", form)
        assert page.status == 400, page.status
    assert Browser().open(f"{home}/hub/auth/univ/backchannel-logout").status == 405


def signs_out_there_too(home, provider):
    fry = Browser()
    fry.sign_in(home, "univ", "fry")
    page = fry.submit(home, "/hub/logout", "/hub/logout")
    there = page.headers.get("Refresh", "").partition("url=")[2]
    assert page.status == 200 and there.startswith(provider.issuer + "/session/end?id_token_hint="), (page.status, there)
    assert fry.user(home) is None
    secret = re.search(r'name="xsrf" value="([^"]+)"', fry.open(there).text).group(1)
    back = fry.open(f"{provider.issuer}/session/end/confirm", {"xsrf": secret, "logout": "yes"})
    assert back.location == home + "/hub/signed-out", back.location
    assert "<form" in fry.open(fry.open(fry.begin(home, "univ")).location).text, "the provider still knows the person"


def gone_before_launch(home, provider):
    bender, amy = Browser(), Browser()
    bender.sign_in(home, "univ", "bender")
    amy.sign_in(home, "univ", "amy")
    provider.tell("person", login="bender", gone=1)
    provider.tell("person", login="amy", groups="")
    for browser in [bender, amy]:
        page = browser.submit(home, "/hub/home", "/hub/spawn", profile="light")
        assert page.status == 303 and "/hub/login" in page.location, (page.status, page.location)
        assert browser.user(home) is None
    provider.tell("person", login="bender", gone=0)
    bender.sign_in(home, "univ", "bender")
    assert bender.user(home)["name"] == "bender"


def tokens_rotate():
    """Access tokens that are stale after four seconds: refreshed one at a time, however many ask; an outage changes nothing,
    and who is gone is out. The provider ends a sign-in whose old refresh token is shown again."""
    port = free_port()
    home = f"http://127.0.0.1:{port}"
    with Provider(f"{home}/hub/auth/univ/", ACCESS_SECONDS="64") as provider:
        with configured(port, {"univ": oidc(provider.issuer, more=", tokens_for_servers: true")}) as gateway:
            fry = Browser()
            fry.sign_in(home, "univ", "fry")

            def token(expected=200):
                page = fry.open(f"{home}/hub/api/user/auth-token")
                assert page.status == expected, (page.status, page.text)
                return page.status == 200 and json.loads(page.text)["access_token"]
            seen = [token()]
            while len(seen) < 3:
                time.sleep(0.2)  # what is waited for is a clock
                with concurrent.futures.ThreadPoolExecutor(8) as crowd:
                    together = set(crowd.map(lambda unused: token(), range(8)))
                if together != {seen[-1]}:
                    assert len(together - {seen[-1]}) == 1, "more than one refresh at once"
                    seen.append((together - {seen[-1]}).pop())
            assert provider.tell("count")["token"] == 3, provider.tell("count")
            time.sleep(4.5)
            provider.tell("down", paths="token")
            token(503)
            assert fry.user(home)["name"] == "fry", "an outage signed somebody out"
            provider.tell("down")
            assert token() not in seen
            time.sleep(4.5)
            provider.tell("person", login="fry", gone=1)
            assert fry.open(f"{home}/hub/api/user/auth-token").status in (401, 403, 404)
            assert fry.user(home) is None
            nothing_told(gateway)


def deep_check():
    """What check-config --deep says of a provider that is there, and of one that is not."""
    port = free_port()
    with Provider(f"http://127.0.0.1:{port}/hub/auth/univ/") as provider:
        gateway = configured(port, {"univ": oidc(provider.issuer)})
        for paths, code, words in [("", 0, ["1 usable keys", f"http://127.0.0.1:{port}/hub/auth/univ/callback"]),
                                   ("jwks", 1, ["key set: "]), ("discovery", 1, ["status 503"])]:
            provider.tell("down", paths=paths)
            done = subprocess.run([PROGRAM, "check-config", gateway.config, "--deep"], capture_output=True, text=True, timeout=60)
            assert done.returncode == code and all(word in done.stdout for word in words), (paths, done)
        shutil.rmtree(gateway.folder)


def nothing_told(gateway):
    """No code, token, state or secret in the log."""
    log = gateway.log()
    for word in [SECRET, "code=", "state=", "eyJ", "Bearer "]:
        assert word not in log, word


def other_clients():
    """The other ways to prove who we are, ES256, claims in the id_token, signed userinfo."""
    for environment, secret in [({"CLIENT_AUTH": "client_secret_post"}, True), ({"CLIENT_AUTH": "none"}, False),
                                ({"KEY_TYPE": "EC", "ID_TOKEN_CLAIMS": "1"}, True), ({"SIGNED_USERINFO": "1"}, True)]:
        port = free_port()
        home = f"http://127.0.0.1:{port}"
        with Provider(f"{home}/hub/auth/univ/", **environment) as provider:
            settings = oidc(provider.issuer)
            if not secret:
                settings = settings.replace(f"client_secret: '{SECRET}', ", "")
            if environment.get("CLIENT_AUTH") == "client_secret_post":
                settings = settings.replace("type: oidc", "type: oidc, client_auth: post")
            with configured(port, {"univ": settings}):
                fry = Browser()
                page = fry.sign_in(home, "univ", "fry")
                assert page.status == 303 and fry.user(home)["groups"] == ["crew"], (environment, page.status)


def with_a_key():
    """private_key_jwt: nothing secret is shared with the provider."""
    script = ("const k = require('crypto').generateKeyPairSync('rsa', {modulusLength: 2048});"
              "console.log(JSON.stringify([k.privateKey.export({type: 'pkcs8', format: 'pem'}), k.publicKey.export({format: 'jwk'})]))")
    pem, jwk = json.loads(subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True).stdout)
    port = free_port()
    home = f"http://127.0.0.1:{port}"
    environment = {"CLIENT_AUTH": "private_key_jwt", "CLIENT_KEY": json.dumps({**jwk, "kid": "hub-1", "use": "sig"})}
    with Provider(f"{home}/hub/auth/univ/", **environment) as provider:
        settings = oidc(provider.issuer).replace(f"client_secret: '{SECRET}'", "client_key: ./client.pem, client_key_id: hub-1")
        gateway = configured(port, {"univ": settings})
        with open(f"{gateway.folder}/client.pem", "w") as file:
            file.write(pem)
        with gateway:
            fry = Browser()
            assert fry.sign_in(home, "univ", "fry").status == 303 and fry.user(home)["name"] == "fry"


def main():
    port = free_port()
    home = f"http://127.0.0.1:{port}"
    with Provider(f"{home}/hub/auth/univ/") as provider, Provider(f"{home}/hub/auth/other/") as second:
        gateway = configured(port, {"univ": oidc(provider.issuer), "other": oidc(second.issuer)})
        provider.tell("down", paths="discovery")
        with gateway:
            page = Browser().open(f"{home}/hub/auth/univ/login?next=/hub/token")
            assert page.status == 503, page.status  # it starts without the provider, and says so
            provider.tell("down")
            for story in [comes_in, foreign_targets, comes_back_once, two_tabs, mixed_up, hostile_names, keys_change,
                          provider_fails, signed_out_there, signs_out_there_too, gone_before_launch]:
                start = time.monotonic()
                story(home, provider)
                print(f"{story.__name__}: {time.monotonic() - start:.2f} s", flush=True)
            nothing_told(gateway)
    tokens_rotate()
    deep_check()
    other_clients()
    with_a_key()


main()
