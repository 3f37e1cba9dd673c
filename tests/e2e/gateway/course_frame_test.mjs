// course_frame_test.mjs PASSERELLE: a course on another site shows our servers in frames, in a real Chromium, over HTTPS: a
// Jupyter notebook runs a cell in there, over its WebSocket, without a click; two activities on one page; where the browser
// keeps no cookies of frames, exactly one click opens a tab, and the platform's storage frame proves the launch before that.
// Screenshots go to $ARTEFACTS/course-frame.
import assert from 'node:assert';
import {execFileSync, spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {request} from 'node:https';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {launchPersistent, shoot} from '../axe/browser.mjs';
import {startCourse} from '../../peers/lti/course_site.mjs';

const [program] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'passerelle-course-'));
const shots = join(process.env.ARTEFACTS ?? join(tmpdir(), 'passerelle-artefacts'), 'course-frame');
const hubName = 'hub.example.org', courseName = 'courses.example.net';  // two sites, both of them this machine
mkdirSync(shots, {recursive: true});

async function freePort() {
  const server = createServer();
  await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
  const {port} = server.address();
  await new Promise((done) => { server.close(done); });
  return port;
}

function makeCertificate() {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-keyout', key,
    '-out', cert, '-subj', '/CN=test', '-addext', `subjectAltName=DNS:${hubName},DNS:${courseName}`], {stdio: 'ignore'});
  return {key: readFileSync(key), cert: readFileSync(cert)};
}

function writeConfiguration(port) {
  const put = (name, value) => { writeFileSync(join(folder, name), JSON.stringify(value), {mode: 0o600}); };  // YAML takes JSON
  put('consumers.yaml', {course: {secret: 'shared', groups: ['learners'], prefix: '', frame_origins: [course.origin]}});
  put('platforms.yaml', {campus: {issuer: course.issuer, client_id: 'hub', auth_url: course.authUrl, jwks_url: course.jwksUrl,
    deployments: ['1'], groups: ['learners'], prefix: ''}});
  put('config.yaml', {
    public_url: `https://${hubName}:${port}`, data_dir: join(folder, 'data'), stop_servers_on_exit: true,
    listen: {https: {address: `127.0.0.1:${port}`, cert: './cert.pem', key: './key.pem'}},
    authenticators: {mooc: {type: 'lti11', consumers: './consumers.yaml'}, campus: {type: 'lti13', platforms: './platforms.yaml'}},
    access: {allow: {groups: ['learners']}},
    spawners: {here: {type: 'local'}},
    profiles: [{name: 'notebook', spawner: 'here', command: ['jupyter-notebook']}],
  });
}

function startGateway() {
  const gateway = spawn(program, ['serve', '--config', join(folder, 'config.yaml')], {stdio: ['ignore', 'pipe', 'pipe']});
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

// What a teacher's activity opens; there before the learner comes, as if copied from the course.
function writeNotebook(username) {
  const home = join(folder, 'data', 'workspaces', username);
  mkdirSync(home, {recursive: true, mode: 0o700});
  writeFileSync(join(home, 'tp1.ipynb'), JSON.stringify({nbformat: 4, nbformat_minor: 4,
    metadata: {kernelspec: {name: 'python3', display_name: 'Python 3', language: 'python'}},
    cells: [{cell_type: 'code', source: ['6*7'], metadata: {}, outputs: [], execution_count: null}]}));
}

// `cookies`: whether the browser keeps cookies of what is framed. Blocked as a person would, for our site inside the course's.
// All frames run in one process: one that goes from site to site within a moment is lost by the driver else.
async function newBrowser(cookies) {
  const profile = mkdtempSync(join(folder, 'profile-'));
  if (!cookies) {
    mkdirSync(join(profile, 'Default'));
    const pattern = `https://${hubName},https://${courseName}`;
    writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify(
      {profile: {content_settings: {exceptions: {cookies: {[`https://[*.]${hubName},https://[*.]${courseName}`]: {setting: 2}, [pattern]: {setting: 2}}}}}}));
  }
  const context = await launchPersistent(profile, {locale: 'en-GB', viewport: {width: 1280, height: 1200}, ignoreHTTPSErrors: true,
    args: [`--host-resolver-rules=MAP ${hubName} 127.0.0.1, MAP ${courseName} 127.0.0.1`, '--no-proxy-server', '--disable-site-isolation-trials']});
  browser = context;
  context.on('requestfailed', (request) => { disturbed ||= /ERR_NETWORK_CHANGED/.test(request.failure()?.errorText); });
  return {context, page: await context.newPage()};
}

