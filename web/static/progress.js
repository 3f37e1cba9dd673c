// Follows a launch by server-sent events: steps, times, place in the queue, log, and opens the server when it is ready.
// Events come from the start of the launch and may come again after a reconnect; each is used once.
const launch = document.getElementById('launch');
const bar = launch.querySelector('progress');
const log = document.getElementById('log');
const live = document.getElementById('live');
const queue = document.getElementById('queue');
const kMostLogCharacters = 40000;

let seen = 0;
let begun = performance.now();
let fresh = true;

function lengthText(ms) {
  const seconds = Math.floor(ms / 1000);
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (seconds < 60) return `${seconds} s`;
  const two = (n) => String(n).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} min`;
}

function stepOf(name) {
  return launch.querySelector(`[data-step="${CSS.escape(name)}"]`);
}

function activate(item) {
  if (item.className === 'active') return;
  const known = Number(item.dataset.ms || 0);
  begun = performance.now() - (item.className === 'waiting' ? 0 : known);
  for (const other of launch.querySelectorAll('[data-step].active')) other.className = 'done';
  item.className = 'active';
  live.textContent = item.querySelector('.words').textContent;
}

function showStep(event) {
  const item = stepOf(event.step);
  if (!item) return;
  if (event.state === 'done') {
    item.className = 'done';
    if (event.elapsed_ms !== undefined) item.querySelector('.took').textContent = lengthText(event.elapsed_ms);
  } else {
    activate(item);
  }
}

function showQueue(place) {
  queue.hidden = !place;
  if (!place) return;
  queue.querySelector('[data-position]').textContent = place.position;
  queue.querySelector('[data-of]').textContent = place.of;
  document.title = `${place.position}/${place.of} · ${launch.dataset.title}`;
}

function showLog(text) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.textContent = (log.textContent + text).slice(-kMostLogCharacters);
  log.parentElement.hidden = false;
  if (atEnd) log.scrollTop = log.scrollHeight;
}

// Words of the cluster come from the server, in the reader's language.
function showCluster(id) {
  if (id > Number(launch.dataset.seen)) location.reload();
}

function end(source, title) {
  source.close();
  document.title = title;
  live.textContent = title;
}

function show(source, event, id) {
  if (fresh) log.textContent = '';  // The page came with the tail; the events bring all of it.
  fresh = false;
  if (event.progress !== undefined) bar.value = event.progress;
  if (event.step) showStep(event);
  if (event.step || event.ready) showQueue(event.queue);
  if (event.log) showLog(event.log);
  if (event.cluster) showCluster(id);
  if (event.ready) {
    end(source, launch.dataset.titleReady);
    // Where it was to lead the hub alone says: this very address answers with it now.
    if (new URLSearchParams(location.search).has('next')) location.reload();
    else location.replace(event.url);
  } else if (event.failed) {
    end(source, launch.dataset.titleFailed);
    location.reload();  // The same address now explains the failure.
  }
}

function follow() {
  const source = new EventSource(launch.dataset.events);
  source.onmessage = (message) => {
    const id = Number(message.lastEventId.split('-').pop());  // "<stream>-<n>"
    if (id && id <= seen) return;
    seen = id;
    document.title = launch.dataset.title;
    show(source, JSON.parse(message.data), id);
  };
  source.onerror = () => {
    live.textContent = launch.dataset.lost;
    if (source.readyState !== EventSource.CLOSED) return;  // The browser tries again by itself.
    setTimeout(() => location.reload(), 3000);  // The gateway refused: it knows more than this page does.
  };
}

setInterval(() => {
  const active = launch.querySelector('[data-step].active .took');
  if (active) active.textContent = lengthText(performance.now() - begun);
}, 250);

const active = launch.querySelector('[data-step].active');
if (active) begun = performance.now() - Number(active.dataset.ms || 0);
follow();
