// browser_test.mjs PASSERELLE: what a newcomer does with `serve --dev`, in a real Chromium: opens the printed address,
// signs in, starts a notebook, runs 6*7, moves 200 MB up and down while the gateway's memory stays flat, uses a
// terminal, stops, signs out. Screenshots go to $ARTEFACTS/first-notebook.
import assert from 'node:assert';
import {spawn} from 'node:child_process';
import {createHash, randomBytes} from 'node:crypto';
import {createReadStream, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync, closeSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {launch, shoot} from '../axe/browser.mjs';

const program = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), 'passerelle-browser-'));
const shots = join(process.env.ARTEFACTS ?? join(tmpdir(), 'passerelle-artefacts'), 'first-notebook');
const large = 200 * 2 ** 20;
mkdirSync(shots, {recursive: true});

async function digest(path) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

function makeLargeFile() {
  const path = join(folder, 'large.bin');
  const file = openSync(path, 'w');
  for (let written = 0; written < large; written += 2 ** 20) writeSync(file, randomBytes(2 ** 20));
  closeSync(file);
  return path;
}

// What it prints for people: the address and the password.
function startGateway() {
  const begun = Date.now();
  const gateway = spawn(program, ['serve', '--dev', '--listen', '127.0.0.1:0', '--data-dir', join(folder, 'data')]);
  return new Promise((resolve, reject) => {
    let out = '', log = '';
    gateway.stderr.on('data', (text) => { log += text; });
    gateway.stdout.on('data', (text) => {
      out += text;
      const said = out.match(/(http:\/\/\S+)[\s\S]*password\s+(\S+)/);
      if (said) resolve({gateway, url: said[1], password: said[2], took: Date.now() - begun, log: () => log});
    });
    gateway.on('exit', (code) => reject(new Error(`the gateway ended with ${code}\n${out}\n${log}`)));
  });
}

const pss = (pid) => Number(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').match(/^Pss:\s+(\d+)/m)[1]) * 1024;

async function flatMemory(pid, what, work) {
  const before = pss(pid);
  let most = before;
  const watch = setInterval(() => { most = Math.max(most, pss(pid)); }, 50);
  const begun = Date.now();
  try {
    await work();
  } finally {
    clearInterval(watch);
  }
  console.log(`${what}: ${((Date.now() - begun) / 1000).toFixed(1)} s, the gateway grew by ${Math.round((most - before) / 1024)} KiB`);
  assert(most - before < 16 * 2 ** 20, `the gateway's memory grew by ${most - before} bytes`);
}

async function runCell(context, page) {
  await page.click('#new-dropdown-button, #new-buttons button');
  const [notebook] = await Promise.all([context.waitForEvent('page'), page.click('#kernel-python3 a')]);
  await notebook.waitForSelector('.kernel_idle_icon', {timeout: 60000, state: 'attached'});
  await notebook.waitForFunction(() => window.Jupyter?.notebook?.kernel?.is_connected(), null, {timeout: 60000});
  await notebook.click('.CodeMirror');
  await notebook.keyboard.type('6*7');
  await notebook.keyboard.press('Shift+Enter');
  const output = await notebook.waitForSelector('.output_result pre', {timeout: 60000});
  assert.equal((await output.textContent()).trim(), '42');
  await shoot(notebook, join(shots, 'cell.png'));
  console.log('6*7 is 42');
  await notebook.close();
}

// Debian 12's terminal page itself does not start (its libjs-xterm expects a CommonJS loader: "exports is not defined",
// with or without us), so the browser talks to the terminal directly.
async function useTerminal(page) {
  const seen = await page.evaluate(async () => {
    const made = await (await fetch('/user/ada/api/terminals', {method: 'POST'})).json();
    const socket = new WebSocket(`ws://${location.host}/user/ada/terminals/websocket/${made.name}`);
    return new Promise((resolve, reject) => {
      let text = '';
      socket.onopen = () => socket.send(JSON.stringify(['stdin', 'echo the answer is $((40+2))\r']));
      socket.onerror = () => reject(new Error('the WebSocket failed'));
      socket.onmessage = (message) => {
        const [kind, part] = JSON.parse(message.data);
        if (kind === 'stdout') text += part;
        if (text.includes('the answer is 42')) resolve(text);
      };
      setTimeout(() => reject(new Error('no answer: ' + text)), 30000);
    });
  });
  assert.match(seen, /the answer is 42/);
  console.log('the terminal answers');
}

async function upAndDown(page, pid) {
  const source = makeLargeFile();
  const stored = join(folder, 'data', 'workspaces', 'ada', 'large.bin');
  await flatMemory(pid, '200 MB up', async () => {
    await page.setInputFiles('#upload_span_input', source);
    await page.click('.modal-footer button:has-text("Ok")');
    await page.click('.upload_button');
    await page.waitForSelector('.upload_button', {state: 'detached', timeout: 240000});
  });
  assert.equal(statSync(stored).size, large);
  await flatMemory(pid, '200 MB down', async () => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.evaluate(() => { location.href = '/user/ada/files/large.bin?download=1'; }),
    ]);
    assert.equal(await digest(await download.path()), await digest(source));
  });
}

const started = await startGateway();
const browser = await launch();
try {
  console.log(`the address is printed after ${started.took} ms`);
  assert(started.took < 2000, 'too slow');
  const context = await browser.newContext({acceptDownloads: true, viewport: {width: 1280, height: 800}});
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (line) => { if (/Content Security Policy/i.test(line.text())) complaints.push(line.text()); });
  await page.goto(started.url);
  await shoot(page, join(shots, 'sign-in.png'));
  await page.fill('input[name=username]', 'Ada');
  await page.fill('input[name=password]', started.password);
  await page.click('button.primary');
  await page.waitForURL('**/hub/home');
  await shoot(page, join(shots, 'home.png'));
  const begun = Date.now();
  await page.click('main button.primary');
  await page.waitForURL('**/user/ada/**', {timeout: 60000});  // progress opens it by itself
  await page.waitForSelector('#notebook_list', {timeout: 60000});
  console.log(`from the button to the notebook's page: ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  assert.deepEqual(complaints, []);
  await shoot(page, join(shots, 'tree.png'));
  await runCell(context, page);
  await useTerminal(page);
  await upAndDown(page, started.gateway.pid);
  await page.goto(started.url);
  await page.waitForSelector('text=Running');
  await shoot(page, join(shots, 'running.png'));
  await page.click('main button:has-text("Stop")');
  await page.waitForSelector('main button:has-text("Start")', {timeout: 30000});
  await page.goto(started.url + 'user/ada/tree');
  assert.match(await page.textContent('h1'), /stopped|not running/i);
  await shoot(page, join(shots, 'stopped.png'));
  await page.click('header button');  // signs out
  await page.waitForSelector('text=signed out');
  await page.goto(started.url + 'user/ada/tree');
  await page.waitForURL('**/hub/login**');
} catch (error) {
  for (const context of browser.contexts())
    for (const [number, page] of context.pages().entries()) await shoot(page, join(shots, `failed-${number}.png`));
  console.error(started.log().split('\n').filter((line) => !line.includes('"access"')).slice(-20).join('\n'));
  throw error;
} finally {
  await browser.close();
  started.gateway.removeAllListeners('exit');
  const ended = new Promise((resolve) => started.gateway.on('exit', resolve));
  started.gateway.kill('SIGTERM');
  await ended;
  rmSync(folder, {recursive: true, force: true});
}
console.log('1 passed, 0 failed');
