"""A learning platform's side of LTI, for tests: it signs with python3-jwt and python3-oauthlib, not with our code. It
keeps no courses; a test says who launches what, and looks at what came back.

LTI 1.1 outcomes at /outcomes (signature and body hash checked), LTI 1.3 at /auth, /jwks, /token (our assertion checked
against the tool's own key set), scores below /lineitems/, line items at /lineitems, the roster in two pages at /members,
deep linking at /deep, dynamic registration at /openid-configuration and /register. Loopback only."""

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
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/"
TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
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
        self.line_items = []  # made by the tool
        self.members = [{"user_id": "5", "roles": ["Learner"], "status": "Active", "name": "Person 5", "email": "five@example.org"},
                        {"user_id": "1", "roles": [ROLE + "Instructor"], "name": "Person 1"},
                        {"user_id": "99", "roles": ["Learner"], "given_name": "Never", "family_name": "Here"}]
        self.granted = set()  # scopes
        self.registration_tokens = set()
        self.registered = None  # what the tool applied with
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

            def reply(self, status, body=b"", content_type="application/json", **more):
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
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
        if path == "/openid-configuration":
            return handler.reply(200, json.dumps(self.configuration()).encode())
        if path == "/register":
            return handler.reply(200, json.dumps(self.register(handler, body)).encode())
        if path == "/members" or path == "/lineitems":
            if handler.headers["Authorization"] != "Bearer service-token":
                return handler.reply(401)
            return self.roster(handler) if path == "/members" else self.items(handler, body)
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
        self.granted.update(form["scope"].split())
        return {"access_token": "service-token", "token_type": "bearer", "expires_in": 3600, "scope": form["scope"]}

    def configuration(self):
        return {"issuer": self.issuer, "authorization_endpoint": self.issuer + "/auth", "token_endpoint": self.issuer + "/token",
                "jwks_uri": self.issuer + "/jwks", "registration_endpoint": self.issuer + "/register",
                "scopes_supported": ["openid"], "response_types_supported": ["id_token"],
                "https://purl.imsglobal.org/spec/lti-platform-configuration": {"product_family_code": "stand-in", "version": "1"}}

    def register(self, handler, body):
        """As Moodle does: a token that counts once, the domain must be that of the target, all addresses must be there."""
        token = handler.headers["Authorization"].removeprefix("Bearer ")
        if token not in self.registration_tokens:
            raise ValueError("the registration token is not good")
        self.registration_tokens.remove(token)
        wanted = json.loads(body)
        for name, value in (("application_type", "web"), ("response_types", ["id_token"]), ("token_endpoint_auth_method", "private_key_jwt"),
                            ("grant_types", ["implicit", "client_credentials"])):
            if wanted[name] != value:
                raise ValueError(f"{name} is {wanted[name]}")
        tool = wanted[TOOL]
        if urllib.parse.urlsplit(tool["target_link_uri"]).netloc != tool["domain"]:
            raise ValueError("the domain is not that of the target")
        if not wanted["client_name"] or not wanted["initiate_login_uri"].startswith("http"):
            raise ValueError("no name or login address")
        self.tool, self.redirects = wanted["jwks_uri"], set(wanted["redirect_uris"])
        self.registered = wanted
        self.client_id = "given-by-registration"
        return {**wanted, "client_id": self.client_id, TOOL: {**tool, "deployment_id": "1"}}

    def roster(self, handler):
        if NRPS + "scope/contextmembership.readonly" not in self.granted:
            return handler.reply(403)
        assert handler.headers["Accept"] == "application/vnd.ims.lti-nrps.v2.membershipcontainer+json", handler.headers["Accept"]
        second = "page=2" in handler.path
        body = {"id": self.issuer + "/members", "context": {"id": "c1"}, "members": self.members[2:] if second else self.members[:2]}
        more = {} if second else {"Link": f'<{self.issuer}/members?diff=1>; rel="differences", <{self.issuer}/members?page=2>; rel="next"'}
        return handler.reply(200, json.dumps(body).encode(), "application/vnd.ims.lti-nrps.v2.membershipcontainer+json", **more)

    def items(self, handler, body):
        if AGS + "scope/lineitem" not in self.granted:
            return handler.reply(403)
        if handler.command == "GET":
            return handler.reply(200, json.dumps(self.line_items).encode(), "application/vnd.ims.lis.v2.lineitemcontainer+json")
        assert handler.headers["Content-Type"] == "application/vnd.ims.lis.v2.lineitem+json", handler.headers["Content-Type"]
        item = {**json.loads(body), "id": f"{self.issuer}/lineitems/{len(self.line_items) + 100}/lineitem?type_id=2"}
        self.line_items.append(item)
        return handler.reply(201, json.dumps(item).encode(), "application/vnd.ims.lis.v2.lineitem+json")

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
                  NRPS + "claim/namesroleservice": {"context_memberships_url": self.issuer + "/members", "service_versions": ["2.0"]},
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
