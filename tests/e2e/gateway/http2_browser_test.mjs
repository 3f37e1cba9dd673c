// http2_browser_test.mjs PASSERELLE: Chromium over HTTP/2 and TLS: signs in, starts a server, reads its pages 60 at once,
// sends 5 MiB up and gets it back, and its WebSocket runs inside the same connection (RFC 8441).
import assert from 'node:assert';
import {execFileSync, spawn} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {launch} from '../axe/browser.mjs';

const program = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), 'passerelle-http2-'));
const cert = join(folder, 'cert.pem'), key = join(folder, 'key.pem');
execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2',
  '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'], {stdio: 'ignore'});
const config = join(folder, 'config.yaml');
writeFileSync(config, JSON.stringify({  // YAML takes JSON as it is
  public_url: 'https://localhost', data_dir: join(folder, 'data'), stop_servers_on_exit: true,
  listen: {https: {address: '127.0.0.1:0', cert, key, http2: true}}, proxy: {threads: 1},
  authenticators: {room: {type: 'dummy', password: 'a room of ones own', groups: ['room'], claim: false}},
  access: {allow: {groups: ['room']}}, spawners: {here: {type: 'local'}},
  profiles: [{name: 'echo', spawner: 'here', command: ['/usr/bin/python3', resolve('tests/drivers/echo_server.py')]}],
}));

function startGateway() {
  const gateway = spawn(program, ['serve', '--config', config], {stdio: ['ignore', 'pipe', 'pipe']});
  let log = '';
  return new Promise((done, failed) => {
    const read = (text) => {
      log += text;
      const said = log.match(/"message":"listening".*?"port":(\d+)/);
      if (said) done({process: gateway, port: Number(said[1]), log: () => log});
    };
    gateway.stdout.on('data', read);
    gateway.stderr.on('data', read);
    gateway.once('exit', (code) => failed(new Error(`the gateway ended with ${code}\n${log}`)));
  });
}

const gateway = await startGateway();
const home = `https://localhost:${gateway.port}`;
const browser = await launch();
try {
  const context = await browser.newContext({ignoreHTTPSErrors: true});
  const page = await context.newPage();
  await page.goto(`${home}/hub/login`);
  await page.fill('input[name=username]', 'ada');
  await page.fill('input[name=password]', 'a room of ones own');
  await Promise.all([page.waitForURL('**/hub/home'), page.click('button.primary')]);
  await page.click('main button.primary');
  await page.waitForURL('**/user/ada/**', {timeout: 60000});
  const seen = await page.evaluate(async () => {
    const many = await Promise.all(Array.from({length: 60}, async (_, i) => (await fetch(`/user/ada/page?${i}`)).status));
    const up = new Uint8Array(5 * 2 ** 20).map((_, i) => (i * 31 + (i >> 8)) & 255);
    const back = new Uint8Array(await (await fetch('/user/ada/body', {method: 'POST', body: up})).arrayBuffer());
    const socket = new WebSocket(`wss://${location.host}/user/ada/echo`);
    socket.binaryType = 'arraybuffer';
    const echoed = await new Promise((done, failed) => {
      const got = [];
      socket.onopen = () => { socket.send('hello'); socket.send(up.slice(0, 300000)); };
      socket.onerror = () => failed(new Error('the WebSocket failed'));
      socket.onmessage = (message) => { got.push(message.data); if (got.length === 2) done(got); };
      setTimeout(() => failed(new Error('the WebSocket is silent')), 20000);
    });
    window.socket = socket;
    return {
      many: many.filter((status) => status !== 200),
      same: back.length === up.length && back.every((byte, i) => byte === up[i]),
      text: echoed[0], binary: echoed[1].byteLength,
      protocols: [...new Set(performance.getEntriesByType('resource').map((entry) => entry.nextHopProtocol))],
    };
  });
  assert.deepEqual(seen, {many: [], same: true, text: 'hello', binary: 300000, protocols: ['h2']});
  const status = JSON.parse(execFileSync(program, ['status', '--config', config, '--proxy', '--json'], {encoding: 'utf8'}));
  assert.deepEqual(status.connections.filter((one) => one.path === '/user/ada/echo').map((one) => one.state), ['tunnel']);
  const sockets = execFileSync('ss', ['-tnH', 'state', 'established', `( sport = :${gateway.port} )`], {encoding: 'utf8'});
  const tcp = sockets.trim().split('\n').length;
  assert(tcp < status.connections.length, `${tcp} TCP connections, so the WebSocket has one of its own`);
  const code = await page.evaluate(() => new Promise((done) => {
    window.socket.onclose = (event) => done(event.code);
    window.socket.close(1000);
  }));
  assert.equal(code, 1000);
  console.log('Chromium over HTTP/2: 60 pages at once, 5 MiB there and back, a WebSocket inside the connection');
} catch (error) {
  console.log(gateway.log().slice(-4000));
  throw error;
} finally {
  await browser.close();
  gateway.process.kill('SIGTERM');
  await new Promise((done) => { if (gateway.process.exitCode !== null) done(); else gateway.process.once('exit', done); });
  rmSync(folder, {recursive: true, force: true});
}
assert.equal(gateway.process.exitCode, 0);
