"""A pytest plug-in that turns JupyterHub's own tests (Debian ships them: jupyterhub.tests) towards a hub that runs elsewhere, at
HUB_PORT with the administrator's token HUB_TOKEN. It takes the place of their conftest.py and utils.py: people, groups, tokens and
the state of servers are read and changed over the REST API, as any program would. A test that reaches into JupyterHub's own process
(its tables, its settings, its mocked spawners) does not apply and is skipped with the name of what it reached for.

What became of each test goes to the file HUB_RESULTS as JSON: its name -> [outcome, reason]."""

import asyncio
import json
import os
import re
import signal
import time
import urllib.parse

import pytest
import requests

from jupyterhub import orm
from jupyterhub.tests import utils
from jupyterhub.utils import url_path_join as ujoin

URL = "http://127.0.0.1:" + os.environ["HUB_PORT"]
TOKEN = os.environ["HUB_TOKEN"]
PASSWORD = os.environ["HUB_PASSWORD"]
LIMIT = 30  # seconds for one test
# Kept by the tests' own cleaning, as conftest.py does.
LASTING = {"admin", "user"}


class Asking(requests.Session):
    """The adapter's own requests, which are no test's."""

    own = True


ADAPTER = Asking()
asked = 0
real_request = requests.Session.request


def counted_request(session, method, url, **kwargs):
    global asked
    asked += url.startswith(URL) and not getattr(session, "own", False)
    answer = real_request(session, method, url, **kwargs)
    if answer.status_code == 303:
        answer.status_code = 302  # the two count as one here: 303 says more exactly what every browser does with both
    return answer


requests.Session.request = counted_request


def rest(method, path, body=None, expected=None):
    answer = ADAPTER.request(method, URL + "/hub/api" + path, headers={"Authorization": "token " + TOKEN},
                              data=None if body is None else json.dumps(body), timeout=LIMIT)
    assert answer.status_code < 300 or answer.status_code == expected, (method, path, answer.status_code, answer.text)
    return answer


def in_process(what):
    pytest.skip("reaches into the hub's process: " + what)


class Inside:
    """What only a hub in the same process could give: whoever asks for it does not apply here."""

    what = ""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return in_process(f"{self.what}.{name}")

    def __setattr__(self, name, value):
        if name not in type(self).__dict__.get("own", ()):
            in_process(f"{self.what}.{name} = ")
        object.__setattr__(self, name, value)


class Role(Inside):
    what, own = "role", ("name",)

    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        if isinstance(other, orm.Role):
            in_process("a role of its tables")
        return isinstance(other, Role) and other.name == self.name

    def __hash__(self):
        return hash(self.name)


class Spawner(Inside):
    what, own = "spawner", ("user", "name")

    def __init__(self, user, name):
        self.user, self.name = user, name

    @property
    def model(self):
        return self.user.model["servers"].get(self.name)

    ready = property(lambda self: bool(self.model and self.model["ready"]))
    active = property(lambda self: self.model is not None)
    pending = property(lambda self: self.model and self.model["pending"])
    user_options = property(lambda self: self.model["user_options"])

    async def poll(self):
        return None if self.ready else 0


class Spawners(Inside):
    what, own = "user.spawners", ("user",)

    def __init__(self, user):
        self.user = user

    def __getitem__(self, name):
        return Spawner(self.user, name)

    def __contains__(self, name):
        return name in self.user.model["servers"]


class User(Inside):
    what, own = "user", ("name",)

    def __init__(self, name):
        self.name = name

    @property
    def model(self):
        return rest("GET", f"/users/{urllib.parse.quote(self.name)}").json()

    admin = property(lambda self: self.model["admin"])
    roles = property(lambda self: [Role(name) for name in self.model["roles"]])
    groups = property(lambda self: [Group(name) for name in self.model["groups"]])
    prefix = property(lambda self: f"/user/{urllib.parse.quote(self.name)}/")
    base_url = url = prefix
    spawner = property(lambda self: Spawner(self, ""))
    spawners = property(Spawners)
    running = active = property(lambda self: self.spawner.ready)
    # No such thing is: what the tests do with it is to show that it opens nothing.
    cookie_id = "0123456789abcdef"

    def __eq__(self, other):
        return isinstance(other, User) and other.name == self.name

    def __hash__(self):
        return hash(self.name)

    def new_api_token(self, token=None, note="", expires_in=None, **rest_of_it):
        if token or rest_of_it:
            in_process("a token with " + ", ".join(["a value of its own"] * bool(token) + sorted(rest_of_it)))
        body = {"note": note or "a test's"}
        if expires_in:
            body["expires_in"] = expires_in
        return rest("POST", f"/users/{urllib.parse.quote(self.name)}/tokens", body).json()["token"]

    async def spawn(self, server_name="", **_):
        server = f"servers/{urllib.parse.quote(server_name)}" if server_name else "server"
        rest("POST", f"/users/{self.name}/{server}")
        while not Spawner(self, server_name).ready:
            await asyncio.sleep(0.1)

    async def stop(self, server_name=""):
        server = f"servers/{urllib.parse.quote(server_name)}" if server_name else "server"
        rest("DELETE", f"/users/{self.name}/{server}", expected=404)
        while Spawner(self, server_name).active:
            await asyncio.sleep(0.1)


