"""A stand-in for MinIO's STS and for Vault: only the two exchanges a gateway makes, in their formats, and not the services
behind. It verifies the signature, issuer, audience and end of each token against the provider's published keys, and says no in
the words of the real ones. One thread of the test's own process, on loopback."""

import datetime
import http.server
import json
import secrets
import threading
import urllib.parse
import urllib.request
import xml.sax.saxutils

import jwt

STS = "https://sts.amazonaws.com/doc/2011-06-15/"
AUDIENCE = "https://keys.example"
ROLE = "arn:minio:iam:::role/notebooks"


class Keys:
    """`given`: what each kind handed out, with the person's subject. `away`: so many answers are 503."""

    def __init__(self, issuer):
        self.issuer, self.audience, self.away, self.given, self.asked = issuer, AUDIENCE, 0, {"sts": [], "vault": []}, []
        keys = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                keys.answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *unused):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def settings(self, role=ROLE, required=False):
        """`s3` and `vault` of a spawner, as YAML."""
        must = str(required).lower()
        return (f"s3: {{sts: '{self.url}', role: '{role}', duration: 20m, bucket: 'user-{{user}}', required: {must}}}, "
                f"vault: {{url: '{self.url}', role: notebooks, mount: kv, directory: '{{user}}', required: {must}}}")

    def person(self, token):
        """Whose token it is; raises jwt's own errors."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.issuer}/jwks", timeout=10) as answer:
            known = {key["kid"]: key for key in json.load(answer)["keys"]}
        kid = jwt.get_unverified_header(token)["kid"]
        if kid not in known:
            raise jwt.InvalidSignatureError("no such key")
        claims = jwt.decode(token, jwt.PyJWK(known[kid]).key, algorithms=["RS256"], audience=self.audience,
                            issuer=self.issuer, options={"require": ["exp", "sub"]})
        return claims["sub"]

    def answer(self, request, body):
        self.asked.append(request.path)
        if self.away > 0:
            self.away -= 1
            return self.reply(request, 503, "text/plain", "away")
        if request.path == "/":
            return self.sts(request, dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True)))
        if request.path == "/v1/auth/jwt/login":
            return self.vault(request, json.loads(body))
        return self.reply(request, 404, "application/json", '{"errors": []}')

    def sts(self, request, form):
        if form.get("Action") != "AssumeRoleWithWebIdentity" or form.get("Version") != "2011-06-15":
            return self.refuse(request, 400, "InvalidAction", "no such action")
        if form.get("RoleArn") != ROLE:
            return self.refuse(request, 403, "AccessDenied", f"Role {form.get('RoleArn')} does not exist")
        try:
            person = self.person(form["WebIdentityToken"])
        except (jwt.InvalidTokenError, KeyError) as error:
            return self.refuse(request, 400, "InvalidIdentityToken", f"{error}: {form.get('WebIdentityToken')}")
        seconds = int(form.get("DurationSeconds", "3600"))
        end = datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)
        given = {"AccessKeyId": secrets.token_hex(10).upper(), "SecretAccessKey": secrets.token_urlsafe(30),
                 "SessionToken": secrets.token_urlsafe(200), "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ")}
        self.given["sts"].append((person, given, form))
        fields = "".join(f"<{name}>{value}</{name}>" for name, value in given.items())
        self.reply(request, 200, "application/xml",
                   f'<?xml version="1.0" encoding="UTF-8"?>\n<AssumeRoleWithWebIdentityResponse xmlns="{STS}">'
                   f"<AssumeRoleWithWebIdentityResult><AssumedRoleUser><Arn></Arn><AssumeRoleId></AssumeRoleId></AssumedRoleUser>"
                   f"<Credentials>{fields}</Credentials><SubjectFromWebIdentityToken>{person}</SubjectFromWebIdentityToken>"
                   f"</AssumeRoleWithWebIdentityResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>"
                   f"</AssumeRoleWithWebIdentityResponse>")

    def refuse(self, request, status, code, words):
        self.reply(request, status, "application/xml",
                   f'<?xml version="1.0" encoding="UTF-8"?>\n<ErrorResponse xmlns="{STS}"><Error><Type></Type><Code>{code}</Code>'
                   f"<Message>{xml.sax.saxutils.escape(words)}</Message></Error><RequestId>1</RequestId></ErrorResponse>")

    def vault(self, request, wish):
        try:
            person = self.person(wish["jwt"])
        except (jwt.InvalidTokenError, KeyError) as error:
            return self.reply(request, 400, "application/json", json.dumps({"errors": [f"error validating token: {error}"]}))
        if wish.get("role") != "notebooks":
            return self.reply(request, 400, "application/json", json.dumps({"errors": [f"role {wish.get('role')!r} could not be found"]}))
        token = "hvs." + secrets.token_urlsafe(60)
        self.given["vault"].append((person, token))
        return self.reply(request, 200, "application/json", json.dumps(
            {"request_id": "1", "lease_id": "", "renewable": False, "lease_duration": 0, "data": None,
             "auth": {"client_token": token, "accessor": "a", "policies": ["default"], "metadata": {"role": "notebooks"},
                      "lease_duration": 2764800, "renewable": True}}))

    @staticmethod
    def reply(request, status, kind, body):
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body.encode())))
        request.end_headers()
        request.wfile.write(body.encode())
