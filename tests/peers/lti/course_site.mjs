// The browser's side of a learning platform: a site of its own (HTTPS) whose pages show activities in frames. It signs with
// Node's crypto, not with our code. LTI 1.1 launches are forms that post themselves; LTI 1.3 goes by a login initiation,
// /auth here, and a form that posts itself back. Loopback only.
//
//   const site = await startCourse({key, cert, name});   // site.origin, site.issuer, site.jwksUrl
//   site.tool = 'https://hub.example.org:1234';          // where the activities are
//   site.page([{lti: '1.1', ...launch fields}, {lti: '1.3', user, custom}])   // address of a page that frames them
//   {lti: '1.3', user, storage: 'keeper'}   // the login initiation offers a frame that keeps things (LTI postMessage Storage 0.1):
// 'keeper' is one beside the activity, '_parent' the page itself. site.keeps says how it behaves: 'rightly', 'nothing' (takes it,
// finds nothing), 'silently' (answers nobody), 'another' (answers with something else), 'elsewhere' (site.stranger, a frame at
// another origin, answers in its place with what was kept), 'abroad' (the keeper is at the stranger's origin).
import {createHmac, createSign, generateKeyPairSync, randomBytes} from 'node:crypto';
import {createServer as createPlain} from 'node:http';
import {createServer} from 'node:https';

const claim = 'https://purl.imsglobal.org/spec/lti/claim/';
const membership = 'http://purl.imsglobal.org/vocab/lis/v2/membership#';

const encoded = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
const escaped = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

// OAuth 1.0a (RFC 5849, 3.4): the fields that a platform posts.
export function signed(url, fields, key, secret) {
  const all = {...fields, oauth_consumer_key: key, oauth_signature_method: 'HMAC-SHA1', oauth_version: '1.0',
    oauth_timestamp: String(Math.floor(Date.now() / 1000)), oauth_nonce: randomBytes(12).toString('hex'), oauth_callback: 'about:blank'};
  const pairs = Object.entries(all).map(([name, value]) => [encoded(name), encoded(value)])
    .sort(([a, b], [c, d]) => (a < c || (a === c && b < d) ? -1 : 1)).map(([name, value]) => `${name}=${value}`);
  const base = `POST&${encoded(url)}&${encoded(pairs.join('&'))}`;
  return {...all, oauth_signature: createHmac('sha1', `${encoded(secret)}&`).update(base).digest('base64')};
}

