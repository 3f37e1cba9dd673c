// sign_in_browser_test.mjs PASSERELLE TEST_SERVER: two sign-in methods in a real Chromium, beside a certified OpenID
// Provider (tests/peers/oidc): the button, the provider's pages, a server; the sign-out there ends the session here; two
// tabs at once; a callback again and in another browser; and `next` values that want to lead away, through both methods.
// Screenshots go to $ARTEFACTS/sign-in.
import assert from 'node:assert';
import {spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {launch, shoot} from '../axe/browser.mjs';

const [program, testServer] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'passerelle-sign-in-'));
const shots = join(process.env.ARTEFACTS ?? join(tmpdir(), 'passerelle-artefacts'), 'sign-in');
const commit = {waitUntil: 'commit'};  // the provider's page asks for fonts from elsewhere: not waited for
const university = 'section:has-text("My university") a.button';
const roomPassword = 'a room of ones own';
mkdirSync(shots, {recursive: true});

async function freePort() {
  const server = createServer();
  await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
  const {port} = server.address();
  await new Promise((done) => { server.close(done); });
  return port;
}

async function startProvider(home) {
  const provider = spawn(process.execPath, ['tests/peers/oidc/provider.mjs', `${home}/hub/auth/univ/`], {stdio: ['pipe', 'pipe', 'ignore']});
  const [line] = await new Promise((done, failed) => {
    createInterface(provider.stdout).once('line', (text) => done([text]));
    provider.once('exit', (code) => failed(new Error(`the provider ended with ${code}`)));
  });
  return {process: provider, issuer: JSON.parse(line).issuer};
}

function configuration(home, port, issuer) {
  return JSON.stringify({  // YAML takes JSON as it is
    public_url: home, listen: {http: `127.0.0.1:${port}`}, data_dir: join(folder, 'data'), stop_servers_on_exit: true,
    authenticators: {
      univ: {type: 'oidc', issuer, client_id: 'gateway', client_secret: 'gateway-secret+/ %', groups_claim: 'groups',
        label: {en: 'My university', fr: 'Mon université'}},
      room: {type: 'dummy', password: roomPassword, groups: ['crew'], claim: false},
    },
    access: {allow: {groups: ['crew']}},
    spawners: {here: {type: 'local'}},
    profiles: [{name: 'light', spawner: 'here', command: [testServer, 'serve']}],
  });
}

