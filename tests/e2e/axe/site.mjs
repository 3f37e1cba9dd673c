// Serves the rendered sample pages as the hub would: with the real policy, the real files, and server-sent events.
import {createReadStream, existsSync, readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {extname, join, normalize} from 'node:path';

const types = {'.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml'};

// One launch, as progress.js sees it; the connection is cut once in the middle, so that it has to come back.
const launch = [
  {progress: 5, step: 'queued', state: 'active', queue: {position: 2, of: 7}},
  {progress: 5, step: 'queued', state: 'done', elapsed_ms: 40},
  {progress: 30, step: 'spawn', state: 'active'},
  {progress: 30, log: 'first line\n'},
  {progress: 30, log: 'second line <b>not bold</b>\n'},
  {progress: 30, step: 'spawn', state: 'done', elapsed_ms: 1200},
];

function events(request, response, ending) {
  const from = Number(request.headers['last-event-id'] ?? 0);
  response.writeHead(200, {'content-type': 'text/event-stream', 'cache-control': 'no-store'});
  response.write('retry: 50\n\n');
  const all = [...launch, ending];
  const upTo = from === 0 ? 4 : all.length;
  // A gateway that forgot where we were sends everything again: nothing may show twice.
  for (let i = 0; i < upTo; ++i) response.write(`id: ${i + 1}\ndata: ${JSON.stringify(all[i])}\n\n`);
  response.end();
}

export async function serve(folder) {
  const policy = readFileSync(join(folder, 'policy'), 'utf8');
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, 'http://site').pathname);
    if (path === '/ready') return void response.end('<!doctype html><title>open</title>');
    if (path === '/events/ready') return events(request, response, {progress: 100, ready: true, url: '/ready'});
    if (path === '/events/failed') return events(request, response, {progress: 100, failed: true, cause: 'crashed'});
    const file = path.startsWith('/hub/static/') ? join(folder, path.slice(4)) : join(folder, 'pages', path);
    if (!existsSync(file) || path.endsWith('/')) {
      response.writeHead(404);
      return void response.end();
    }
    const type = types[extname(file)] ?? 'image/svg+xml';
    response.writeHead(200, {'content-type': type, 'content-security-policy': policy, 'x-content-type-options': 'nosniff'});
    createReadStream(file).pipe(response);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {server, address: `http://127.0.0.1:${server.address().port}`};
}
