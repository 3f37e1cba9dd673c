"""The whole way through the real program and a real directory: the page, wrong passwords, groups that decide what can be
launched and who administers, somebody who leaves, and a directory that goes away."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
from drivers.gateway import Gateway, Person, TEST_SERVER, wait_until  # noqa: E402
from peers.slapd.slapd import BASE, LOOKUP, LOOKUP_PASSWORD, Slapd  # noqa: E402

PEOPLE = "ou=people," + BASE


def configuration(planet):
    return (f"  univ:\n    type: ldap\n    uri: {planet.uri}\n    ca_file: {planet.ca}\n"
            f"    bind_dn: '{LOOKUP}'\n    bind_password: {LOOKUP_PASSWORD}\n    user_base: '{BASE}'\n"
            f"    group_base: 'ou=groups,{BASE}'\n    timeout: 5s\n    connect_timeout: 2s\n")


PROFILES = {"light": {"command": [TEST_SERVER, "serve"]},
            "bridge": {"command": [TEST_SERVER, "serve"], "allow": {"groups": ["pilots"]}}}


class Member(Person):
    def try_password(self, password):
        self.get("/hub/login")
        return self.post("/hub/auth/univ/login", username=self.name, password=password)

    def sign_in(self, password=None):
        answer = self.try_password(password or self.name + "-pass")
        assert answer.status == 303, (answer.status, answer.text[:2000])
        return self



def check_sign_in(gateway):
    page = Member(gateway, "fry").get("/hub/login").text
    assert "/hub/auth/univ/login" in page and "With your account" in page, page[:3000]
    assert "Avec votre compte" in Member(gateway, "fry", "fr").get("/hub/login").text
    fry = Member(gateway, "fry").sign_in()
    assert fry.get("/hub/home").status == 200
    launch = fry.get("/hub/spawn").text
    assert 'value="light"' in launch or "light" in launch
    assert "bridge" not in launch, "not a pilot"
    leela = Member(gateway, "leela").sign_in()
    assert "bridge" in leela.get("/hub/spawn").text, "a pilot"
    assert sorted(leela.model()["groups"]) == ["crew", "hpc (gpu)", "pilots", "staff"], leela.model()
    leela.launch("bridge")
    leela.wait_ready()
    leela.stop()
    leela.wait_stopped()


def check_wrong_passwords(gateway):
    secret = "never to be written anywhere"
    amy = Member(gateway, "amy.wong")
    answers = [amy.try_password(secret).status for _ in range(8)]
    assert answers[0] == 403 and 429 in answers, answers
    locked = Member(gateway, "bender").try_password("bender-pass")
    wrong = Member(gateway, "nobody-at-all").try_password("guess")
    assert locked.status == wrong.status == 403

    def heart(answer, name):
        start = answer.text.index("<main")
        return answer.text[start:answer.text.index("</main>")].replace(name, "NAME").replace(answer_token(answer), "")
    assert heart(locked, "bender") == heart(wrong, "nobody-at-all"), "the page must not tell a locked account"
    log = gateway.log()
    assert '"code":"locked"' in log, "but the log does"
    assert secret not in log and "bender-pass" not in log and LOOKUP_PASSWORD not in log


def answer_token(answer):
    marker = 'name="_xsrf" value="'
    start = answer.text.index(marker) + len(marker)
    return answer.text[start:answer.text.index('"', start)]


def check_injection(gateway):
    for name in ("*", ")(uid=*", "../fry", "fry\0", "fry)(|(uid=*", "a" * 5000):
        answer = Member(gateway, name).try_password("fry-pass")
        assert answer.status in (400, 403, 429), (name[:20], answer.status)
    person = Member(gateway, "zoe")
    assert person.try_password("zoé-päss wörd").status == 303


def check_outage(gateway, planet):
    kif = Member(gateway, "kif").sign_in()
    planet.stop()
    start = time.monotonic()
    answer = Member(gateway, "nibbler").try_password("nibbler-pass")
    assert answer.status == 503, answer.status
    assert planet.uri not in answer.text and "127.0.0.1:" + str(planet.port) not in answer.text
    assert time.monotonic() - start < 6
    assert kif.get("/hub/home").status == 200, "an outage is no sign-out"
    planet.start(same_ports=True)
    wait_until("the directory is asked again", lambda: Member(gateway, "nibbler").try_password("nibbler-pass").status == 303, 30,
               0.3)


def main():
    with Slapd() as planet:
        extra = "sessions: {refresh: 1s}"
        gateway = Gateway(PROFILES, extra, authenticators=configuration(planet))
        with open(gateway.config) as file:
            text = file.read()
        text = text.replace("allow: {groups: [room]}", "allow: {groups: [room, staff]}")
        with open(gateway.config, "w") as file:
            file.write(text.replace("admins: {users: ['room:teacher']}", "admins: {users: ['room:teacher'], groups: [teachers]}"))
        with gateway:
            check_sign_in(gateway)
            prof = Member(gateway, "prof").sign_in()
            assert prof.model()["admin"], prof.model()
            check_injection(gateway)
            check_outage(gateway, planet)
            check_wrong_passwords(gateway)  # last: it uses up tries
    print("ok")


if __name__ == "__main__":
    main()
