// Keeps "5 min ago" true while a page stays open, and shows exact times in the reader's own time zone.
const language = document.documentElement.lang;
const relative = new Intl.RelativeTimeFormat(language, {numeric: 'auto', style: 'short'});
const exact = new Intl.DateTimeFormat(language, {dateStyle: 'medium', timeStyle: 'short'});

function words(seconds) {
  const size = Math.abs(seconds);
  if (size < 45) return null;  // The server's "just now" stays.
  if (size < 5400) return relative.format(Math.round(seconds / 60), 'minute');
  if (size < 36 * 3600) return relative.format(Math.round(seconds / 3600), 'hour');
  return relative.format(Math.round(seconds / 86400), 'day');
}

function refresh() {
  for (const time of document.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime);
    const text = words((at - Date.now()) / 1000);
    if (text && time.textContent !== text) time.textContent = text;
    time.title = exact.format(at);
  }
}

refresh();
setInterval(refresh, 20000);
document.addEventListener('passerelle-refreshed', refresh);
