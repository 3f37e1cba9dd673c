"""A browser as far as a sign-in needs one: cookies by host and path, redirects one at a time, and the forms of the
provider's test pages."""

import http.cookiejar
import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

PROVIDER = "tests/peers/oidc/provider.mjs"


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *unused):
        return None


class Page:
    def __init__(self, url, answer):
        self.url, self.status, self.headers = url, answer.status, answer.headers
        self.text = answer.read().decode("utf-8", "replace")

    @property
    def location(self):
        return urllib.parse.urljoin(self.url, self.headers.get("Location", "")) if self.headers.get("Location") else ""


class Browser:
    def __init__(self):
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay(),
                                                  urllib.request.HTTPCookieProcessor(self.jar))

    def open(self, url, form=None, headers=None):
        data = None if form is None else urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(url, data, headers or {})
        try:
            return Page(url, self.opener.open(request, timeout=30))
        except urllib.error.HTTPError as answer:
            return Page(url, answer)

    def begin(self, gateway, method, next_page=""):
        """To the provider's door: the address of the authorization request."""
        page = self.open(f"{gateway}/hub/auth/{method}/login" + (f"?next={urllib.parse.quote(next_page)}" if next_page else ""))
        assert page.status == 303, (page.status, page.text[:2000])
        return page.location

    def at_provider(self, url, login, gateway):
        """Through the provider's pages: the address that leads back to us, not opened."""
        page = self.open(url)
        for _ in range(12):
            if page.location:
                if page.location.startswith(gateway):
                    return page.location
                page = self.open(page.location)
                continue
            action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', page.text)
            assert action and prompt, (page.status, page.url, page.text[:1000])
            form = {"prompt": prompt.group(1)}
            if prompt.group(1) == "login":
                form.update(login=login, password="x")
            page = self.open(urllib.parse.urljoin(page.url, action.group(1).replace("&amp;", "&")), form)
        raise AssertionError("no end at the provider")

    def sign_in(self, gateway, method, login, next_page=""):
        """The answer to the callback."""
        return self.open(self.at_provider(self.begin(gateway, method, next_page), login, gateway))

    def sign_out_at_provider(self, issuer):
        page = self.open(f"{issuer}/session/end")
        secret = re.search(r'name="xsrf" value="([^"]+)"', page.text).group(1)
        return self.open(f"{issuer}/session/end/confirm", {"xsrf": secret, "logout": "yes"})

    def submit(self, gateway, page, path, **fields):
        """A form of ours, as `page` shows it."""
        token = re.search(r'name="_xsrf" value="([^"]+)"', self.open(gateway + page).text).group(1)
        return self.open(gateway + path, {"_xsrf": token, **fields}, {"Origin": gateway})

    def user(self, gateway):
        """Who the gateway takes this browser for; None: nobody."""
        page = self.open(f"{gateway}/hub/api/user", headers={"Accept": "application/json"})
        return json.loads(page.text) if page.status == 200 else None


class Provider:
    """The provider as a process of ours; it ends when its standard input does."""

    def __init__(self, *clients, **environment):
        import os
        self.process = subprocess.Popen(["node", PROVIDER, *clients], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, env={**os.environ, **environment})
        self.issuer = json.loads(self.process.stdout.readline())["issuer"]

    def tell(self, what, **query):
        url = f"{self.issuer}/peer/{what}?{urllib.parse.urlencode(query)}"
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
            return json.load(answer)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)