function formPage(action, fields) {
  const inputs = Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`);
  return `<!doctype html><title>activity</title><form id="f" method="post" action="${escaped(action)}">${inputs.join('')}</form>
<script>document.getElementById('f').submit();</script>`;
}

// Keeps each site's things apart, as the specification says. Whatever it answers, it says to the page the question came from.
const keeperScript = (keeps, stranger) => `
const keeps = ${JSON.stringify(keeps)}, stranger = ${JSON.stringify(stranger)}, kept = new Map();
addEventListener('message', ({data, origin, source}) => {
  if (!data || !/^lti\\.(put|get)_data$/.test(data.subject) || keeps === 'silently') return;
  document.body.append(data.subject + ' ');  // for who looks at what it was told
  const at = origin + ' ' + data.key, put = data.subject === 'lti.put_data';
  if (put && keeps !== 'nothing') kept.set(at, data.value);
  let value = put ? data.value : kept.get(at);
  if (!put && keeps === 'another') value = 'another browser\\'s';
  const answer = {subject: data.subject + '.response', message_id: data.message_id, key: data.key, value};
  if (!put && keeps === 'elsewhere') parent.frames.stranger.postMessage(answer, stranger);
  else source.postMessage(answer, origin);
});`;
// At another origin: says what it is told to the activity's frame, as if it were the platform.
const strangerScript = `addEventListener('message', ({data}) => parent.frames.a0.postMessage(data, '*'));`;

export async function startCourse({key, cert, name, clientId = 'hub', consumer = 'course', secret = 'shared'}) {
  const keys = generateKeyPairSync('rsa', {modulusLength: 2048});
  const jwk = {...keys.publicKey.export({format: 'jwk'}), kid: 'c1', use: 'sig', alg: 'RS256'};
  const pages = [];
  const site = {tool: '', asked: [], keeps: 'rightly', stranger: ''};

  function idToken(asked, activity) {
    const now = Math.floor(Date.now() / 1000);
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = {iss: site.issuer, aud: clientId, sub: activity.user, iat: now, exp: now + 60, nonce: asked.get('nonce'),
      name: `Person ${activity.user}`, [`${claim}message_type`]: 'LtiResourceLinkRequest', [`${claim}version`]: '1.3.0',
      [`${claim}deployment_id`]: '1', [`${claim}target_link_uri`]: `${site.tool}/hub/lti13/oauth_callback`,
      [`${claim}roles`]: [`${membership}Learner`], [`${claim}context`]: {id: 'c1', title: 'Queues'},
      [`${claim}resource_link`]: {id: activity.link ?? 'rl-1', title: 'TP 1'}, [`${claim}custom`]: activity.custom ?? {},
      [`${claim}launch_presentation`]: {document_target: 'iframe', return_url: `${site.origin}/course`}};
    const body = `${part({alg: 'RS256', typ: 'JWT', kid: 'c1'})}.${part(claims)}`;
    return `${body}.${createSign('sha256').update(body).sign(keys.privateKey, 'base64url')}`;
  }

  function activityPage(activity) {
    if (activity.lti === '1.1') {
      const url = `${site.tool}/hub/lti/launch`;
      const {lti, ...fields} = activity;
      return formPage(url, signed(url, {lti_message_type: 'basic-lti-launch-request', lti_version: 'LTI-1p0', resource_link_id: 'rl-1',
        roles: 'Learner', context_id: 'c1', launch_presentation_return_url: `${site.origin}/course`, ...fields}, consumer, secret));
    }
    const hint = Buffer.from(JSON.stringify(activity)).toString('base64url');
    return formPage(`${site.tool}/hub/lti13/oauth_login`, {iss: site.issuer, client_id: clientId, login_hint: hint, lti_message_hint: 'm',
      target_link_uri: `${site.tool}/hub/lti13/oauth_callback`, lti_deployment_id: '1',
      ...(activity.storage ? {lti_storage_target: activity.storage} : {})});
  }

  function answer(request, response) {
    const url = new URL(request.url, site.origin);
    const html = (text) => { response.writeHead(200, {'Content-Type': 'text/html; charset=utf-8'}); response.end(text); };
    const [, kind, page, number] = url.pathname.split('/');
    if (kind === 'page') {
      const waits = pages[page].some((one) => one.storage === 'keeper') ? 'data-src' : 'src';  // until the keeper listens
      const frames = pages[page].map((_, index) => `<iframe id="a${index}" name="a${index}" ${waits}="/activity/${page}/${index}" width="800" height="500"></iframe>`);
      const storage = pages[page].find((one) => one.storage)?.storage;
      const keeper = storage === '_parent' ? `<script>${keeperScript(site.keeps, site.stranger)}</script>` : `<iframe name="keeper" src="${site.keeps === 'abroad' ? site.stranger : ''}/keeper" onload="begin()"></iframe>`;
      const begin = 'function begin() { for (const frame of document.querySelectorAll("[data-src]")) frame.src = frame.dataset.src; }';
      const stranger = site.stranger ? `<iframe name="stranger" src="${site.stranger}/stranger"></iframe>` : '';
      return html(`<!doctype html><title>A course</title><h1>Queues</h1><script>${begin}</script>${frames.join('')}${storage ? stranger + keeper : ''}`);
    }
    if (kind === 'keeper') return html(`<!doctype html><title>keeper</title><script>${keeperScript(site.keeps, site.stranger)}</script>`);
    if (kind === 'stranger') return html(`<!doctype html><title>stranger</title><script>${strangerScript}</script>`);
    if (kind === 'activity') return html(activityPage(pages[page][number]));
    if (kind === 'course') return html('<!doctype html><title>Back in the course</title><h1>Queues</h1>');
    if (kind === 'auth') {
      site.asked.push(Object.fromEntries(url.searchParams));
      const activity = JSON.parse(Buffer.from(url.searchParams.get('login_hint'), 'base64url'));
      return html(formPage(url.searchParams.get('redirect_uri'), {state: url.searchParams.get('state'), id_token: idToken(url.searchParams, activity)}));
    }
    response.writeHead(404);
    return response.end();
  }

  const listening = (server) => new Promise((done) => { server.listen(0, '127.0.0.1', () => done(server.address().port)); });
  const secure = createServer({key, cert}, answer);
  const plain = createPlain((_, response) => { response.setHeader('Content-Type', 'application/json'); response.end(JSON.stringify({keys: [jwk]})); });
  const port = await listening(secure);
  site.jwksUrl = `http://127.0.0.1:${await listening(plain)}/jwks`;  // for the gateway, which trusts no certificate of a test
  site.origin = site.issuer = `https://${name}:${port}`;
  site.authUrl = `${site.origin}/auth`;
  site.page = (activities) => `${site.origin}/page/${pages.push(activities) - 1}`;
  site.stop = () => { for (const server of [secure, plain]) { server.close(); server.closeAllConnections(); } };
  return site;
}
