// The other end of the wormhole (spawners/batch/wormhole.hpp), in the job: Python's standard
// library is all that it needs.
#include "spawners/batch/submit/order.hpp"

namespace passerelle::spawners::batch::submit {

const char* const kRelayScript =
    R"PY(# Made by passerelle-submit. Keeps connections to the gateway open; each carries one of the gateway's to the server.
import base64, os, random, select, socket, ssl, sys, threading, time, urllib.parse

here, url = sys.argv[1], urllib.parse.urlsplit(sys.argv[2])
WAITING = 3
SILENCE = 60
CHUNK = 65536
with open(here + "/hdr") as file:
    key_line = file.read().strip()
inner = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
inner.load_cert_chain(here + "/server.crt", here + "/server.key")
inner.load_verify_locations(here + "/client-ca.crt")
inner.verify_mode = ssl.CERT_REQUIRED
# All are in memory now.
for name in ("/hdr", "/server.key"):
    os.unlink(here + name)
own_ca = here + "/hub-ca.crt"
outer = ssl.create_default_context(cafile=own_ca if os.path.exists(own_ca) else None) if url.scheme == "https" else None


def say(text):
    print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "passerelle:", text, flush=True)


def dial():
    """A connection that the gateway has taken in."""
    port = url.port or (443 if outer else 80)
    link = socket.create_connection((url.hostname, port), 10)
    try:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, option):
                link.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        if outer:
            link = outer.wrap_socket(link, server_hostname=url.hostname)
        proof = base64.b64encode(os.urandom(16)).decode()
        link.sendall(("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: %s\r\n%s\r\n\r\n" % (url.path, url.netloc, proof, key_line)).encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = link.recv(1)
            if not byte or len(head) > 8192:
                raise OSError("the gateway closed the connection")
            head += byte
        status = head.split(b" ", 2)[1]
        if status != b"101":
            raise OSError("the gateway answered " + status.decode("ascii", "replace"))
        return link
    except BaseException:
        link.close()
        raise


def wait_for_start(link):
    """True once it shall carry something; False when it is of no use any more."""
    link.settimeout(SILENCE)
    while True:
        word = link.recv(1)
        if word not in (b"p", b"s"):
            return False
        link.sendall(word)
        if word == b"s":
            return True


class Carrier:
    """TLS with the gateway on one side, the server's socket on the other; keeps at most a chunk or two of each."""

    def __init__(self, link, server):
        self.link, self.server = link, server
        self.tls_in, self.tls_out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = inner.wrap_bio(self.tls_in, self.tls_out, server_side=True)
        self.greeted = self.more = False
        self.to_link, self.to_server = b"", b""
        self.link_ended = self.server_ended = self.told_server = self.told_link = False

    def read(self, sock):
        try:
            return sock.recv(CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None

    def write(self, sock, data):
        try:
            return data[sock.send(data):] if data else data
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return data

    def decrypt(self):
        try:
            if not self.greeted:
                self.tls.do_handshake()
                self.greeted = True
            while len(self.to_server) < 4 * CHUNK:
                data = self.tls.read(CHUNK)
                if not data:
                    self.link_ended = True
                    return
                self.to_server += data
            self.more = True
        except ssl.SSLWantReadError:
            self.more = False
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self.link_ended = True

    def step(self):
        """False when all is carried."""
        if self.tls_out.pending and len(self.to_link) < CHUNK:
            self.to_link += self.tls_out.read()
        self.to_link = self.write(self.link, self.to_link)
        self.to_server = self.write(self.server, self.to_server)
        if self.more and len(self.to_server) < CHUNK and not self.link_ended:
            self.decrypt()
        if self.link_ended and not self.greeted:
            return False
        if self.link_ended and not self.to_server and not self.told_server:
            self.told_server = True
            self.server.shutdown(socket.SHUT_WR)
        if self.server_ended and not self.told_link:
            self.told_link = True
            try:
                self.tls.unwrap()
            except ssl.SSLError:
                pass
            return True
        if self.told_link and not self.to_link and not self.tls_out.pending:
            return False
        readers = []
        if len(self.to_server) < CHUNK and not self.link_ended:
            readers.append(self.link)
        if self.greeted and len(self.to_link) < CHUNK and not self.server_ended:
            readers.append(self.server)
        writers = ([self.link] if self.to_link or self.tls_out.pending else []) + ([self.server] if self.to_server else [])
        kept = outer and self.link in readers and self.link.pending()
        ready, _, _ = select.select(readers, writers, [], 0 if kept else 3600)
        if self.link in ready or kept:
            data = self.read(self.link)
            if data == b"":
                self.link_ended = True
                self.tls_in.write_eof()
            elif data:
                self.tls_in.write(data)
                self.decrypt()
        if self.server in ready:
            data = self.read(self.server)
            if data == b"":
                self.server_ended = True
            elif data:
                self.tls.write(data)
        return not (self.link_ended and self.server_ended and not self.to_link)


def carry(link):
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(here + "/sock")
        server.setblocking(False)
        link.setblocking(False)
        carrier = Carrier(link, server)
        while carrier.step():
            pass


def work():
    pause = 0.2
    while True:
        try:
            link = dial()
        except (OSError, ssl.SSLError, ValueError) as error:
            if pause > 1:
                say("no way to the gateway: %s" % error)
            time.sleep(pause * (0.5 + random.random()))
            pause = min(pause * 2, 10)
            continue
        pause = 0.2
        started = False
        try:
            with link:
                started = wait_for_start(link)
                if started:
                    threading.Thread(target=work, daemon=True).start()
                    carry(link)
        except (OSError, ssl.SSLError):
            pass  # either side went away: whoever asked sees it
        if started:
            return


while True:
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(here + "/sock")
        break
    except OSError:
        time.sleep(0.1)
say("listening behind the gateway")
for _ in range(WAITING):
    threading.Thread(target=work, daemon=True).start()
while True:
    time.sleep(3600)
)PY";

}  // namespace passerelle::spawners::batch::submit
