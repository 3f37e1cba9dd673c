"""A server as the local spawner starts it (it listens where PASSERELLE_SOCKET says): every path answers "pid", but
.../fields the header fields that came, as JSON, .../body what was posted, and .../echo is a WebSocket that sends back what
it gets."""

import json
import os

import tornado.httpserver
import tornado.ioloop
import tornado.netutil
import tornado.web
import tornado.websocket


class Answer(tornado.web.RequestHandler):
    def get(self):
        self.write(str(os.getpid()))


class Fields(tornado.web.RequestHandler):
    def get(self):
        self.write(json.dumps(list(self.request.headers.get_all())))


class Body(tornado.web.RequestHandler):
    def post(self):
        self.write(self.request.body)


class Echo(tornado.websocket.WebSocketHandler):
    def check_origin(self, origin):
        return True

    def on_message(self, message):
        self.write_message(message, isinstance(message, bytes))


def main():
    server = tornado.httpserver.HTTPServer(tornado.web.Application([(r".*/echo", Echo), (r".*/fields", Fields), (r".*/body", Body), (r".*", Answer)]))
    server.add_socket(tornado.netutil.bind_unix_socket(os.environ["PASSERELLE_SOCKET"], 0o600, 1024))
    tornado.ioloop.IOLoop.current().start()


main()
