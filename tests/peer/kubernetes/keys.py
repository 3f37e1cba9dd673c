"""Keys for S3 and a token of Vault, handed out at a launch for the token of a sign-in at a real OpenID provider: who gets them,
who does not, new ones on resuming, and nowhere to be read but in the release."""

import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import jwt

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "oidc"))
from browser import Browser, Provider  # noqa: E402
from drivers.gateway import Person  # noqa: E402

SECRET = "gateway-secret+/ %"


def signed_in_by(port):
    """A provider whose access tokens are signed, and what the gateway at `port` must know of it."""
    provider = Provider(f"http://127.0.0.1:{port}/hub/auth/univ/", ACCESS_JWT="1")
    provider.settings = (f"  univ: {{type: oidc, issuer: '{provider.issuer}', client_id: gateway, client_secret: '{SECRET}', "
                         f"groups: [room], tokens_for_servers: true, label: Campus}}\n")
    provider.extra = f"public_url: 'http://127.0.0.1:{port}'\n"
    return provider


def keyed_chart(site, original):
    """The minilab, with a place for Vault's token as well."""
    folder = site.cluster.at("keyed/minilab")
    shutil.copytree(original, folder)
    with open(os.path.join(folder, "values.schema.json")) as file:
        schema = json.load(file)
    place = {"type": "string", "default": ""}
    schema["properties"]["vault"] = {"type": "object", "properties": {
        "address": {**place, "x-onyxia": {"overwriteDefaultWith": "{{vault.VAULT_ADDR}}"}},
        "directory": {**place, "x-onyxia": {"overwriteDefaultWith": "{{vault.VAULT_MOUNT}}/{{vault.VAULT_TOP_DIR}}"}},
        "token": {**place, "render": "password", "x-onyxia": {"overwriteDefaultWith": "{{vault.VAULT_TOKEN}}"}}}}
    with open(os.path.join(folder, "values.schema.json"), "w") as file:
        json.dump(schema, file)
    site.run("package", folder, "-d", site.cluster.at("keyed"))
    return next(site.cluster.at(f"keyed/{n}") for n in os.listdir(site.cluster.at("keyed")) if n.endswith(".tgz"))


def come_in(gateway, login):
    browser = Browser()
    assert browser.sign_in(f"http://127.0.0.1:{gateway.port}", "univ", login).status == 303
    person = Person(gateway, login)
    person.cookies = {cookie.name: cookie.value for cookie in browser.jar if "flow" not in cookie.name}
    assert person.get("/hub/home").status == 200
    return person


def start(person, profile):
    answer = person.api("POST", f"/users/{person.name}/server", {"profile": profile})
    assert answer.status in (201, 202), (answer.status, answer.text)


def handed_out(keys):
    """All secrets that were given so far."""
    found = [value for _, given, _ in keys.given["sts"] for name, value in given.items() if name != "Expiration"]
    return found + [token for _, token in keys.given["vault"]]


def nowhere(gateway, keys, *texts):
    """No secret in what the gateway wrote or showed."""
    secrets = handed_out(keys)
    assert len(secrets) >= 4
    for folder, _, files in os.walk(gateway.data):
        for name in files:
            if not os.path.isfile(os.path.join(folder, name)):
                continue  # a socket
            with open(os.path.join(folder, name), "rb") as file:
                held = file.read()
            assert not [s for s in secrets if s.encode() in held], os.path.join(folder, name)
    for text in (gateway.log(), *texts):
        assert not [s for s in secrets if s in text], text[-2000:]
        assert "eyJ" not in text, text[-2000:]  # the provider's tokens neither


def events(person):
    return json.dumps(person.events())


def refused_with(person, profile, *words):
    answer = person.api("POST", f"/users/{person.name}/server", {"profile": profile})  # it may fail before that is answered
    server = person.wait_stopped(60) if answer.status in (201, 202) else answer.json()
    assert server["cause"] == "profile-forbidden", server
    page = person.get(f"/hub/spawn-pending/{person.name}").text
    told = json.dumps(server) + page
    for word in words:
        assert word in told, (word, server, page[:3000])
    return page


def check_the_stand_in(keys):
    """It must know a forged token from a good one, or the rest shows nothing."""
    forged = jwt.encode({"sub": "fry", "iss": keys.issuer, "aud": keys.audience, "exp": time.time() + 60}, "x" * 32,
                        algorithm="HS256", headers={"kid": "made-up"})
    body = urllib.parse.urlencode({"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15",
                                   "RoleArn": "arn:minio:iam:::role/notebooks", "WebIdentityToken": forged}).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(keys.url, body, timeout=10)
        raise AssertionError("a forged token was taken")
    except urllib.error.HTTPError as refused:
        assert refused.code == 400 and b"InvalidIdentityToken" in refused.read()


def check_keys(gateway, site, keys):
    check_the_stand_in(keys)
    keys.asked.clear()
    fry = come_in(gateway, "fry")
    page = fry.get("/hub/launcher/keyed").text
    assert not keys.given["sts"] and "came another way" not in page, page  # a form asks nobody
    keys.away = 1  # asked again
    start(fry, "keyed")
    fry.wait_ready(90)
    (who, given, form), (also, token) = keys.given["sts"][-1], keys.given["vault"][-1]
    assert (who, also) == ("fry", "fry") and form["DurationSeconds"] == "1200" and form["RoleSessionName"] == "fry", form
    assert keys.asked.count("/") == 2, keys.asked
    values = site.values("minilab-fry")
    port = urllib.parse.urlsplit(keys.url).port
    assert values["s3"]["accessKeyId"] == given["AccessKeyId"] and values["s3"]["secretAccessKey"] == given["SecretAccessKey"]
    assert values["s3"]["sessionToken"] == given["SessionToken"] and values["s3"]["endpoint"] == f"https://127.0.0.1:{port}", values
    assert values["vault"] == {"address": keys.url, "directory": "kv/fry", "token": token}, values
    shown = events(fry)
    # Stopping keeps the release; starting again gets new keys.
    fry.stop()
    fry.wait_stopped(150)
    page = fry.get("/hub/launcher/keyed").text
    start(fry, "keyed")
    fry.wait_ready(90)
    again = site.values("minilab-fry")
    assert again["s3"]["secretAccessKey"] == keys.given["sts"][-1][1]["SecretAccessKey"] != given["SecretAccessKey"]
    assert again["vault"]["token"] == keys.given["vault"][-1][1] != token
    teacher = Person(gateway, "teacher").sign_in()
    nowhere(gateway, keys, shown, page, events(fry), teacher.get("/hub/admin").text, fry.api("GET", "/users/fry").text)
    fry.stop()
    # Refused: the service's own words, but not the token that it repeats.
    amy = come_in(gateway, "amy")
    pages = [refused_with(amy, "strict", "AccessDenied", "does not exist")]
    keys.audience = "https://somebody.else"
    start(amy, "keyed")  # goes on without
    amy.wait_ready(90)
    assert site.values("minilab-amy")["s3"]["accessKeyId"] == "", site.values("minilab-amy")
    shown = events(amy)
    assert "S3 keys: none: its words hold the token" in shown, shown
    amy.stop()
    keys.audience = "https://keys.example"
    # Who came another way is told before, and may start what does not need them.
    hermes = Person(gateway, "hermes").sign_in()
    page = hermes.get("/hub/launcher/keyed").text
    assert "keys to S3 storage" in page and "Campus" in page and "token to Vault" in page, page
    pages.append(refused_with(hermes, "strict", "need a sign-in"))
    nowhere(gateway, keys, *pages, shown)
    amy.wait_stopped(150)
    fry.wait_stopped(150)