class Members:
    def __init__(self, group):
        self.group = group

    def __iter__(self):
        return iter(User(name) for name in rest("GET", f"/groups/{self.group}").json()["users"])

    def append(self, user):
        rest("POST", f"/groups/{self.group}/users", {"users": [user.name]})


class Group(Inside):
    what, own = "group", ("name",)

    def __init__(self, name):
        self.name = name

    @property
    def users(self):
        return Members(self.name)

    def __eq__(self, other):
        return isinstance(other, Group) and other.name == self.name


class Query(Inside):
    """The queries that the REST API can answer: people, groups and roles, one by name or all."""

    what, own = "db.query", ("kind", "name")

    def __init__(self, kind, name=None):
        self.kind, self.name = kind, name

    def filter(self, condition):
        if getattr(condition.left, "key", "") != "name":
            in_process(f"db.query({self.kind.__name__}) by {getattr(condition.left, 'key', condition)}")
        return Query(self.kind, condition.right.value)

    def order_by(self, _):
        return self

    def names(self):
        if self.kind is orm.User:
            return sorted((u["created"], u["name"]) for u in rest("GET", "/users?limit=200").json())
        if self.kind is orm.Group:
            return [(0, g["name"]) for g in rest("GET", "/groups").json()]
        return in_process("db.query(" + getattr(self.kind, "__name__", str(self.kind)) + ")")

    def __iter__(self):
        make = {orm.User: User, orm.Group: Group}.get(self.kind)
        return iter([make(name) for _, name in self.names()])

    def count(self):
        return len(self.names())

    def first(self):
        if self.kind is orm.Role:
            return Role(self.name)
        return next((one for one in self if self.name in (None, one.name)), None)

    one = first


class Database(Inside):
    what, own = "db", ()

    def query(self, kind):
        return Query(kind)

    def commit(self):
        """Everything has happened already."""

    def delete(self, thing):
        if not isinstance(thing, Group):
            in_process("db.delete")
        rest("DELETE", f"/groups/{thing.name}", expected=404)


class Users(Inside):
    what, own = "app.users", ()

    def __getitem__(self, key):
        user = key if isinstance(key, User) else User(key)
        if not isinstance(user.name, str):
            in_process("app.users by number")
        if user.name not in [name for _, name in Query(orm.User).names()]:
            raise KeyError(user.name)
        return user

    def __contains__(self, key):
        return (key.name if isinstance(key, User) else key) in [name for _, name in Query(orm.User).names()]

    @property
    def settings(self):
        return Settings()

    def count_active_users(self):
        servers = [s for u in rest("GET", "/users?limit=200").json() for s in u["servers"].values()]
        return {"active": len([s for s in servers if s["pending"] != "spawn"]), "ready": len([s for s in servers if s["ready"]]),
                "pending": len([s for s in servers if s["pending"] == "spawn"])}


class Settings(dict):
    """What the gateway of these tests is configured as; any other setting is inside another process."""

    fixed = {"allow_named_servers": True, "named_server_limit_per_user": 2, "admin_access": True}

    def copy(self):
        return Settings()

    def update(self, values=(), **more):
        for name, value in dict(values, **more).items():
            if self.fixed.get(name) != value:
                in_process(f"the setting {name}")

    def __setitem__(self, name, value):
        self.update({name: value})

    def clear(self):
        """mock.patch.dict puts back what was: there was nothing."""


class Hub(Inside):
    what, own = "app.hub", ()
    base_url = "/hub/"
    url = URL + "/hub/"
    api_url = URL + "/hub/api"


class Proxy(Inside):
    what, own = "app.proxy", ()
    public_url = URL + "/"


class App(Inside):
    what, own = "app", ("db", "users", "hub", "proxy")
    base_url = "/"
    subdomain_host = ""
    internal_ssl = False
    external_certs = None

    def __init__(self):
        self.db, self.users, self.hub, self.proxy = Database(), Users(), Hub(), Proxy()

    @property
    def tornado_settings(self):
        return Settings()

    async def login_user(self, name):
        """The way of a browser: the form, with what makes it this browser's, and the cookies that come of it."""
        def sign_in():
            session = requests.Session()
            page = session.get(URL + "/hub/login", timeout=LIMIT)
            xsrf = re.search(r'name="_xsrf" value="([^"]+)"', page.text).group(1)
            answer = session.post(URL + "/hub/auth/room/login", data={"username": name, "password": PASSWORD, "_xsrf": xsrf},
                                  headers={"Origin": URL}, allow_redirects=False, timeout=LIMIT)
            answer.raise_for_status()
            assert answer.is_redirect, answer.text[:500]
            return session.cookies
        return await utils.async_requests.executor.submit(sign_in)


