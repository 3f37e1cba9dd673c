"""A learning platform's side of LTI, for tests: it signs with python3-jwt and python3-oauthlib, not with our code. It
keeps no courses; a test says who launches what, and looks at what came back.

LTI 1.1 outcomes at /outcomes (signature and body hash checked), LTI 1.3 at /auth, /jwks, /token (our assertion checked
against the tool's own key set), scores below /lineitems/, deep linking at /deep. Loopback only."""

import base64
import hashlib
import html
import http.server
import json
import threading
import time
import urllib.parse
import urllib.request
import xml.etree.ElementTree

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from oauthlib.oauth1.rfc5849 import signature

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
POX = "http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"


def answer_pox(success, words):
    major = "success" if success else "failure"
    return (f'<?xml version="1.0" encoding="UTF-8"?><imsx_POXEnvelopeResponse xmlns="{POX}"><imsx_POXHeader>'
            f"<imsx_POXResponseHeaderInfo><imsx_version>V1.0</imsx_version><imsx_messageIdentifier>1</imsx_messageIdentifier>"
            f"<imsx_statusInfo><imsx_codeMajor>{major}</imsx_codeMajor><imsx_severity>status</imsx_severity>"
            f"<imsx_description>{html.escape(words)}</imsx_description></imsx_statusInfo></imsx_POXResponseHeaderInfo>"
            f"</imsx_POXHeader><imsx_POXBody/></imsx_POXEnvelopeResponse>").encode()


