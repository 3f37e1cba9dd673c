"""Rights that end while somebody hostile is at work: a user who is removed or blocked while they make tokens and start servers as
fast as they can, and comes back under the same name; a group that is removed and made again."""

import json
import sys
import threading
import time

sys.path.insert(0, "tests/drivers")
from gateway import PASSWORD, Gateway, Person, Program, wait_until  # noqa: E402

EXTRA = """
roles:
  user: {scopes: [self, 'shares!user', 'read:users:name', 'read:groups:name']}
groups:
  crew: {users: []}
limits: {servers_per_user: 3}
"""


def code(answer, status=200):
    assert answer.status == status, (answer.status, answer.text[:600])
    return answer.json() if answer.body and answer.header("content-type").startswith("application/json") else None


class Hammer:
    """Several threads of one person who do `what` until told to stop; what it gives is kept."""

    def __init__(self, what, threads=3):
        self.over, self.got = threading.Event(), []
        self.threads = [threading.Thread(target=self.work, args=(what,)) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def work(self, what):
        while not self.over.is_set():
            try:
                result = what()
            except OSError:
                continue
            if result:
                self.got.append(result)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        return self.got


def minted(person):
    answer = person.api("POST", f"/users/{person.name}/tokens", {"note": "x", "expires_in": 3600})
    if answer.status == 201:
        return answer.json()["token"]
    return None


def came_in(gateway, name):
    again = Person(gateway, name)
    again.get("/hub/login")
    answer = again.post("/hub/auth/room/login", username=name, password=PASSWORD)
    return again if answer.status == 303 else None


def dead(gateway, tokens, people):
    alive = [token for token in tokens if Program(gateway, token).request("GET", "/hub/api/user").status != 403]
    assert not alive, f"{len(alive)} of {len(tokens)} tokens outlive their owner's rights"
    alive = [one for one in people if one.api("GET", "/user").status != 403]
    assert not alive, f"{len(alive)} of {len(people)} sessions outlive their owner's rights"


def blocked(gateway, teacher, rounds):
    """Tokens that are being made when their owner is put out."""
    count = 0
    for number in range(rounds):
        name = f"mallory{number}"
        person = Person(gateway, name).sign_in()
        hammer = Hammer(lambda p=person: minted(p))
        time.sleep(0.15)
        code(teacher.api("PUT", f"/users/{name}/block"), 204)
        time.sleep(0.05)
        tokens = hammer.end()
        count += len(tokens)
        dead(gateway, tokens, [person])
    return count


def removed(gateway, teacher, rounds):
    """Who starts servers and signs in again and again while being removed leaves nothing behind."""
    made = 0
    for number in range(rounds):
        name = f"oscar{number}"
        person = Person(gateway, name).sign_in()
        tokens = [minted(person)]
        people = [person]

        def work(me=person, who=name):
            me.api("POST", f"/users/{who}/server", {"profile": "light"})
            me.api("POST", f"/users/{who}/servers/b", {"profile": "light"})
            return minted(me)
        hammer = Hammer(work)
        time.sleep(0.3)
        answer = wait_until("removed", lambda n=name: (lambda a: a if a.status in (204, 404) else None)(
            teacher.api("DELETE", f"/users/{n}")), 30, 0.05)
        assert answer.status == 204, answer.text
        tokens += hammer.end()
        made += len(tokens)
        dead(gateway, [token for token in tokens if token], people)
        code(teacher.api("GET", f"/users/{name}"), 404)
        wait_until("nothing of theirs runs", lambda n=name: not [w for w in gateway.left_over().values() if n in w], 20)
        code(teacher.api("POST", f"/users/{name}"), 201)  # the same name again, by an administrator
        dead(gateway, [token for token in tokens if token], people)
        model = code(teacher.api("GET", f"/users/{name}"))
        assert model["servers"] == {} and not model["admin"], model
        again = came_in(gateway, name)
        assert again is not None and code(again.api("GET", f"/users/{name}/tokens"))["api_tokens"] == []
    running = [w for w in gateway.servers().values()]
    assert not running, running
    return made


def group_again(teacher, alice, bob):
    """What was shared with a group is not shared with another one of that name."""
    alice.launch()
    alice.wait_ready()
    code(teacher.api("POST", "/groups/crew/users", {"users": ["bob"]}))
    code(alice.api("POST", "/shares/alice/", {"group": "crew"}))
    assert bob.get("/user/alice/").status == 200
    code(teacher.api("DELETE", "/groups/crew"), 204)
    assert bob.get("/user/alice/").status in (403, 404)
    code(teacher.api("POST", "/groups/crew", {"users": ["bob"]}), 201)
    assert bob.get("/user/alice/").status in (403, 404), "a group inherits what was given to another one of its name"
    assert code(alice.api("GET", "/shares/alice/"))["items"] == []
    assert alice.stop().status == 204


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    began = time.monotonic()
    with Gateway(extra=EXTRA) as gateway:
        teacher = Person(gateway, "teacher").sign_in()
        alice, bob = Person(gateway, "alice").sign_in(), Person(gateway, "bob").sign_in()
        group_again(teacher, alice, bob)
        tokens = blocked(gateway, teacher, rounds)
        more = removed(gateway, teacher, rounds)
    print(json.dumps({"rounds": rounds, "tokens": tokens + more, "seconds": round(time.monotonic() - began, 1)}))


if __name__ == "__main__":
    main()
