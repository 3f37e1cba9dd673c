"""What runs in the containers of the test: answers on its port, or does what its argument says."""

import http.server
import os
import sys
import time

mode = sys.argv[1]
print("server.py", *sys.argv[1:], flush=True)
if mode == "exit":
    print("a reason to end", file=sys.stderr, flush=True)
    sys.exit(int(sys.argv[2]))
if mode == "silent":
    time.sleep(3600)
if mode == "eat":
    eaten = []
    while True:
        eaten.append(bytearray(os.urandom(1 << 20)))
HOME = "/home/jovyan/note"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.endswith("/write"):
            with open(HOME, "w") as file:
                file.write("kept")
        if self.path.endswith("/leave"):
            os._exit(7)
        note = open(HOME).read() if os.path.exists(HOME) else "-"
        names = " ".join(sorted(os.environ))
        text = f"in {os.uname().nodename} uid {os.getuid()} note {note} path {self.path} env {names}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PASSERELLE_PORT"])), Handler).serve_forever()
