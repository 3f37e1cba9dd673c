// subdomains_browser_test.mjs PASSERELLE: with `subdomain_host`, in a real Chromium over HTTPS: a server opens at its owner's
// origin by the button and without another click; then the course's teacher, who may do everything, visits a server whose
// page tries fetch, img, script, form, iframe, WebSocket, service worker, popup and cookies against the hub: nothing comes of it.
import assert from 'node:assert';
import {execFileSync, spawn} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {launch} from '../axe/browser.mjs';

const program = process.argv[2];
const here = dirname(fileURLToPath(import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'passerelle-subdomains-'));
const password = 'a room of ones own';

async function freePort() {
  const server = createServer();
  await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
  const {port} = server.address();
  await new Promise((done) => { server.close(done); });
  return port;
}

function makeCertificate() {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem'), '-subj', '/CN=hub.localhost',
    '-addext', 'subjectAltName=DNS:hub.localhost,DNS:*.hub.localhost'], {stdio: 'ignore'});
}

function startGateway(port) {
  const config = join(folder, 'config.yaml');
  writeFileSync(config, JSON.stringify({  // YAML takes JSON as it is
    public_url: `https://hub.localhost:${port}`, subdomain_host: 'hub.localhost', data_dir: join(folder, 'data'),
    listen: {https: {address: `127.0.0.1:${port}`, cert: './cert.pem', key: './key.pem'}}, stop_servers_on_exit: true,
    authenticators: {room: {type: 'dummy', password, groups: ['crew'], claim: false}},
    access: {allow: {groups: ['crew']}, admins: {users: ['room:teacher']}},
    spawners: {here: {type: 'local'}},
    profiles: [{name: 'light', spawner: 'here', command: ['/usr/bin/python3', join(here, 'hostile_server.py')]}],
  }), {mode: 0o600});
  const gateway = spawn(program, ['serve', '--config', config], {stdio: ['ignore', 'pipe', 'pipe']});
  let log = '';
  return new Promise((done, failed) => {
    const read = (text) => {
      log += text;
      if (log.includes('"message":"listening"')) done({process: gateway, log: () => log});
    };
    gateway.stdout.on('data', read);
    gateway.stderr.on('data', read);
    gateway.once('exit', (code) => failed(new Error(`the gateway ended with ${code}\n${log}`)));
  });
}

async function person(browser, hub, name) {
  const context = await browser.newContext({locale: 'en-GB', ignoreHTTPSErrors: true});
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (line) => { if (/Content Security Policy/i.test(line.text())) complaints.push(line.text()); });
  await page.goto(`${hub}/hub/login`);
  await page.fill('input[name=username]', name);
  await page.fill('input[name=password]', password);
  await page.click('button.primary');
  await page.waitForURL('**/hub/home');
  await page.click('main button.primary');
  await page.waitForURL(`https://${name}.${new URL(hub).host}/user/${name}/**`, {timeout: 60000});
  assert.deepEqual(complaints, [], 'our own pages obey their policy');
  return {context, page};
}

const user = (page) => page.evaluate(async () => {
  const answer = await fetch('/hub/api/user', {headers: {Accept: 'application/json'}});
  return answer.status === 200 ? answer.json() : null;
});

async function attack(hub, teacher) {
  const page = await teacher.context.newPage();
  await page.goto(`https://alice.${new URL(hub).host}/user/alice/?hub=${encodeURIComponent(hub)}`);
  await page.waitForFunction(() => window.report, null, {timeout: 180000});
  const report = await page.evaluate(() => window.report);
  const reached = report.filter(([, outcome]) => outcome !== 'blocked');
  assert(report.length > 90, `only ${report.length} attacks ran`);
  assert.deepEqual(reached, []);
  console.log(`${report.length} attacks, none came through`);
  await page.close();
}

makeCertificate();
const port = await freePort();
const hub = `https://hub.localhost:${port}`;
const gateway = await startGateway(port);
const browser = await launch();
try {
  const alice = await person(browser, hub, 'alice');
  const teacher = await person(browser, hub, 'teacher');
  await teacher.page.goto(`${hub}/hub/home`);
  const before = await user(teacher.page);
  assert(before.admin, 'the teacher may do everything');
  await attack(hub, teacher);
  // Nothing has happened to the visitor: signed in, with the same server, without a new token.
  await teacher.page.goto(`${hub}/hub/home`);
  const after = await user(teacher.page);
  assert.equal(after?.name, 'teacher');
  const model = await teacher.page.evaluate(async () => (await fetch('/hub/api/users/teacher')).json());
  assert.equal(model.servers[''].ready, true, 'the server still runs');
  const tokens = await teacher.page.evaluate(async () => (await fetch('/hub/api/users/teacher/tokens')).json());
  assert.deepEqual(tokens.api_tokens, []);
  // Signed out at the hub: the own origin is shut too.
  await alice.page.goto(`${hub}/hub/logout`);
  await Promise.all([alice.page.waitForNavigation(), alice.page.click('main button.primary')]);
  assert.equal(await user(alice.page), null);
  await alice.page.goto(`https://alice.${new URL(hub).host}/user/alice/`);
  assert.match(alice.page.url(), /\/hub\/login\?next=/);
} catch (error) {
  console.error(gateway.log().slice(-4000));
  throw error;
} finally {
  await browser.close();
  gateway.process.removeAllListeners('exit');
  const over = new Promise((done) => { gateway.process.once('exit', done); });
  gateway.process.kill('SIGTERM');
  await over;
  rmSync(folder, {recursive: true, force: true});
}
