-- A database of schema version 2, as a dump: what the released program wrote. Never changed.
CREATE TABLE names (
  username TEXT PRIMARY KEY,
  base TEXT NOT NULL,
  number INTEGER NOT NULL,
  owner TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
CREATE INDEX names_by_base ON names (base, number);

CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  authenticator TEXT NOT NULL,
  subject TEXT NOT NULL,
  username TEXT NOT NULL UNIQUE REFERENCES names,
  display_name TEXT NOT NULL,
  "groups" TEXT NOT NULL,
  created INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  UNIQUE (authenticator, subject)
) STRICT;

CREATE TABLE credentials (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  kind TEXT NOT NULL,
  hash TEXT NOT NULL,
  UNIQUE (user, kind, hash)
) STRICT;

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  created INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  user_agent TEXT NOT NULL,
  peer TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user);

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  scopes TEXT NOT NULL,
  note TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER,
  last_used INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_user ON tokens (user);

CREATE TABLE servers (
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  name TEXT NOT NULL,
  phase TEXT NOT NULL,
  launch_id TEXT NOT NULL,
  profile TEXT NOT NULL,
  form_values TEXT NOT NULL,
  spawner TEXT NOT NULL,
  state TEXT NOT NULL,
  upstream TEXT NOT NULL,
  sealed_secret TEXT NOT NULL,
  started INTEGER,
  last_activity INTEGER NOT NULL,
  ended INTEGER,
  cause TEXT,
  detail TEXT NOT NULL,
  exit_code INTEGER,
  error_id TEXT NOT NULL,
  ended_by TEXT NOT NULL,
  PRIMARY KEY (user, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  result TEXT NOT NULL,
  cause TEXT NOT NULL,
  error_id TEXT NOT NULL,
  detail TEXT NOT NULL,
  peer TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_actor ON audit (actor, id);
CREATE INDEX audit_by_action ON audit (action, id);
CREATE INDEX audit_by_target ON audit (target, id);

CREATE TABLE health (one INTEGER PRIMARY KEY CHECK (one = 1), written INTEGER NOT NULL) STRICT;
INSERT INTO health VALUES (1, 0);
INSERT INTO names VALUES ('alice', 'alice', 1, 'ec2bbe3a1f5c818bf592b376dc3206afe8c1a403af1ab38d89cb71cd90c0367b');
INSERT INTO users VALUES (7, 'room', 'alice', 'alice', 'Alice', '["mooc"]', 1700000000000000, 1700000001000000);
INSERT INTO credentials VALUES (1, 7, 'claim', 'ch');
INSERT INTO sessions VALUES ('s1', 7, 1700000000000000, 1700000001000000, 1900000000000000, 'browser', '192.0.2.1');
INSERT INTO tokens VALUES ('t1', 'th', 7, '["inherit"]', 'script', 1700000000000000, NULL, NULL);
INSERT INTO servers VALUES (7, '', 'running', '0123456789abcdef', 'notebook', '{"cores":"2"}', 'here', '{"pid":1}',
                            'tcp:127.0.0.1:8888', 'sealed', 1700000000000000, 1700000001000000, NULL, NULL, '', NULL, '', '');
INSERT INTO audit VALUES (1, 1700000000000000, 'alice', 'sign-in', 'user/alice/', 'ok', '', '', '', '192.0.2.1');
ALTER TABLE users ADD COLUMN blocked INTEGER;

CREATE TABLE linked_identities (
  authenticator TEXT NOT NULL,
  subject TEXT NOT NULL,
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  linked INTEGER NOT NULL,
  PRIMARY KEY (authenticator, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX linked_identities_by_user ON linked_identities (user);

CREATE TABLE auth_states (
  authenticator TEXT NOT NULL,
  subject TEXT NOT NULL,
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  sealed TEXT NOT NULL,
  PRIMARY KEY (authenticator, subject)
) STRICT;
CREATE INDEX auth_states_by_user ON auth_states (user);

ALTER TABLE sessions ADD COLUMN authenticator TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN provider_session TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN sealed_hint TEXT NOT NULL DEFAULT '';
UPDATE sessions SET authenticator = (SELECT authenticator FROM users WHERE id = user),
                    subject = (SELECT subject FROM users WHERE id = user);
INSERT INTO linked_identities VALUES ('univ', 'a-17', 7, 1700000000000000);
INSERT INTO auth_states VALUES ('univ', 'a-17', 7, 'sealed');
CREATE TABLE nonces (
  scope TEXT NOT NULL,
  nonce TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (scope, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_by_until ON nonces (until);
INSERT INTO nonces VALUES ('mooc/edx', 'n-1', 1900000000000000);
CREATE TABLE activities (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  authenticator TEXT NOT NULL,
  platform TEXT NOT NULL,
  link TEXT NOT NULL,
  context TEXT NOT NULL,
  context_title TEXT NOT NULL,
  title TEXT NOT NULL,
  user_id TEXT NOT NULL,
  teaches INTEGER NOT NULL,
  grade_url TEXT NOT NULL,
  grade_reference TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  score INTEGER NOT NULL DEFAULT 0,
  maximum INTEGER NOT NULL DEFAULT 0,
  comment TEXT NOT NULL DEFAULT '',
  given_by TEXT NOT NULL DEFAULT '',
  given INTEGER NOT NULL DEFAULT 0,
  state INTEGER NOT NULL DEFAULT 0,
  serial INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_try INTEGER NOT NULL DEFAULT 0,
  detail TEXT NOT NULL DEFAULT '',
  settled INTEGER,
  UNIQUE (authenticator, platform, link, user)
) STRICT;
CREATE INDEX activities_by_user ON activities (user);
CREATE INDEX activities_by_course ON activities (authenticator, platform, context);
CREATE INDEX activities_pending ON activities (next_try) WHERE state = 1;

CREATE VIEW activity_rows AS
SELECT a.id, a.user, u.username, u.display_name, a.authenticator, a.platform, a.link, a.context,
       a.context_title, a.title, a.user_id, a.teaches, a.grade_url, a.grade_reference, a.first_seen,
       a.last_seen, a.score, a.maximum, a.comment, a.given_by, a.given, a.state, a.serial,
       a.attempts, a.next_try, a.detail, a.settled
FROM activities a JOIN users u ON u.id = a.user;

CREATE TABLE kept (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
INSERT INTO activities (user, authenticator, platform, link, context, context_title, title, user_id, teaches, grade_url,
                        grade_reference, first_seen, last_seen, score, maximum, given, state, serial, next_try)
  VALUES (7, 'edx', 'key', 'rl-1', 'c1', 'Course', 'TP 1', '5', 0, 'https://lms.example/o', 'sid', 1700000000000000,
          1700000000000000, 17000000, 20000000, 1700000000000000, 1, 1, 1700000000000000);
INSERT INTO kept VALUES ('lti13', 'tool-keys', 'sealed');
ALTER TABLE users ADD COLUMN admin INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN session TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN client TEXT NOT NULL DEFAULT '';
CREATE INDEX users_by_last_seen ON users (last_seen);

CREATE TABLE user_groups (
  name TEXT PRIMARY KEY,
  properties TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;

CREATE TABLE group_members (
  name TEXT NOT NULL REFERENCES user_groups ON DELETE CASCADE,
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  PRIMARY KEY (name, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_members_by_user ON group_members (user);
INSERT INTO user_groups (name, properties) VALUES ('physics', '{"room": 3}');
PRAGMA application_id=1347636293;
PRAGMA user_version=5;
