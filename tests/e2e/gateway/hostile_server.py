"""A person's server whose page attacks the gateway from the visitor's browser: subdomains_browser_test.mjs reads what came of it
in `window.report`. Listens as the gateway asks for."""

import http.server
import os
import socketserver

PAGE = """<!doctype html><meta charset="utf-8"><title>hostile</title><script>
const hub = new URLSearchParams(location.search).get('hub');
const paths = ['/hub/home', '/hub/spawn', '/hub/token', '/hub/admin', '/hub/logout', '/hub/sessions', '/hub/login', '/hub/origin?label=alice&browser=x&next=/',
  '/hub/api/user', '/hub/api/users/teacher', '/hub/api/users/teacher/tokens', '/hub/metrics', '/user/teacher/', '/hub/static/style.css'];
const changes = [['POST', '/hub/logout'], ['POST', '/hub/spawn'], ['POST', '/hub/stop/teacher'], ['DELETE', '/hub/api/users/teacher/server'],
  ['POST', '/hub/api/users/teacher/tokens'], ['POST', '/hub/api/users/teacher/server'], ['PUT', '/hub/api/users/bob/block'],
  ['DELETE', '/hub/api/users/teacher/sessions'], ['POST', '/hub/sessions/end-others']];
const later = (ms, what) => new Promise((done) => setTimeout(() => done(what), ms));
const report = [];
const tell = (attack, outcome) => report.push([attack, outcome]);

async function fetches() {
  for (const [method, path] of [...paths.map((path) => ['GET', path]), ...changes]) {
    for (const mode of ['cors', 'no-cors']) {
      if (mode === 'no-cors' && !['GET', 'POST'].includes(method)) continue;
      const name = `fetch ${mode} ${method} ${path}`;
      try {
        const answer = await fetch(hub + path, {method, mode, credentials: 'include', body: method === 'POST' ? 'x=y' : undefined,
          headers: mode === 'cors' && method !== 'GET' ? {'Content-Type': 'application/json'} : {}});
        const text = await answer.text();
        tell(name, answer.type === 'opaque' && text === '' ? 'blocked' : `read ${answer.status} ${text.slice(0, 40)}`);
      } catch (error) {
        tell(name, 'blocked');
      }
    }
  }
}

async function images() {
  for (const path of paths.concat('/hub/static/logo', '/hub/static/favicon.ico')) {
    const image = new Image();
    const seen = new Promise((done) => { image.onload = () => done('shown'); image.onerror = () => done('blocked'); });
    image.src = hub + path;
    tell(`img ${path}`, await Promise.race([seen, later(5000, 'blocked')]));
  }
}

async function scripts() {
  for (const path of ['/hub/static/progress.js', '/hub/api/user']) {
    const script = document.createElement('script');
    const seen = new Promise((done) => { script.onload = () => done('run'); script.onerror = () => done('blocked'); });
    script.src = hub + path;
    document.head.append(script);
    tell(`script ${path}`, await Promise.race([seen, later(5000, 'blocked')]));
  }
}

async function forms() {
  for (const [method, path] of changes) {
    const frame = document.createElement('iframe');
    frame.name = 'f' + Math.random();
    document.body.append(frame);
    const form = document.createElement('form');
    Object.assign(form, {method: 'POST', action: hub + path, target: frame.name});
    form.innerHTML = '<input name=profile value=light><input name=_xsrf value=guess><input name=_method value=' + method + '>';
    document.body.append(form);
    form.submit();
    await later(300);
    let read = null;
    try { read = frame.contentDocument && frame.contentDocument.location.href !== 'about:blank' ? frame.contentDocument.body.innerText : null; } catch (error) { read = null; }
    tell(`form ${path}`, read === null ? 'blocked' : `read ${read.slice(0, 40)}`);
  }
}

async function frames() {
  for (const path of paths) {
    const frame = document.createElement('iframe');
    frame.src = hub + path;
    document.body.append(frame);
    await later(200);
    let read = 'blocked';
    try { if (frame.contentDocument && frame.contentDocument.body && frame.contentDocument.body.innerText) read = 'read'; } catch (error) { read = 'blocked'; }
    tell(`iframe ${path}`, read);
    frame.remove();
  }
}

async function sockets() {
  for (const path of ['/user/teacher/ws', '/user/bob/ws', '/hub/api/user', '/user/alice/ws']) {
    const socket = new WebSocket(hub.replace(/^http/, 'ws') + path);
    const seen = new Promise((done) => { socket.onopen = () => done('open'); socket.onerror = () => done('blocked'); });
    tell(`WebSocket ${path}`, await Promise.race([seen, later(5000, 'blocked')]));
  }
}

async function workers() {
  for (const [script, scope] of [[hub + '/hub/static/progress.js', undefined], ['sw.js', '/'], ['sw.js', '/hub/'], ['/hub/static/progress.js', '/']]) {
    try {
      await navigator.serviceWorker.register(script, {scope});
      tell(`service worker ${script} ${scope}`, 'registered');
    } catch (error) {
      tell(`service worker ${script} ${scope}`, 'blocked');
    }
  }
}

async function popups() {
  for (const path of ['/hub/home', '/hub/token', '/hub/login', '/hub/api/user']) {
    const popup = window.open(hub + path, 'p' + Math.random(), 'width=200,height=200');
    await later(1500);
    let read = 'blocked';
    try { if (popup && popup.document && popup.document.body.innerText) read = 'read'; } catch (error) { read = 'blocked'; }
    try { if (popup && popup.closed === false && popup.frames.length !== undefined && read === 'read') popup.document.forms[0].submit(); } catch (error) { /* as it must */ }
    tell(`popup ${path}`, read);
    if (popup) popup.close();
  }
}

function cookies() {
  for (const name of ['__Host-passerelle-session', '__Host-passerelle-visitor', '__Host-passerelle-origin']) {
    document.cookie = `${name}=planted; Domain=${new URL(hub).hostname}; Path=/; Secure`;
    document.cookie = `${name}=planted; Path=/; Secure`;
  }
  document.cookie = `_xsrf=planted; Domain=${new URL(hub).hostname}; Path=/hub/; Secure`;
  tell('our cookies read', /passerelle/.test(document.cookie.replaceAll(/__Host-passerelle-\\w+=planted(; )?/g, '')) ? document.cookie : 'blocked');
}

(async () => {
  for (const attack of [fetches, images, scripts, forms, frames, sockets, workers, popups]) await attack();
  cookies();
  window.report = report;
})();
</script><body>hostile</body>"""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        script = self.path.endswith("/sw.js")
        body = (b"self.addEventListener('fetch', () => {});" if script else PAGE.encode())
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if script else "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Service-Worker-Allowed", "/")  # what the gateway must take away
        self.send_header("Set-Cookie", "__Host-passerelle-session=planted; Path=/; Secure")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

    def address_string(self):
        return "gateway"


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


path = os.environ.get("PASSERELLE_SOCKET")
if path:
    UnixServer(path, Handler).serve_forever()
else:
    http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PASSERELLE_PORT"])), Handler).serve_forever()
