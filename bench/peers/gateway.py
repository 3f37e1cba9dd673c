"""passerelle as a peer: the real program with a real session. Signs in and launches through its pages, as a person does,
so that every request of the load is checked like a person's. The upstream is a server that the local spawner runs."""

import http.cookiejar
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser

from peers import Peer

ANSWER = "x" * 200  # upstream.cpp's
CONFIGURATION = """
public_url: http://127.0.0.1:{port}
listen: {{http: "127.0.0.1:{port}"}}
data_dir: {folder}/data-{transport}
authenticators: {{bench: {{type: dummy, password_file: {password_file}, claim: false}}}}
access: {{allow: all}}
spawners: {{here: {{type: local}}}}
profiles:
  - {{name: upstream, spawner: here, command: ["{upstream}", "--core", "1"], transport: {transport}}}
proxy: {{threads: 1, max_connections_per_address: 0}}
log: {{access: false}}
"""


class Forms(HTMLParser):
    """The forms of a page: the action, and the fields as they stand."""

    def __init__(self, page):
        super().__init__()
        self.forms = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag == "form":
            self.forms.append({"action": a.get("action", ""), "fields": {}})
        elif tag in ("input", "button") and self.forms and a.get("name"):
            if a.get("type") not in ("radio", "checkbox") or "checked" in a:
                self.forms[-1]["fields"][a["name"]] = a.get("value", "")


def has_field(page, name):
    return any(name in form["fields"] for form in Forms(page).forms)


def has_action(page, text):
    return any(text in form["action"] for form in Forms(page).forms)


class Gateway(Peer):
    checks = "session"

    def __init__(self, name, folder, upstream_port, program, upstream, transport):
        super().__init__(name, folder, upstream_port)
        self.program, self.upstream, self.transport = program, upstream, transport
        self.origin = f"http://127.0.0.1:{self.port}"
        self.jar = http.cookiejar.CookieJar()
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def start(self):
        password = secrets.token_hex(16)
        password_file = self.folder / f"password-{self.transport}"
        password_file.write_text(password)
        password_file.chmod(0o600)
        configuration = self.folder / f"passerelle-{self.transport}.yaml"
        configuration.write_text(CONFIGURATION.format(port=self.port, folder=self.folder, transport=self.transport,
                                                      password_file=password_file, upstream=self.upstream))
        self.spawn([str(self.program), "serve", "--config", str(configuration)])
        page, _ = self.open("/hub/login")
        if has_field(page, "password"):  # a restart keeps the session
            self.submit(page, "password", username="bench", password=password)
        self.launch()
        self.headers_file = self.folder / f"headers-{self.transport}"
        self.headers_file.write_text("Cookie: " + "; ".join(f"{c.name}={c.value}" for c in self.jar) + "\n")
        self.headers_file.chmod(0o600)

    def launch(self):
        page = self.wait_for("the page to launch from", "/hub/spawn", lambda page: has_field(page, "profile"))
        self.submit(page, "profile")
        self.path = "/user/bench"
        self.wait_for("its server", self.path + "/", lambda body: body == ANSWER)
        self.refuse_strangers()

    def wait_for(self, what, path, good, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            page, _ = self.open(path)
            if good(page):
                return page
            time.sleep(0.05)
        raise RuntimeError(f"{self.name}: {what} did not come in {seconds} s, see {self.log}")

    def refuse_strangers(self):
        """What is measured is a checked request: without the session's cookie none may get through."""
        try:
            with urllib.request.urlopen(self.origin + self.path + "/", timeout=30) as answer:
                passed = answer.read().decode() == ANSWER
        except urllib.error.HTTPError:
            passed = False
        if passed:
            raise RuntimeError(f"{self.name} let a request without a session through")

    def stop(self):
        """Ends the server first: it is made to outlive the gateway."""
        if self.process:
            try:
                self.stop_server()
            except (RuntimeError, OSError) as problem:
                print(f"{self.name}: its server may still run ({problem})", file=sys.stderr)
        super().stop()

    def stop_server(self):
        page, _ = self.open("/hub/home")
        if not has_action(page, "/hub/stop/"):
            return
        self.submit(page, None, action="/hub/stop/")
        # While it stops there is neither button; afterwards it can be started again.
        self.wait_for("the end of its server", "/hub/home", lambda page: has_action(page, "/hub/spawn"))

    def open(self, path, data=None):
        headers = {"Accept": "text/html", "Origin": self.origin, "Sec-Fetch-Site": "same-origin"}
        request = urllib.request.Request(urllib.parse.urljoin(self.origin, path), data=data, headers=headers)
        try:
            with self.browser.open(request, timeout=30) as answer:
                return answer.read().decode(), answer.status
        except urllib.error.HTTPError as refused:
            return refused.read().decode(), refused.code

    def submit(self, page, field, action="", **values):
        """Sends the form that has this field, or (without one) whose action holds this text."""
        for form in Forms(page).forms:
            if field in form["fields"] if field else action in form["action"]:
                fields = urllib.parse.urlencode({**form["fields"], **values}).encode()
                body, status = self.open(form["action"], fields)
                if status >= 400:
                    raise RuntimeError(f"{self.name}: {form['action']} answered {status}")
                return body
        raise RuntimeError(f"{self.name}: no form with {field or action} on the page")
