"""What the test of charts sees and serves: the form of a page as a browser without JavaScript has it, and a Helm repository."""

import base64
import html.parser
import http.server
import os
import shutil
import ssl
import subprocess
import threading

HERE = os.path.dirname(os.path.abspath(__file__))


class Form(html.parser.HTMLParser):
    """The fields of the page chart as a browser would send them, and what is said beside them."""

    def __init__(self, page):
        super().__init__()
        self.fields, self.wrong, self.options, self.orders = {}, {}, {}, []
        self.shown, self.links = set(), []
        self.select = self.area = self.said = None
        self.hidden_row = False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        name = given.get("name", "")
        if tag == "div":
            self.hidden_row = "hidden" in given
        if name.startswith("v:") and not self.hidden_row and given.get("type") != "hidden":
            self.shown.add(name)
        if tag == "input" and name and "disabled" not in given and (given.get("type") != "checkbox" or "checked" in given):
            self.fields[name] = given.get("value") or ""
        if tag == "select":
            self.select = name
        if tag == "option" and self.select:
            self.options.setdefault(self.select, []).append(given["value"])
            if "selected" in given:
                self.fields[self.select] = given["value"]
        if tag == "textarea":
            self.area, self.fields[name] = name, ""
        if tag == "button" and name == "do":
            self.orders.append(given["value"])
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag == "p" and given.get("class") == "wrong":
            self.said = given["id"]

    def handle_endtag(self, tag):
        self.select = None if tag == "select" else self.select
        self.area = None if tag == "textarea" else self.area
        self.said = None if tag == "p" else self.said

    def handle_data(self, data):
        if self.area:
            self.fields[self.area] += data
        if self.said:
            self.wrong[self.said] = data


class Repository:
    """The folder over HTTPS, with a login; archives are kept elsewhere, as they often are. Counts what it was asked."""

    def __init__(self, site):
        folder, asked = self.packed(site), []
        self.folder, self.asked = folder, asked
        pem = site.cluster.at("repository.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=repository", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", pem + ".key", "-out", pem],
                       check=True, capture_output=True)

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=folder)

            def do_GET(self):
                asked.append(self.path)
                login = "Basic " + base64.b64encode(b"gateway:of the repository").decode()
                if self.headers.get("Authorization") != login:
                    self.send_error(401)
                elif self.path.endswith(".tgz") and not self.path.startswith("/kept/"):
                    self.send_response(302)
                    self.send_header("Location", "/kept" + self.path)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                else:
                    self.path = self.path.removeprefix("/kept")
                    super().do_GET()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem, pem + ".key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        site.repository_url = f"https://127.0.0.1:{self.server.server_port}"

    @staticmethod
    def packed(site):
        """Two versions of the chart and one before a release, an archive that is none, and a chart that is not wanted."""
        folder = site.cluster.at("repository")
        os.mkdir(folder)
        chart = os.path.join(HERE, "..", "..", "data", "charts", "minilab")
        for version in ["0.9.0", "0.10.0", "1.0.0-rc.1"]:
            site.run("package", chart, "--version", version, "-d", folder)
        other = site.cluster.at("other")
        shutil.copytree(chart, other)
        with open(os.path.join(other, "Chart.yaml")) as file:
            about = file.read().replace("name: minilab", "name: other")
        with open(os.path.join(other, "Chart.yaml"), "w") as file:
            file.write(about)
        site.run("package", other, "-d", folder)
        site.run("repo", "index", folder)
        with open(os.path.join(folder, "broken-1.0.0.tgz"), "wb") as file:
            file.write(b"no archive")
        return folder

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