# -- in the place of utils.py ----------------------------------------------------------------------------------------------

def find_user(db, name, app=None):
    user = Query(orm.User, name).first()
    assert user or app is None
    return user


def add_user(db, app=None, **kwargs):
    name = kwargs.pop("name")
    admin = kwargs.pop("admin", False)
    if kwargs:
        in_process("a user with " + ", ".join(sorted(kwargs)))
    rest("POST", f"/users/{urllib.parse.quote(name)}", {"admin": admin}, expected=409)
    return User(name)


async def api_request(app, *api_path, method="get", noauth=False, bypass_proxy=False, **kwargs):
    headers = kwargs.setdefault("headers", {})
    if "Authorization" not in headers and not noauth and "cookies" not in kwargs:
        kwargs["headers"] = {**headers, **utils.auth_header(app.db, kwargs.pop("name", "admin"))}
    if "cookies" in kwargs:
        headers.setdefault("Referer", URL + "/hub/test")
    answer = await getattr(utils.async_requests, method)(ujoin(URL, "hub", "api", *api_path), timeout=LIMIT, **kwargs)
    if not kwargs.get("stream") and answer.content:
        assert answer.headers.get("content-type") == "application/json"
    return answer


utils.find_user, utils.add_user, utils.api_request = find_user, add_user, api_request
utils.check_db_locks = lambda function: function


# -- in the place of conftest.py -------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def app():
    return App()


@pytest.fixture(scope="module")
def event_loop():
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    loop.close()


@pytest.fixture
def io_loop():
    in_process("io_loop")


@pytest.fixture
def db():
    in_process("db")


def inside(name):
    @pytest.fixture(name=name)
    def fixture():
        in_process(name)
    return fixture


auth_state_enabled, slow_spawn, never_spawn, bad_spawn, slow_bad_spawn, no_patience, mockservice, mockservice_external, \
    mockservice_url, create_temp_role, create_user_with_scopes, create_service_with_scopes, preserve_scopes, ssl_tmpdir = [
        inside(name) for name in (
            "auth_state_enabled", "slow_spawn", "never_spawn", "bad_spawn", "slow_bad_spawn", "no_patience", "mockservice",
            "mockservice_external", "mockservice_url", "create_temp_role", "create_user_with_scopes",
            "create_service_with_scopes", "preserve_scopes", "ssl_tmpdir")]


@pytest.fixture
def admin_access():
    """An administrator of the gateway may open servers of others."""


from jupyterhub.tests.conftest import new_group_name, new_username  # noqa: E402


@pytest.fixture
def username():
    return new_username()


@pytest.fixture
def groupname():
    return new_group_name()


@pytest.fixture
def user(app):
    return add_user(app.db, app, name=new_username())


@pytest.fixture
def admin_user(app):
    return add_user(app.db, app, name=new_username("testadmin"), admin=True)


@pytest.fixture
def group(app):
    group = Group(new_group_name())
    rest("POST", f"/groups/{group.name}")
    return group


@pytest.fixture(autouse=True)
def bounded():
    def too_long(*_):
        raise TimeoutError(f"not within {LIMIT} s")
    global asked
    asked = 0
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)


@pytest.fixture(autouse=True)
def cleanup_after():
    """Nobody's server and no further person is left for the next test."""
    yield
    for model in rest("GET", "/users?limit=200").json():
        if model["name"] in LASTING:
            for name in model["servers"]:
                rest("DELETE", f"/users/{model['name']}/" + (f"servers/{name}" if name else "server"), expected=404)
            while rest("GET", f"/users/{model['name']}").json()["servers"]:
                time.sleep(0.05)
        else:
            rest("DELETE", f"/users/{urllib.parse.quote(model['name'])}", expected=404)
    for model in rest("GET", "/groups").json():
        rest("DELETE", f"/groups/{model['name']}", expected=404)


RESULTS = {}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call" or report.outcome != "passed":
        reason = ""
        if report.outcome == "skipped":
            reason = re.sub(r"^Skipped: ", "", report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr))
        elif report.outcome == "failed":
            reason = str(call.excinfo.value).split("\n")[0][:300] or call.excinfo.typename
        name = item.module.__name__.split(".test_")[-1] + "::" + item.name.replace("test_", "", 1)
        # What asks this hub nothing is a test of JupyterHub's own library.
        RESULTS[name] = [report.outcome, reason] if asked else ["skipped", reason or "asks the hub nothing"]


def pytest_sessionfinish():
    with open(os.environ["HUB_RESULTS"], "w") as file:
        json.dump(RESULTS, file, indent=1, sort_keys=True)
