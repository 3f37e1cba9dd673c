"""An echo server on Debian's tornado. Prints its port, ends with its standard input."""

import logging
import sys
import threading

import tornado.httpserver
import tornado.ioloop
import tornado.netutil
import tornado.web
import tornado.websocket


class Echo(tornado.websocket.WebSocketHandler):
    def check_origin(self, origin):
        return True

    def select_subprotocol(self, offered):
        return offered[0] if offered else None

    def get_compression_options(self):
        return {}

    def on_message(self, message):
        self.write_message(message, binary=isinstance(message, bytes))


logging.disable()  # it is sent nonsense all the time
server = tornado.httpserver.HTTPServer(tornado.web.Application(
    [(r".*", Echo)], websocket_max_message_size=64 << 20, log_function=lambda _: None))
sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
server.add_sockets(sockets)
print(sockets[0].getsockname()[1], flush=True)
loop = tornado.ioloop.IOLoop.current()


def end_with_input():
    sys.stdin.read()
    loop.add_callback(loop.stop)


threading.Thread(target=end_with_input, daemon=True).start()
loop.start()
