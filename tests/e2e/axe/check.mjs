// check.mjs RENDER_SAMPLES SAMPLES: renders the sample pages and looks at each one in a real browser, in both languages,
// light at 320 and 1280 px, dark at 1280, forced colours at 320 (colours change no box, and a width changes no colour):
// no axe violation (WCAG 2.2 AA and best practice), no horizontal scroll, nothing that the policy refuses. Screenshots of
// what fails go to $ARTEFACTS/pages, of all with `--shots`. `--only NAME` looks at some pages.
import {execFileSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {launch, load, shoot} from './browser.mjs';
import {checkLaunches} from './live.mjs';
import {serve} from './site.mjs';

const [renderSamples, samples] = process.argv.slice(2);
const only = process.argv.includes('--only') ? process.argv.at(-1) : '';
const allShots = process.argv.includes('--shots');
const shots = join(process.env.ARTEFACTS ?? join(tmpdir(), 'passerelle-artefacts'), 'pages');
const looks = [
  {name: 'light', colorScheme: 'light', forcedColors: 'none', widths: [320, 1280]},
  {name: 'dark', colorScheme: 'dark', forcedColors: 'none', widths: [1280]},
  {name: 'forced', colorScheme: 'dark', forcedColors: 'active', widths: [320]},
];
const widths = [320, 1280];
const now = new Date('2026-11-22T14:00:00Z');  // of the samples
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const colourRules = ['color-contrast', 'link-in-text-block'];
const failures = [];

await load('axe-core');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// All rules in the first look; the others show the same document, so there only what a look can change.
async function violations(page, appearance) {
  const wanted = appearance === looks[0] ? {type: 'tag', values: tags} : {type: 'rule', values: colourRules};
  const result = await page.evaluate((runOnly) => axe.run({runOnly}), wanted);
  return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target + ' ' + (n.any[0]?.message ?? '')).join(' | ')}`);
}

async function layout(page) {
  return page.evaluate(() => {
    const out = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) out.push(`scrolls sideways: ${root.scrollWidth} > ${root.clientWidth}`);
    for (const element of document.querySelectorAll('button, summary, input:not([type=hidden]), nav a, footer a, .button')) {
      const box = element.getBoundingClientRect();
      if (element.checkVisibility() && element.type !== 'radio' && (box.height < 24 || box.width < 24))
        out.push(`smaller than 24 px: ${element.outerHTML.slice(0, 80)}`);
    }
    return out;
  });
}

// Every page in one tab for each width: a tab costs more than a page. Forced colours have a tab of their own: Chromium
// keeps their canvas when it leaves them.
async function look(browser, address, names, width, appearances) {
  if (!appearances.length) return;
  const context = await browser.newContext({reducedMotion: 'reduce', viewport: {width, height: 800}, timezoneId: 'UTC'});
  const page = await context.newPage();
  let name = '';
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) failures.push(`${name}: ${message.text()}`);
  });
  page.on('pageerror', (error) => failures.push(`${name}: ${error}`));
  await page.clock.setFixedTime(now);
  await page.route('**/hub/api/**', (route) => route.abort());
  for (name of names) {
    await page.goto(`${address}/${name}.html`);
    await page.evaluate(axe);  // in a way that the page's policy does not bind; the page itself stays under it
    for (const appearance of appearances) {
      const where = `${name} ${appearance.name} ${width}`;
      await page.emulateMedia({colorScheme: appearance.colorScheme, forcedColors: appearance.forcedColors});
      const found = [...(await violations(page, appearance)), ...(await layout(page))];
      failures.push(...found.map((each) => `${where}: ${each}`));
      if (found.length || allShots) await shoot(page, join(shots, `${where.replaceAll(' ', '.')}.png`), {fullPage: true});
    }
  }
  await context.close();
}

// The same pages with JavaScript off show all that they have to show.
async function checkWithoutScripts(browser, address, names) {
  const context = await browser.newContext({javaScriptEnabled: false});
  const page = await context.newPage();
  for (const name of names.filter((each) => !each.startsWith('stopping'))) {
    await page.route('**/*', (route) => (route.request().isNavigationRequest() ? route.continue() : route.abort()));
    await page.goto(`${address}/${name}.html`);
    if (!(await page.locator('h1').isVisible())) failures.push(`${name}: no heading without JavaScript`);
  }
  await page.goto(`${address}/progress.en.html`);
  const reload = page.waitForRequest((request) => request.isNavigationRequest(), {timeout: 10000});
  await reload.catch(() => failures.push('progress: does not refresh without JavaScript'));
  await context.close();
}

const folder = mkdtempSync(join(tmpdir(), 'passerelle-pages-'));
mkdirSync(shots, {recursive: true});
execFileSync(renderSamples, [samples, folder], {stdio: 'inherit'});
const names = readdirSync(join(folder, 'pages')).map((file) => file.slice(0, -5)).filter((name) => name.startsWith(only));
const {server, address} = await serve(folder);
const browser = await launch();
try {
  for (const some of [looks.slice(0, 2), looks.slice(2)])
    await Promise.all(widths.map((width) => look(browser, address, names, width, some.filter((each) => each.widths.includes(width)))));
  await checkWithoutScripts(browser, address, names);
  if (!only) failures.push(...(await checkLaunches(browser, address, folder)));
} finally {
  await browser.close();
  server.closeAllConnections();
  server.close();
  rmSync(folder, {recursive: true});
}
for (const failure of [...new Set(failures)]) console.error(failure);
console.log(`${names.length} pages, ${looks.length} looks, ${widths.length} widths: ${failures.length} failures`);
process.exit(failures.length ? 1 : 0);
