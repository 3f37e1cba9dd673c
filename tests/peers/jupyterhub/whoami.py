"""A service that asks the hub who its visitors are, as JupyterHub's own package does it. Prints its port, serves until its
standard input closes. Needs python3 of Debian with the package jupyterhub (its modules lie in /usr/lib/python3 or
/usr/share/jupyterhub)."""

import json
import os
import sys

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
sockets = bind_sockets(int(sys.argv[1]), "127.0.0.1")
HTTPServer(app).add_sockets(sockets)
print("listening", flush=True)
loop = ioloop.IOLoop.current()
loop.add_handler(sys.stdin.fileno(), lambda *_: loop.stop(), loop.READ)
loop.start()
