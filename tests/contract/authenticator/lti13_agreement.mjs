// lti13_agreement.mjs LTI_CONTRACT [COUNT]: tokens that Node's crypto signs, in odd but allowed spellings, and tokens that were
// changed on the way or signed otherwise, are judged by our code as Node's crypto judges them. They go to the vector tests of
// lti_contract as a file of vectors.
import assert from 'node:assert';
import {execFileSync} from 'node:child_process';
import {constants, createHmac, generateKeyPairSync, randomBytes, randomInt, sign, verify} from 'node:crypto';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

const [program, wanted] = process.argv.slice(2);
const count = Number(wanted ?? 400);
const now = 1700000000;
const claim = 'https://purl.imsglobal.org/spec/lti/claim/';
const pair = () => generateKeyPairSync('rsa', {modulusLength: 2048});
const ours = pair(), others = pair();
const jwk = {...ours.publicKey.export({format: 'jwk'}), kid: 'k', alg: 'RS256', use: 'sig'};
const pick = (list) => list[randomInt(list.length)];
const encode = (text) => Buffer.from(text).toString('base64url');
const odd = () => Array.from({length: randomInt(12)}, () => pick([...'aZ09 "\\/é€漢🙂\n\t\u0001<>&'])).join('');

function claims(number) {
  const nonce = `n${number}`;
  const audience = pick(['c', ['c']]);
  const late = pick([0, 0.25, 30]);
  return {iss: 'https://lms.example.org', aud: audience, sub: `u${number}`, iat: now - late, exp: now + 55 + late, nonce, name: odd(),
    [`${claim}message_type`]: 'LtiResourceLinkRequest', [`${claim}version`]: '1.3.0', [`${claim}deployment_id`]: '1',
    [`${claim}target_link_uri`]: 'https://hub.example.org/hub/', [`${claim}roles`]: [],
    [`${claim}resource_link`]: {id: 'rl', title: odd()}, [`${claim}custom`]: {[`k${number}`]: odd()}};
}

// The same JSON in other words.
function spelt(value) {
  const text = JSON.stringify(value, null, pick([0, 1, '\t']));
  return pick([text, ` ${text}\n`, text.replace(/[^\x00-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)]);
}

const flipped = (text, at) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
const rsa = (data, key, hash = 'sha256', padding = constants.RSA_PKCS1_PADDING) => sign(hash, Buffer.from(data), {key, padding}).toString('base64url');

// [compact token, class of the refusal when Node's crypto does not take it]
const kinds = {
  good: (header, body) => [`${header}.${body}`, (data) => rsa(data, ours.privateKey), ''],
  signature: (header, body) => [`${header}.${body}`, (data) => flipped(rsa(data, ours.privateKey), randomInt(340)), 'signature'],
  short: (header, body) => [`${header}.${body}`, (data) => sign('sha256', Buffer.from(data), ours.privateKey).subarray(0, 255).toString('base64url'), 'signature'],
  otherKey: (header, body) => [`${header}.${body}`, (data) => rsa(data, others.privateKey), 'signature'],
  otherHash: (header, body) => [`${header}.${body}`, (data) => rsa(data, ours.privateKey, 'sha512'), 'signature'],
  otherPadding: (header, body) => [`${header}.${body}`, (data) => rsa(data, ours.privateKey, 'sha256', constants.RSA_PKCS1_PSS_PADDING), 'signature'],
  noise: (header, body) => [`${header}.${body}`, () => randomBytes(256).toString('base64url'), 'signature'],
  algorithm: (header, body, algorithm) => [`${encode(JSON.stringify({alg: algorithm, kid: 'k'}))}.${body}`,
    (data) => (algorithm.startsWith('HS') ? createHmac('sha256', ours.publicKey.export({type: 'spki', format: 'pem'})).update(data).digest('base64url')
      : rsa(data, ours.privateKey)), 'algorithm'],
};

function oneCase(number) {
  const kind = randomInt(2) ? 'good' : pick(Object.keys(kinds));
  const said = claims(number);
  const header = encode(spelt({alg: 'RS256', ...pick([{typ: 'JWT'}, {}]), kid: 'k', ...pick([{}, {x5t: odd()}])}));
  let [data, signer, error] = kinds[kind](header, encode(spelt(said)), pick(['RS384', 'PS256', 'HS256', 'none', 'NONE', 'rs256', 'ES256', '']));
  const made = signer(data);
  // Half of the good ones are changed behind the signature's back.
  if (kind === 'good' && randomInt(2)) {
    const forged = encode(JSON.stringify({...said, sub: `${said.sub}x`}));
    data = `${header}.${forged}`;
    error = 'signature';
  }
  const takes = verify('sha256', Buffer.from(data), ours.publicKey, Buffer.from(made, 'base64url'));
  const expected = kind === 'algorithm' ? false : takes;
  assert.equal(expected, error === '', `${kind}: our own idea of it`);
  return {name: `${kind} ${number}`, steps: [{form: {id_token: `${data}.${made}`, state: `s${number}`}, bound: {state: `s${number}`, nonce: said.nonce},
    jwks_served: ['A'], expect: expected ? {ok: true, sub: said.sub} : {ok: false, error}}]};
}

const cases = Array.from({length: count}, (_, number) => oneCase(number));
const folder = mkdtempSync(join(tmpdir(), 'passerelle-tokens-'));
try {
  const file = join(folder, 'vectors.json');
  writeFileSync(file, JSON.stringify({now, leeway_s: 60, max_age_s: 3600, platform: {issuer: 'https://lms.example.org', client_id: 'c',
    deployment_ids: ['1'], algorithms: ['RS256']}, jwks: {A: {keys: [jwk]}}, cases}));
  execFileSync(program, ['--gtest_filter=Lti13Vectors.*', '--gtest_brief=1'], {stdio: 'inherit', env: {...process.env, PASSERELLE_LTI13_VECTORS: file}});
} finally {
  rmSync(folder, {recursive: true, force: true});
}
const good = cases.filter((one) => one.steps[0].expect.ok).length;
console.log(`${good} good and ${count - good} bad tokens judged as Node's crypto does`);
assert(good > count / 5 && count - good > count / 5);
