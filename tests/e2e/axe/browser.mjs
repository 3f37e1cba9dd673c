// Debian's Chromium through playwright-core; says how to get what is missing.
export async function load(name) {
  try {
    return await import(name);
  } catch {
    console.error(`${name} is not installed. Get it with: npm ci --prefix tests/e2e`);
    process.exit(1);
  }
}

export async function launch() {
  const playwright = await load('playwright-core');
  const root = process.getuid?.() === 0;
  return playwright.chromium.launch({executablePath: '/usr/bin/chromium', args: root ? ['--no-sandbox'] : []});
}

// With a profile of its own in `folder`: for what only a person's settings decide. Answers the context.
export async function launchPersistent(folder, {args = [], ...options} = {}) {
  const playwright = await load('playwright-core');
  const root = process.getuid?.() === 0;
  return playwright.chromium.launchPersistentContext(folder,
    {executablePath: '/usr/bin/chromium', args: [...(root ? ['--no-sandbox'] : []), ...args], ...options});
}

// A picture for whoever looks into a test later. Chromium on a loaded machine sometimes cannot take one: that is told, and is
// no failure of what is tested.
export async function shoot(page, path, options = {}) {
  await page.screenshot({path, ...options}).catch((error) => console.error(`no ${path}: ${error.message.split('\n')[0]}`));
}
