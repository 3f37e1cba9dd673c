// Waits on a page that will lead elsewhere by itself: asks quietly whether it still says the same, and only then reloads.
const every = Number(document.querySelector('[data-wait]').dataset.wait) * 1000;

async function look() {
  try {
    const answer = await fetch(location.href, {headers: {Accept: 'text/html'}, redirect: 'manual'});
    const same = answer.type !== 'opaqueredirect' && (await answer.text()).includes('data-wait=');
    if (!same) return location.reload();
  } catch {
    // Offline: the next look will tell.
  }
  setTimeout(look, every);
}

setTimeout(look, every);
