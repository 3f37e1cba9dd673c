// in_browser.mjs URL NAME PASSWORD SHOTS: a chart's service in a real Chromium: chosen, its form filled in, opened through the gateway,
// its notes read, suspended, resumed with what was chosen, removed for good.
import assert from 'node:assert';
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {launch, shoot} from '../../e2e/axe/browser.mjs';

const [url, name, password, shots] = process.argv.slice(2);
const started = Date.now();
const told = (what) => console.log(`    ${((Date.now() - started) / 1000).toFixed(1)} s: ${what}`);
const kLong = 150000;
mkdirSync(shots, {recursive: true});

const browser = await launch();
try {
  const context = await browser.newContext({viewport: {width: 1280, height: 900}, locale: 'en-GB'});
  const page = await context.newPage();
  const opened = async () => {
    await page.waitForURL(`**/user/${name}/**`, {timeout: kLong});
    assert.match(await page.textContent('body'), new RegExp(`minilab minilab-${name} on minilab-${name}-0`));
  };
  const stopped = async () => {
    await page.goto(url + 'hub/home');
    await page.click('#server-1-stop');
    await page.waitForSelector('#server-1-start', {timeout: kLong});
  };

  await page.goto(url + 'hub/login');
  await page.fill('input[name=username]', name);
  await page.fill('input[name=password]', password);
  await page.click('button.primary');
  await page.waitForURL('**/hub/home');
  await page.goto(url + 'hub/spawn');
  await page.click('label[for="profile-lab"]');
  await page.click('main button.primary');
  await page.waitForURL('**/hub/launcher/lab**');
  assert.match(await page.textContent('main'), /CPU, reserved: \S+ of 64/);
  await page.fill('[name="v:resources.limits.memory"]', '80');
  await shoot(page, join(shots, 'form.png'), {fullPage: true});
  await page.click('button[name=do][value=start] >> nth=0');
  await page.waitForURL('**/hub/spawn-pending/**');
  await shoot(page, join(shots, 'starting.png'));
  await opened();
  told('the service is open');

  await page.goto(url + 'hub/home');
  await page.click('#server-1-notes');
  await page.waitForURL('**/hub/notes/**');
  assert.match(await page.textContent('main'), /Your service is ready\. Password: \S+/);
  await shoot(page, join(shots, 'notes.png'));
  await stopped();
  told('it is suspended');

  await page.click('#server-1-start');  // as it was
  await opened();
  told('it is resumed');

  await stopped();
  await page.click('summary:has-text("Remove")');
  await shoot(page, join(shots, 'remove.png'));
  await page.click('#server-1-remove');
  await page.waitForURL('**/hub/home');
  await page.waitForSelector('#servers .empty');
  told('it is removed');
} finally {
  await browser.close();
}