function startGateway(config) {
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

const ended = (child) => new Promise((done) => { if (child.exitCode !== null) done(); else child.once('exit', done); });

// The provider's own pages, as far as they come.
async function throughProvider(page, login) {
  while (page.url().startsWith(provider.issuer)) {
    if (await page.locator('input[name=login]').count()) {
      await page.fill('input[name=login]', login);
      await page.fill('input[name=password]', 'x');
    }
    await Promise.all([page.waitForNavigation(commit), page.locator('button[type=submit]').first().click()]);
  }
}

async function signIn(page, login, next = '') {
  await page.goto(`${home}/hub/login${next && `?next=${encodeURIComponent(next)}`}`);
  await Promise.all([page.waitForURL(`${provider.issuer}/**`, commit), page.click(university)]);
  await throughProvider(page, login);
}

async function newPerson() {
  const context = await browser.newContext({locale: 'en-GB', viewport: {width: 1280, height: 800}});
  return {context, page: await context.newPage()};
}

const user = (page) => page.evaluate(async () => {
  const answer = await fetch('/hub/api/user', {headers: {Accept: 'application/json'}});
  return answer.status === 200 ? (await answer.json()).name : null;
});

async function straightWay() {
  const {context, page} = await newPerson();
  await page.goto(`${home}/hub/login`);
  assert.equal(await page.locator('input[name=password]').count(), 1, 'the form of the room');
  assert.equal(await page.locator(university).count(), 1, 'the button of the university');
  await shoot(page, join(shots, 'two-methods.png'));
  await signIn(page, 'fry');
  assert.equal(page.url(), `${home}/hub/home`);
  assert.equal(await user(page), 'fry');
  await page.click('main button.primary');
  await page.waitForURL('**/user/fry/**', {timeout: 60000});
  assert.equal((await page.goto(`${home}/user/fry/`)).status(), 200);
  // Signed out over there, by the person: the back-channel ends the session here, and the server's door shuts.
  const there = await context.newPage();
  await there.goto(`${provider.issuer}/session/end`);
  await Promise.all([there.waitForNavigation(commit), there.click('button[value=yes]')]);
  await page.waitForFunction(async () => (await fetch('/hub/api/user')).status !== 200, null, {timeout: 5000, polling: 50});
  await page.goto(`${home}/user/fry/`);
  assert.match(page.url(), /\/hub\/login\?next=/);
  assert.equal(await page.locator(university).count(), 1);
  await shoot(page, join(shots, 'signed-out-there.png'));
  // The other method is another person, also under the same name.
  await page.fill('input[name=username]', 'fry');
  await page.fill('input[name=password]', roomPassword);
  await Promise.all([page.waitForNavigation(commit), page.click('form:has(input[name=password]) button.primary')]);
  const other = await user(page);
  assert(other !== null && other !== 'fry', `the room's fry is ${other}`);
  await context.close();
}

async function twoTabs() {
  const {context, page: one} = await newPerson();
  const two = await context.newPage();
  for (const [page, next] of [[one, '/hub/token'], [two, '/hub/home?b=2']]) {
    await page.goto(`${home}/hub/login?next=${encodeURIComponent(next)}`);
    await Promise.all([page.waitForURL(`${provider.issuer}/**`, commit), page.click(university)]);
  }
  await throughProvider(two, 'fry');
  assert.equal(two.url(), `${home}/hub/home?b=2`);
  await throughProvider(one, 'fry');
  assert.equal(one.url(), `${home}/hub/token`);
  assert.equal(await user(one), 'fry');
  await context.close();
}

// The way to the callback with a browser's own cookies, stopping before the callback is opened.
async function callbackOf(context, login) {
  const step = (url, form) => context.request.fetch(url, {method: form ? 'POST' : 'GET', form, maxRedirects: 0});
  let at = `${home}/hub/auth/univ/login`;
  let answer = await step(at);
  for (let steps = 0; steps < 20; steps += 1) {
    const where = answer.headers().location;
    if (where?.includes('/callback?')) return where;
    let form;
    if (where) {
      at = new URL(where, at).href;
    } else {
      const text = await answer.text();
      const prompt = text.match(/name="prompt" value="(\w+)"/)[1];
      at = new URL(text.match(/<form[^>]* action="([^"]+)"/)[1], at).href;
      form = prompt === 'login' ? {prompt, login, password: 'x'} : {prompt};
    }
    answer = await step(at, form);
  }
  throw new Error('the provider does not come to an end');
}

async function callbackAgain() {
  const {context, page} = await newPerson();
  let callback = '';
  page.on('request', (request) => { if (request.url().includes('/callback?')) callback = request.url(); });
  await signIn(page, 'fry');
  assert(callback.includes('code='), callback);
  const again = await page.goto(callback);
  assert.equal(again.status(), 400);
  assert.match(await page.textContent('main'), /sign in again/);
  await shoot(page, join(shots, 'callback-again.png'));
  await page.goto(`${home}/hub/home`);
  assert.equal(await user(page), 'fry', 'a failed try signed the person out');
  // A fresh state and code, caught before they arrive, opened in somebody else's browser.
  const alice = await newPerson();
  const caught = await callbackOf(alice.context, 'leela');
  assert.equal((await page.goto(caught)).status(), 400, 'a state of another browser');
  await page.goto(`${home}/hub/home`);
  assert.equal(await user(page), 'fry');
  assert.equal((await alice.page.goto(caught)).status(), 200, 'her code was spent by somebody else');
  assert.equal(await user(alice.page), 'leela.t');
  await alice.context.close();
  await context.close();
}

// What the browser itself makes of the answer is what counts.
async function nextAttacks() {
  const attacks = ['//evil.example', '/\\evil.example', '\\\\evil.example', 'https:evil.example', 'https://evil.example/',
    '%2f%2fevil.example', '/\t/evil.example', '/\n/evil.example', ' //evil.example', 'javascript:alert(1)', '///evil.example',
    'data:text/html,x', '//127.0.0.1@evil.example'];
  const harmless = ['/%09/evil.example', '/hub/../..//evil.example'];  // odd, but paths of ours to every browser
  const away = [];
  for (const [index, attack] of [...attacks, ...harmless].entries()) {
    const landed = () => (harmless.includes(attack) ? page.url().startsWith(`${home}/`) : page.url() === `${home}/hub/home`);
    const {context, page} = await newPerson();
    page.on('request', (request) => { if (!/^http:\/\/127\.0\.0\.1:/.test(request.url()) && request.isNavigationRequest()) away.push([attack, request.url()]); });
    await page.goto(`${home}/hub/login?next=${encodeURIComponent(attack)}`);
    await page.fill('input[name=username]', 'guest');
    await page.fill('input[name=password]', roomPassword);
    await Promise.all([page.waitForNavigation(commit), page.click('form:has(input[name=password]) button.primary')]);
    assert(landed(), `${JSON.stringify(attack)} led to ${page.url()}`);
    if (index % 4 === 0) {  // the peer test of OIDC tries more of them without a browser
      await context.clearCookies();
      await signIn(page, 'leela', attack);
      assert(landed(), `${JSON.stringify(attack)} led to ${page.url()}`);
    }
    await context.close();
  }
  assert.deepEqual(away, []);
}

const port = await freePort();
const home = `http://127.0.0.1:${port}`;
const provider = await startProvider(home);
const config = join(folder, 'config.yaml');
writeFileSync(config, configuration(home, port, provider.issuer));
const gateway = await startGateway(config);
const browser = await launch();
try {
  for (const story of [straightWay, twoTabs, callbackAgain, nextAttacks]) {
    const begun = Date.now();
    await story();
    console.log(`${story.name}: ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  }
} catch (error) {
  console.log(gateway.log().slice(-6000));
  throw error;
} finally {
  await browser.close();
  gateway.process.kill('SIGTERM');
  provider.process.stdin.end();
  await Promise.all([ended(gateway.process), ended(provider.process)]);
  rmSync(folder, {recursive: true, force: true});
}
assert.equal(gateway.process.exitCode, 0);
