"""lti11_agreement.py LTI_CONTRACT [COUNT]: launches with odd bytes, signed by python3-oauthlib and then half of them changed on the
way, are judged by our code as oauthlib judges them, and our base string is oauthlib's. They go to the vector tests of
lti_contract as a file of vectors. SEED=n makes the same ones again."""

import json
import os
import random
import subprocess
import sys
import tempfile
import urllib.parse

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256, SIGNATURE_TYPE_BODY, Client
from oauthlib.oauth1.rfc5849 import signature

NOW = 1700000000
CONSUMERS = {"edx": "edx-secret", "moodle": "s3cret &=%é/+"}
ALPHABET = "aZ09-._~!*'()+%&=/:;,?@[]{}|\\\"<> \r\n\té€漢🙂\u0301"
FORM = "application/x-www-form-urlencoded"
SIGNERS = {"HMAC-SHA1": signature.sign_hmac_sha1, "HMAC-SHA256": signature.sign_hmac_sha256}


def odd(chance, longest):
    return "".join(chance.choice(ALPHABET) for _ in range(chance.randrange(longest)))


def judged_by_oauthlib(host, target, body):
    """(base string, whether the signature is right)"""
    parts = urllib.parse.urlsplit(target)
    pairs = urllib.parse.parse_qsl(body, keep_blank_values=True)
    sent = dict(pairs)["oauth_signature"]
    params = [pair for pair in pairs if pair[0] != "oauth_signature"]
    params += urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
    base = signature.signature_base_string("POST", signature.base_string_uri(f"https://{host}{target}"),
                                           signature.normalize_parameters(params))
    fields = dict(pairs)
    return base, SIGNERS[fields["oauth_signature_method"]](base, CONSUMERS[fields["oauth_consumer_key"]], "") == sent


def spelt_otherwise(chance, text):
    """The same form, percent-encoded more than needed, or in lower case."""
    def one(c):
        if c.isalnum() and ord(c) < 128 and chance.random() < 0.2:
            return f"%{ord(c):02{chance.choice('xX')}}"
        return c
    name, value = text.partition("=")[::2]
    return name + "=" + "".join(one(c) for c in value) if "%" not in value else text


def on_the_way(chance, body):
    """Changes that keep what is said, and changes that do not."""
    pairs = body.split("&")
    custom = [i for i, pair in enumerate(pairs) if pair.startswith("custom_")]
    kind = chance.choice(["shuffle", "spell", "value", "name", "drop", "add", "swap", "signature"])
    if kind == "shuffle":
        chance.shuffle(pairs)
    elif kind == "spell":
        pairs = [spelt_otherwise(chance, pair) if pair.startswith("custom_") else pair for pair in pairs]
    elif kind == "add":
        pairs.insert(chance.randrange(len(pairs)), "custom_more=" + urllib.parse.quote(odd(chance, 5)))
    elif kind == "signature":
        at = next(i for i, pair in enumerate(pairs) if pair.startswith("oauth_signature="))
        pairs[at] = pairs[at][:20] + ("A" if pairs[at][20] != "A" else "B") + pairs[at][21:]
    elif custom:
        at = chance.choice(custom)
        if kind == "value":
            pairs[at] += chance.choice(["x", "%20", "+", "%C3%A9"])
        elif kind == "name":
            pairs[at] = "custom_x" + pairs[at][7:]
        elif kind == "drop":
            del pairs[at]
        else:  # what one has the other gets: the same bytes in another order
            other = chance.choice(custom)
            (a, b), (c, d) = pairs[at].split("=", 1), pairs[other].split("=", 1)
            pairs[at], pairs[other] = f"{a}={d}", f"{c}={b}"
    return "&".join(pairs)


def make_case(chance, number):
    host = chance.choice(["hub.example.org", "HUB.example.org", "hub.example.org:443", "hub.example.org:8443"])
    target = "/hub/lti/launch" + chance.choice(["", "", "?a=b%20c", "?a=&a=+x&%7e=%C3%a9", "?b=", "?z=1&a=%2B&z=0"])
    fields = [("lti_message_type", "basic-lti-launch-request"), ("lti_version", "LTI-1p0"), ("resource_link_id", "rl"),
              ("user_id", f"u{number}"), ("lis_person_name_full", odd(chance, 30))]
    fields += [("custom_" + odd(chance, 8), odd(chance, 40)) for _ in range(chance.randrange(6))]
    key = chance.choice(list(CONSUMERS))
    method = chance.choice([SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256])
    client = Client(key, CONSUMERS[key], signature_method=method, signature_type=SIGNATURE_TYPE_BODY,
                    timestamp=str(NOW - chance.randrange(300)), nonce=f"n{number}")
    _, _, body = client.sign(f"https://{host}{target}", "POST", urllib.parse.urlencode(fields), {"Content-Type": FORM})
    if chance.random() < 0.5:
        body = on_the_way(chance, body)
    base, good = judged_by_oauthlib(host, target, body)
    expect = {"ok": True, "user_id": f"u{number}"} if good else {"ok": False, "error": "signature"}
    return {"name": f"odd {number}", "steps": [{"expect": expect, "signed": {"base_string": base}, "request": {
        "method": "POST", "peer": "direct", "transport": "https", "target": target, "headers": {"Host": host}, "body": body}}]}


def main():
    program, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    seed = int(os.environ.get("SEED", "20261122"))
    chance = random.Random(seed)
    cases = [make_case(chance, number) for number in range(count)]
    good = sum(case["steps"][0]["expect"]["ok"] for case in cases)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"now": NOW, "window_seconds": 300, "consumers": CONSUMERS, "cases": cases}, file)
        file.flush()
        subprocess.run([program, "--gtest_filter=Lti11Vectors.*", "--gtest_brief=1"], check=True,
                       env={**os.environ, "PASSERELLE_LTI11_VECTORS": file.name})
    print(f"seed {seed}: {good} good and {count - good} bad launches judged as python3-oauthlib does")
    assert good > count // 2 and count - good > count // 5


main()
