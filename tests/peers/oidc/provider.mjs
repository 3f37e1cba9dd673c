// An OpenID Provider on loopback: npm's oidc-provider with a few people and a few bad habits.
//   node provider.mjs CLIENT_URL...     each the gateway's /hub/auth/<name>/; clients "gateway", "gateway-2", ...
// Prints {"issuer": ...} once it listens. Any password will do. Ends when its standard input does.
//   /peer/rotate                  a new signing key; the old one is gone
//   /peer/down?paths=token,jwks   these answer 503 until /peer/down?paths=
//   /peer/person?login=fry&gone=1, &groups=a,b     the account is disabled, or has other groups
//   /peer/count                   how often each path was asked
// Environment: ACCESS_JWT (access tokens are signed, for who takes such tokens; no userinfo then), ACCESS_SECONDS, CLIENT_AUTH (client_secret_basic), KEY_TYPE (RSA, EC), ID_TOKEN_CLAIMS, SIGNED_USERINFO,
// CLIENT_KEY (a public JWK for private_key_jwt).
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const env = process.env;
const people = {
  fry: { preferred_username: 'fry', name: 'Philip Fry', email: 'fry@planet.example', email_verified: true, groups: ['crew'],
    eduperson: { entitlement: ['hpc:gpu'] } },
  leela: { preferred_username: 'Leela.T', name: 'Turanga Leela', email: 'leela@planet.example', email_verified: true,
    groups: ['crew', 'staff'], realm_access: { roles: ['hub-admin'] } },
  zoe: { preferred_username: 'zoé', name: 'Zoé Müller', email: 'zoe@autre.example', email_verified: false, groups: 'crew' },
  capital: { preferred_username: 'FRY', email: 'capital@planet.example', email_verified: true, groups: ['crew'] },
  evil: { preferred_username: '../fry', email: 'fry@planet.example', email_verified: false, groups: ['crew'] },
  wide: { preferred_username: 'ｆｒｙ\u200b', email: 'wide@planet.example', email_verified: true, groups: ['crew'] },
  huge: { preferred_username: 'x'.repeat(100_000), email: 'huge@planet.example', email_verified: true, groups: ['crew'] },
  ghost: { email: 'ghost@planet.example', email_verified: true, groups: ['crew'] },
  bender: { preferred_username: 'bender', groups: ['crew'] },
  amy: { preferred_username: 'amy', groups: ['crew'] },
  stranger: { preferred_username: 'stranger', email: 's@elsewhere.example', email_verified: true },
};
const gone = new Set();
const count = {};
let down = new Set();

const [kind, options, alg] = env.KEY_TYPE === 'EC' ? ['ec', { namedCurve: 'P-256' }, 'ES256'] : ['rsa', { modulusLength: 2048 }, 'RS256'];
const newKey = () => ({ ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }), use: 'sig', alg,
  kid: randomBytes(4).toString('hex') });
let keys = [newKey()];

const clientKey = env.CLIENT_KEY ? { jwks: { keys: [JSON.parse(env.CLIENT_KEY)] } } : {};
const client = (url, index) => ({
  client_id: index === 0 ? 'gateway' : `gateway-${index + 1}`,
  ...(env.CLIENT_AUTH === 'none' || env.CLIENT_KEY ? {} : { client_secret: 'gateway-secret+/ %' }),
  ...clientKey,
  token_endpoint_auth_method: env.CLIENT_AUTH ?? 'client_secret_basic',
  redirect_uris: [`${url}callback`],
  post_logout_redirect_uris: [new URL('/hub/signed-out', url).href],
  backchannel_logout_uri: `${url}backchannel-logout`,
  backchannel_logout_session_required: true,
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  id_token_signed_response_alg: alg,
  ...(env.SIGNED_USERINFO ? { userinfo_signed_response_alg: alg } : {}),
});

const server = createServer();
await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
const issuer = `http://127.0.0.1:${server.address().port}`;

const audience = 'https://keys.example';
const signedAccess = { userinfo: { enabled: false }, resourceIndicators: { enabled: true, defaultResource: () => audience,
  useGrantedResource: () => true, getResourceServerInfo: () => ({ scope: 'openid profile email', audience, accessTokenFormat: 'jwt',
    accessTokenTTL: Number(env.ACCESS_SECONDS ?? 600), jwt: { sign: { alg } } }) } };

const build = () => new Provider(issuer, {
  clients: process.argv.slice(2).map(client),
  jwks: { keys },
  cookies: { keys: ['peer'] },
  pkce: { required: () => true, methods: ['S256'] },
  acrValues: ['https://refeds.org/profile/mfa'],
  claims: { openid: ['sub'], email: ['email', 'email_verified'],
    profile: ['preferred_username', 'name', 'groups', 'realm_access', 'eduperson'] },
  conformIdTokenClaims: env.ID_TOKEN_CLAIMS !== '1' && !env.ACCESS_JWT,
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true }, backchannelLogout: { enabled: true },
    ...(env.ACCESS_JWT ? signedAccess : { jwtUserinfo: { enabled: true } }), revocation: { enabled: true } },
  rotateRefreshToken: true,
  issueRefreshToken: async () => true,
  ttl: { AccessToken: Number(env.ACCESS_SECONDS ?? 600), IdToken: 60, AuthorizationCode: 30, RefreshToken: 3600, Session: 3600,
    Grant: 3600, Interaction: 300 },
  findAccount: async (ctx, sub) => (people[sub] && !gone.has(sub)
    ? { accountId: sub, claims: async () => ({ sub, ...people[sub] }) } : undefined),
});
let handler = build().callback();

function control(url, response) {
  const query = url.searchParams;
  if (url.pathname === '/peer/rotate') {
    // The adapter's memory is the module's, so sign-ins live on; only the key changes.
    keys = [newKey()];
    handler = build().callback();
  } else if (url.pathname === '/peer/down') {
    down = new Set((query.get('paths') ?? '').split(',').filter(Boolean));
  } else if (url.pathname === '/peer/person') {
    const login = query.get('login');
    if (query.has('gone')) gone[query.get('gone') === '1' ? 'add' : 'delete'](login);
    if (query.has('groups')) people[login].groups = query.get('groups').split(',').filter(Boolean);
  }
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(count));
}

server.on('request', (request, response) => {
  const url = new URL(request.url, issuer);
  if (url.pathname.startsWith('/peer/')) return control(url, response);
  const path = url.pathname.startsWith('/.well-known/') ? 'discovery' : url.pathname.split('/')[1];
  count[path] = (count[path] ?? 0) + 1;
  if (down.has(path)) {
    response.statusCode = 503;
    return response.end('down');
  }
  return handler(request, response);
});
process.stdin.on('end', () => process.exit(0)).resume();
console.log(JSON.stringify({ issuer }));