// Another program on this machine may change its network meanwhile, which the browser takes for a reason to begin again; what
// frames load it gives up, so that the story is told again.
let disturbed = false, browser;
async function undisturbed(story) {
  disturbed = false;
  try {
    await story();
  } catch (error) {
    if (!disturbed) throw error;
    console.log('the network of this machine changed: again');
    await browser.close();
    await story();
  }
}

async function visit(page, url) {
  try {
    await page.goto(url);
  } catch (error) {
    if (!/ERR_NETWORK_CHANGED/.test(error.message)) throw error;
    await page.goto(url);
  }
}

async function frameAt(page, id, pattern) {
  const frame = await (await page.waitForSelector(`#${id}`)).contentFrame();
  await frame.waitForURL(pattern, {timeout: 90000, waitUntil: 'commit'});
  return frame;
}

async function runCell(frame) {
  await frame.waitForFunction(() => window.Jupyter?.notebook?.kernel?.is_connected(), null, {timeout: 90000});
  await frame.click('.CodeMirror');
  await frame.locator('.CodeMirror').press('Shift+Enter');
  const output = await frame.waitForSelector('.output_result pre', {timeout: 60000});
  assert.equal((await output.textContent()).trim(), '42');
}

const notebookAt = {custom_next: '/hub/user-redirect/notebooks/tp1.ipynb'};

