// Keeps the cards of the home page fresh: fetches the very same page and swaps the part that changed. Rests while the
// page is hidden.
const servers = () => document.getElementById('servers');
let timer = 0;

async function refresh() {
  try {
    const answer = await fetch(location.href, {headers: {Accept: 'text/html'}, redirect: 'error'});
    if (answer.ok) replace(new DOMParser().parseFromString(await answer.text(), 'text/html'));
  } catch {
    // Offline, or signed out elsewhere: the next look, or the next click, will tell.
  }
  schedule();
}

// Ignores what differs in every answer anyway: the wording of times and the form tokens.
function fingerprint(element) {
  const copy = element.cloneNode(true);
  for (const time of copy.querySelectorAll('time')) time.replaceChildren(time.dateTime);
  for (const hidden of copy.querySelectorAll('input[type=hidden]')) hidden.remove();
  for (const time of copy.querySelectorAll('time')) time.removeAttribute('title');
  return copy.innerHTML;
}

function replace(page) {
  const fresh = page.getElementById('servers');
  if (!fresh || fingerprint(fresh) === fingerprint(servers())) return;
  const focused = document.activeElement?.id;
  servers().replaceWith(fresh);
  if (focused) document.getElementById(focused)?.focus();
  document.dispatchEvent(new Event('passerelle-refreshed'));
}

function schedule() {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(refresh, Number(servers().dataset.refresh) * 1000);
}

document.addEventListener('visibilitychange', () => (document.hidden ? clearTimeout(timer) : refresh()));
schedule();
