// in_browser.mjs URL NAME PASSWORD PROFILE MINUTES SHOTS: what somebody does with a profile of a cluster, in a real Chromium: signs in,
// chooses, watches the queue, runs a cell, opens a terminal, and reads why it ended when its time is over (MINUTES > 0).
import assert from 'node:assert';
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {launch, shoot} from '../../e2e/axe/browser.mjs';

const [url, name, password, profile, minutes, shots] = process.argv.slice(2);
const started = Date.now();
const told = (what) => console.log(`    ${((Date.now() - started) / 1000).toFixed(1)} s: ${what}`);
mkdirSync(shots, {recursive: true});

async function runCell(context, page) {
  await page.click('#new-dropdown-button, #new-buttons button');
  const [notebook] = await Promise.all([context.waitForEvent('page'), page.click('#kernel-python3 a')]);
  await notebook.waitForSelector('.kernel_idle_icon', {timeout: 90000, state: 'attached'});
  await notebook.waitForFunction(() => window.Jupyter?.notebook?.kernel?.is_connected(), null, {timeout: 90000});
  await notebook.click('.CodeMirror');
  await notebook.keyboard.type('import os, platform; print(6*7, platform.node(), os.environ.get("OAR_JOB_ID") or os.environ["SLURM_JOB_ID"])');
  await notebook.keyboard.press('Shift+Enter');
  const output = await notebook.waitForSelector('.output_stdout pre', {timeout: 60000});
  const said = (await output.textContent()).trim();
  assert.match(said, /^42 (oarn|sln)[12] \d+$/);
  await shoot(notebook, join(shots, 'cell.png'));
  told(`the cell says "${said}"`);
  await notebook.close();
}

// The browser talks to the terminal itself: see tests/e2e/gateway/browser_test.mjs.
async function useTerminal(page) {
  const seen = await page.evaluate(async (who) => {
    const made = await (await fetch(`/user/${who}/api/terminals`, {method: 'POST'})).json();
    const socket = new WebSocket(`ws://${location.host}/user/${who}/terminals/websocket/${made.name}`);
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
  }, name);
  assert.match(seen, /the answer is 42/);
  told('the terminal answers');
}

const browser = await launch();
try {
  const context = await browser.newContext({viewport: {width: 1280, height: 800}, locale: 'en-GB'});
  const page = await context.newPage();
  await page.goto(url + 'hub/login');
  await page.fill('input[name=username]', name);
  await page.fill('input[name=password]', password);
  await page.click('button.primary');
  await page.waitForURL('**/hub/home');
  await page.goto(url + 'hub/spawn');
  await page.click(`label[for="profile-${profile}"]`);
  await page.fill(`[name="${profile}:minutes"]`, minutes === '0' ? '5' : minutes);
  await shoot(page, join(shots, 'form.png'));
  await page.click('main button.primary');
  await page.waitForURL('**/hub/spawn-pending/**');
  await shoot(page, join(shots, 'queue.png'));
  await page.waitForURL(`**/user/${name}/**`, {timeout: 180000});
  await page.waitForSelector('#notebook_list', {timeout: 90000});
  told('the notebook is open');
  await runCell(context, page);
  await useTerminal(page);
  if (minutes !== '0') {
    await page.goto(url + 'hub/home');
    await page.waitForFunction(() => document.body.textContent.includes('nearly over'), null, {timeout: 1000}).catch(() => {});
    await shoot(page, join(shots, 'running.png'));
    const end = Date.now() + Number(minutes) * 60000 + 60000;
    let text = '';
    while (!/ended with the time that was reserved/.test(text)) {
      assert(Date.now() < end, 'the end of the time is not told: ' + text.slice(0, 2000));
      await page.waitForTimeout(1000);
      await page.goto(url + 'hub/home');
      text = await page.textContent('main');
    }
    await shoot(page, join(shots, 'over.png'));
    told('the time is over, and the page says so');
  }
} catch (error) {
  for (const context of browser.contexts())
    for (const [number, page] of context.pages().entries()) await shoot(page, join(shots, `failed-${number}.png`));
  throw error;
} finally {
  await browser.close();
}
