"""A service that asks the hub who its visitors are, as JupyterHub's own package does it. With a port as its argument: prints a
line when it listens, serves until its standard input closes. Without one it is managed: it listens at JUPYTERHUB_SERVICE_URL. Needs python3 of Debian with the package jupyterhub (its modules lie in /usr/lib/python3 or
/usr/share/jupyterhub)."""

import json
import os
import sys
import urllib.parse

from tornado import ioloop, web
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated


class WhoAmI(HubOAuthenticated, web.RequestHandler):
    @web.authenticated
    def get(self):
        self.set_header("Content-Type", "application/json")
        self.write(json.dumps(self.get_current_user()))


prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
app = web.Application([(prefix + "oauth_callback", HubOAuthCallbackHandler), (prefix + ".*", WhoAmI)],
                      cookie_secret=os.urandom(32))
port = int(sys.argv[1]) if len(sys.argv) > 1 else urllib.parse.urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"]).port
sockets = bind_sockets(port, "127.0.0.1")
HTTPServer(app).add_sockets(sockets)
print("listening", flush=True)
loop = ioloop.IOLoop.current()
if len(sys.argv) > 1:
    loop.add_handler(sys.stdin.fileno(), lambda *_: loop.stop(), loop.READ)
loop.start()