class Platform:
    def __init__(self, client_id="hub", secrets=None):
        self.client_id = client_id
        self.secrets = secrets or {}  # consumer key -> secret, LTI 1.1
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.tool = ""       # address of the tool's key set
        self.outcomes = {}   # sourcedId -> score
        self.scores = []     # (path, score)
        self.refused = []    # why we did not take something
        self.requests = []   # (method, path)
        self.down = False
        self.speaks = threading.Event()  # cleared: takes requests and says nothing
        self.speaks.set()
        self.redirects = set()  # registered
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def reply(self, status, body=b"", content_type="application/json"):
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.requests.append((self.command, self.path))
                try:
                    outer.answer(self, body)
                except (ValueError, KeyError, jwt.PyJWTError) as error:
                    outer.refused.append(f"{type(error).__name__}: {error}")
                    self.reply(400, json.dumps({"error": "invalid_request"}).encode())

            do_GET = do_POST = handle_any

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.issuer = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.speaks.set()
        self.server.shutdown()
        self.server.server_close()

    # -- what the tool calls ------------------------------------------------------------------------------------------

    def answer(self, handler, body):
        path = urllib.parse.urlsplit(handler.path).path
        self.speaks.wait(60)
        if self.down:
            return handler.reply(503)
        if path == "/jwks":
            return handler.reply(200, json.dumps({"keys": [self.jwk()]}).encode())
        if path == "/token":
            return handler.reply(200, json.dumps(self.token(body)).encode())
        if path == "/outcomes":
            return handler.reply(200, self.outcome(handler, body), "application/xml")
        if path.startswith("/lineitems/") and path.endswith("/scores"):
            if handler.headers["Authorization"] != "Bearer service-token":
                return handler.reply(401)
            self.scores.append((handler.path, json.loads(body)))
            return handler.reply(200)
        return handler.reply(404)

    def jwk(self):
        jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"kty": "RSA", "n": jwk["n"], "e": jwk["e"], "kid": "p1", "use": "sig", "alg": "RS256"}

    def tool_key(self, compact):
        with urllib.request.urlopen(self.tool, timeout=10) as answer:
            keys = json.load(answer)["keys"]
        kid = jwt.get_unverified_header(compact)["kid"]
        key = next(key for key in keys if key["kid"] == kid)
        return jwt.algorithms.RSAAlgorithm.from_jwk(json.dumps(key))

    def token(self, body):
        form = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
        assert form["grant_type"] == "client_credentials", form
        assertion = form["client_assertion"]
        claims = jwt.decode(assertion, self.tool_key(assertion), algorithms=["RS256"], audience=self.issuer + "/token",
                            options={"require": ["exp", "iat", "jti", "iss", "sub"]})
        if claims["iss"] != self.client_id or claims["sub"] != self.client_id:
            raise ValueError("the assertion is another client's")
        return {"access_token": "service-token", "token_type": "bearer", "expires_in": 3600, "scope": form["scope"]}

    def outcome(self, handler, body):
        header = handler.headers["Authorization"]
        given = dict(signature.collect_parameters(headers={"Authorization": header}, exclude_oauth_signature=False))
        sent = given.pop("oauth_signature")
        if given["oauth_body_hash"] != base64.b64encode(hashlib.sha1(body).digest()).decode():
            self.refused.append("body hash")
            return answer_pox(False, "the body hash is wrong")
        parameters = list(given.items()) + signature.collect_parameters(uri_query=urllib.parse.urlsplit(handler.path).query)
        base = signature.signature_base_string("POST", signature.base_string_uri(self.issuer + handler.path),
                                               signature.normalize_parameters(parameters))
        if sent != signature.sign_hmac_sha1(base, self.secrets[given["oauth_consumer_key"]], ""):
            self.refused.append("signature")
            return answer_pox(False, "the signature is wrong")
        root = xml.etree.ElementTree.fromstring(body)
        record = root.find(f".//{{{POX}}}replaceResultRequest/{{{POX}}}resultRecord")
        sourced_id = record.find(f".//{{{POX}}}sourcedId").text
        self.outcomes[sourced_id] = float(record.find(f".//{{{POX}}}textString").text)
        return answer_pox(True, "kept")

    # -- what the platform sends through the browser -----------------------------------------------------------------

    def initiation(self, target, hint="5"):
        """The form that begins a launch."""
        return {"iss": self.issuer, "login_hint": hint, "target_link_uri": target, "client_id": self.client_id,
                "lti_message_hint": json.dumps({"cmid": "1"}), "lti_deployment_id": "1"}

    def authorize(self, url, user="5", message="LtiResourceLinkRequest", roles=("Learner",), **changes):
        """What the browser posts back after it was sent to `url` of ours: (address, form)."""
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        assert url.startswith(self.issuer + "/auth?"), url
        assert asked["scope"] == "openid" and asked["response_type"] == "id_token", asked
        assert asked["response_mode"] == "form_post" and asked["client_id"] == self.client_id, asked
        assert asked["redirect_uri"] in self.redirects, (asked["redirect_uri"], self.redirects)
        assert json.loads(asked["lti_message_hint"]) == {"cmid": "1"}, asked
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": self.client_id, "sub": user, "iat": now, "exp": now + 60,
                  "nonce": asked["nonce"], "name": f"Person {user}", CLAIM + "message_type": message,
                  CLAIM + "version": "1.3.0", CLAIM + "deployment_id": "1",
                  CLAIM + "target_link_uri": urllib.parse.urljoin(asked["redirect_uri"], "/hub/"),
                  CLAIM + "roles": [ROLE + role for role in roles],
                  CLAIM + "context": {"id": "c1", "label": "QUEUES", "title": "Files d'attente"},
                  CLAIM + "resource_link": {"id": "rl-1", "title": "TP 1"},
                  AGS + "claim/endpoint": {"scope": [AGS + "scope/score"],
                                           "lineitem": f"{self.issuer}/lineitems/4/lineitem?type_id=2"}}
        if message == "LtiDeepLinkingRequest":
            claims[DL + "deep_linking_settings"] = {"deep_link_return_url": self.issuer + "/deep",
                                                    "accept_types": ["ltiResourceLink"], "data": "opaque=1",
                                                    "accept_presentation_document_targets": ["iframe"]}
        claims.update(changes)
        token = jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "p1"})
        return asked["redirect_uri"], {"state": asked["state"], "id_token": token}

    def deep_link(self, compact):
        """The claims of the tool's answer."""
        return jwt.decode(compact, self.tool_key(compact), algorithms=["RS256"], audience=self.issuer,
                          options={"require": ["exp", "iat", "nonce", "iss"]})