async function aNotebookInTheCourse() {
  writeNotebook('zoe');
  const {context, page} = await newBrowser(true);
  const answers = [];
  page.on('response', (response) => { if (/\/user\/zoe\/notebooks\//.test(response.url())) answers.push(response); });
  const sockets = [];
  page.on('websocket', (socket) => sockets.push(socket.url()));
  await visit(page, course.page([{lti: '1.1', user_id: '7', ext_user_username: 'zoe', ...notebookAt}]));
  const frame = await frameAt(page, 'a0', '**/user/zoe/notebooks/tp1.ipynb');
  await runCell(frame);
  await shoot(page, join(shots, 'notebook-in-course.png'));
  const headers = await answers.at(-1).headersArray();
  const policies = headers.filter(({name}) => name.toLowerCase() === 'content-security-policy').map(({value}) => value);
  assert.deepEqual(policies.filter((value) => value.includes('frame-ancestors')), [`frame-ancestors 'self' ${course.origin}`]);
  assert(policies.some((value) => value.includes('report-uri')), `Jupyter's own policy: ${policies}`);
  assert.equal(headers.filter(({name}) => name.toLowerCase() === 'x-frame-options').length, 0);
  assert(sockets.some((url) => url.startsWith(`wss://${hubName}:`) && url.includes('/channels')), `${sockets}`);
  // Jupyter's own cookies are kept in there too: its scripts send one back with what changes something.
  const xsrf = (await context.cookies()).filter(({name}) => name === '_xsrf');
  assert.equal(xsrf.length, 1);
  assert.equal(xsrf[0].sameSite, 'None');
  await context.close();
}

async function twoActivitiesOnOnePage() {
  const {context, page} = await newBrowser(true);
  await visit(page, course.page([{lti: '1.3', user: '8', link: 'rl-1'}, {lti: '1.3', user: '8', link: 'rl-2'}]));
  for (const id of ['a0', 'a1']) {
    const frame = await frameAt(page, id, /\/user\/[^/]+\/tree/);
    await frame.waitForSelector('#notebook_list, #tree', {timeout: 60000});
  }
  await shoot(page, join(shots, 'two-activities.png'));
  await context.close();
}

// What stands in the frame must be one button, and its tab must need no other.
async function oneClickWithoutCookies(activity, pattern) {
  const {context, page} = await newBrowser(false);
  await visit(page, course.page([activity]));
  const frame = await (await page.waitForSelector('#a0')).contentFrame();
  const button = frame.locator('button.primary, a.button.primary');
  await button.waitFor({timeout: 30000});
  assert.equal(await button.count(), 1);
  await shoot(page, join(shots, `blocked-${activity.lti}.png`));
  assert.equal((await context.cookies()).filter(({name}) => name.includes('passerelle')).length, 0, 'the browser really keeps none');
  const [tab] = await Promise.all([context.waitForEvent('page'), button.click()]);
  await tab.waitForURL(pattern, {timeout: 90000, waitUntil: 'commit'});
  if (activity.lti === '1.1') await runCell(tab.mainFrame());
  await shoot(tab, join(shots, `blocked-${activity.lti}-tab.png`));
  await context.close();
}

// The launch is verified without a cookie: the one button only opens what is ready, and the platform is not asked again.
async function storageInsteadOfCookies(storage) {
  course.keeps = 'rightly';
  const {context, page} = await newBrowser(false);
  const before = course.asked.length;
  await visit(page, course.page([{lti: '1.3', user: '8', storage}]));
  const frame = page.frameLocator('#a0');
  const button = frame.locator('form[action$="/hub/lti/continue"] button.primary');
  await button.waitFor({timeout: 30000});
  assert.equal(await frame.locator('button.primary, a.button.primary').count(), 1);
  await shoot(page, join(shots, `storage-${storage}.png`));
  assert.equal((await context.cookies()).filter(({name}) => name.includes('passerelle')).length, 0, 'the browser really keeps none');
  const [tab] = await Promise.all([context.waitForEvent('page'), button.click()]);
  await tab.waitForURL(/\/user\/[^/]+\/tree/, {timeout: 90000, waitUntil: 'commit'});
  assert.equal(course.asked.length - before, 1, 'the platform is asked once');
  await context.close();
}

// As if there were no storage: one click begins again in a tab. Nothing of the frame's first answer counts.
async function storageThatFails(keeps, stranger = '') {
  Object.assign(course, {keeps, stranger});
  const {context, page} = await newBrowser(false);
  const before = course.asked.length;
  await visit(page, course.page([{lti: '1.3', user: '8', storage: 'keeper'}]));
  const frame = page.frameLocator('#a0');
  const link = frame.locator('a.button.primary[target=_blank]');
  await link.waitFor({timeout: 30000});
  assert.match(await link.getAttribute('href'), /\/hub\/lti13\/oauth_login\?iss=/);
  assert.equal(await frame.locator('form[action$="/hub/lti/continue"]').count(), 0);
  const told = await page.frameLocator('[name=keeper]').locator('body').textContent();
  assert.equal(told.includes('lti.put_data'), !['abroad', 'silently'].includes(keeps), `the keeper was told: ${told}`);
  const [tab] = await Promise.all([context.waitForEvent('page'), link.click()]);
  await tab.waitForURL(/\/user\/[^/]+\/tree/, {timeout: 90000, waitUntil: 'commit'});
  assert.equal(course.asked.length - before, 2, 'the tab has its own flow');
  await context.close();
  Object.assign(course, {keeps: 'rightly', stranger: ''});
}

async function storageThatAnswersForAnother() {
  course.keeps = 'another';
  const {context, page} = await newBrowser(false);
  await visit(page, course.page([{lti: '1.3', user: '8', storage: 'keeper'}]));
  const frame = page.frameLocator('#a0');
  const told = frame.locator('[role=alert]');
  await told.waitFor({timeout: 30000});
  assert.match(await told.textContent(), /LTI-STATE/);
  await shoot(page, join(shots, 'storage-another.png'));
  await context.close();
  course.keeps = 'rightly';
}

// `keeps`: who at another origin gets in between.
async function storageOfAStranger(keeps) {
  const other = await startCourse({...certificate, name: courseName});  // another port: another origin
  try {
    await storageThatFails(keeps, other.origin);
  } finally {
    other.stop();
  }
}

// Where the browser keeps our cookies, nobody is asked and nothing is clicked.
async function storageBesideCookies() {
  course.keeps = 'silently';
  const {context, page} = await newBrowser(true);
  await visit(page, course.page([{lti: '1.3', user: '8', storage: 'keeper'}]));
  const frame = await frameAt(page, 'a0', /\/user\/[^/]+\/tree/);
  await frame.waitForSelector('#notebook_list, #tree', {timeout: 60000});
  await context.close();
  course.keeps = 'rightly';
}

// What holds the secret may be shown by platforms only: what runs at our own origin must not frame it, and no script fetches it.
async function whatIsKeptIsForTheFrameOnly() {
  const query = new URLSearchParams({iss: course.issuer, client_id: 'hub', login_hint: 'x', lti_storage_target: 'keeper'});
  const ask = (destination) => new Promise((done, failed) => {
    request({host: '127.0.0.1', port, path: `/hub/lti13/oauth_login?${query}`, rejectUnauthorized: false, servername: hubName,
      headers: {Host: `${hubName}:${port}`, ...(destination ? {'Sec-Fetch-Dest': destination} : {})}}, async (response) => {
      const text = (await response.toArray()).join('');
      done({status: response.statusCode, headers: response.headers, text});
    }).on('error', failed).end();
  });
  const framed = await ask('iframe');
  assert.equal(framed.status, 200);
  assert.match(framed.headers['content-security-policy'], new RegExp(`frame-ancestors ${course.origin}$`));
  assert.match(framed.headers['cache-control'], /no-store/);
  assert(framed.text.includes('data-value'));
  for (const destination of ['document', 'empty', '']) {
    const other = await ask(destination);
    assert.equal(other.status, 303, `for "${destination}"`);
    assert(!other.text.includes('data-value'));
  }
}

async function aSiteThatNobodyNamed() {
  const stranger = await startCourse({...certificate, name: courseName});
  const {context, page} = await newBrowser(true);
  stranger.tool = course.tool;
  const said = page.waitForEvent('console', {predicate: (message) => message.text().includes('frame-ancestors'), timeout: 30000});
  await visit(page, stranger.page([{lti: '1.1', user_id: '9', ext_user_username: 'kif', ...notebookAt}]));
  await said;
  await context.close();
  stranger.stop();
}

const certificate = makeCertificate();
const course = await startCourse({...certificate, name: courseName});
const port = await freePort();
course.tool = `https://${hubName}:${port}`;
writeConfiguration(port);
const gateway = await startGateway();
const stories = {
  aNotebookInTheCourse, twoActivitiesOnOnePage,
  blocked11: () => oneClickWithoutCookies({lti: '1.1', user_id: '7', ext_user_username: 'zoe', ...notebookAt}, '**/user/zoe/notebooks/tp1.ipynb'),
  blocked13: () => oneClickWithoutCookies({lti: '1.3', user: '8'}, /\/user\/[^/]+\/tree/),
  storageBeside: () => storageInsteadOfCookies('keeper'), storageAbove: () => storageInsteadOfCookies('_parent'), storageBesideCookies,
  storageSilent: () => storageThatFails('silently'), storageEmpty: () => storageThatFails('nothing'), storageAnsweredByAStranger: () => storageOfAStranger('elsewhere'),
  storageAbroad: () => storageOfAStranger('abroad'),
  storageThatAnswersForAnother, whatIsKeptIsForTheFrameOnly,
  aSiteThatNobodyNamed,
};
try {
  for (const [name, story] of Object.entries(stories)) {
    if (process.env.ONLY && process.env.ONLY !== name) continue;
    const begun = Date.now();
    await undisturbed(story);
    console.log(`${name}: ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  }
} catch (error) {
  console.log(gateway.log().slice(-6000));
  throw error;
} finally {
  gateway.process.kill('SIGTERM');
  await ended(gateway.process);
  course.stop();
  rmSync(folder, {recursive: true, force: true, maxRetries: 5});
}
assert.equal(gateway.process.exitCode, 0);
