// What the small modules do: follow a launch through a cut connection, open the server, show a failure, copy the PIN,
// swap the cards of the home page without taking the focus away,
// and leave the page that waits for a stop.
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

async function followLaunch(browser, address, folder, ending) {
  const failures = [];
  const file = join(folder, 'pages', 'progress.en.html');
  const original = readFileSync(file, 'utf8');
  writeFileSync(file, original.replace(/data-events="[^"]*"/, `data-events="/events/${ending}"`));
  const context = await browser.newContext();
  const page = await context.newPage();
  const states = [];
  await page.exposeFunction('tell', (state) => states.push(state));
  await page.addInitScript(() => {
    addEventListener('DOMContentLoaded', () => {
      const log = document.getElementById('log');
      if (log) new MutationObserver(() => tell({log: log.textContent, queue: document.title})).observe(log, {childList: true});
    });
  });
  const target = ending === 'ready' ? '**/ready' : '**/progress.en.html';
  await page.goto(`${address}/progress.en.html`);
  await page.waitForEvent('framenavigated', {timeout: 10000}).catch(() => failures.push(`${ending}: nothing opened`));
  await page.waitForURL(target, {timeout: 10000}).catch(() => failures.push(`${ending}: went to ${page.url()}`));
  const log = states.map((state) => state.log).findLast((text) => text.includes('second line')) ?? '';
  if (log !== 'first line\nsecond line <b>not bold</b>\n') failures.push(`${ending}: log is ${JSON.stringify(log)}`);
  await context.close();
  writeFileSync(file, original);
  return failures;
}

async function copyPin(browser, address) {
  const context = await browser.newContext({permissions: ['clipboard-read', 'clipboard-write']});
  const page = await context.newPage();
  await page.goto(`${address}/welcome.en.html`);
  await page.getByRole('button', {name: 'Copy the PIN'}).click();
  await page.getByText('Copied', {exact: true}).waitFor({timeout: 5000});
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  await context.close();
  return copied === '4821 9037' ? [] : [`welcome: copied ${JSON.stringify(copied)}`];
}

async function refreshHome(browser, address) {
  const failures = [];
  const page = await browser.newPage();
  await page.clock.install();
  await page.goto(`${address}/home.en.html`);
  await page.locator('#server-stop').focus();
  await page.route('**/home.en.html', async (route) => {
    const answer = await route.fetch();
    await route.fulfill({response: answer, body: (await answer.text()).replace('>Running<', '>Swapped<')});
  });
  await page.clock.fastForward(31000);
  await page.getByText('Swapped').waitFor({timeout: 5000}).catch(() => failures.push('home: state is not refreshed'));
  const focused = await page.evaluate(() => document.activeElement?.id);
  if (focused !== 'server-stop') failures.push(`home: focus went to ${focused}`);
  await page.close();
  return failures;
}

// The page waits quietly and reloads once the hub would lead elsewhere.
async function leaveStopping(browser, address) {
  const page = await browser.newPage();
  await page.goto(`${address}/stopping.en.html`);
  await page.route('**/stopping.en.html', (route) => route.fulfill({status: 302, headers: {location: '/ready'}}));
  const left = await page.waitForURL('**/ready', {timeout: 10000}).then(() => true, () => false);
  await page.close();
  return left ? [] : ['stopping: stays although the server is gone'];
}

export async function checkLaunches(browser, address, folder) {
  return [
    ...(await followLaunch(browser, address, folder, 'ready')),
    ...(await followLaunch(browser, address, folder, 'failed')),
    ...(await copyPin(browser, address)),
    ...(await refreshHome(browser, address)),
    ...(await leaveStopping(browser, address)),
  ];
}
