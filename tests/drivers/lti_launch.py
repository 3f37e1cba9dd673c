"""LTI 1.1 launches for tests that are about something else, signed by python3-oauthlib."""

import os
import urllib.parse

from oauthlib.oauth1 import SIGNATURE_TYPE_BODY, Client

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://courses.example.org", "Sec-Fetch-Site": "cross-site"}


def consumers(gateway, text):
    """Writes the gateway's ./consumers.yaml, which is read with the next launch."""
    with open(os.path.join(gateway.folder, "consumers.yaml"), "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
        file.write(text)


def signed(url, consumer, secret, **fields):
    """The body of a launch."""
    launch = {"lti_message_type": "basic-lti-launch-request", "lti_version": "LTI-1p0", "resource_link_id": "rl-1",
              "roles": "Learner", "context_id": "c1", **fields}
    client = Client(consumer, secret, signature_type=SIGNATURE_TYPE_BODY)
    return client.sign(url, "POST", urllib.parse.urlencode(launch), {"Content-Type": FORM["Content-Type"]})[2]
