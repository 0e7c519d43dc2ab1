"""Envelopes of the queue: what lies around an announcement."""

from __future__ import annotations

import json
from base64 import b64decode

from mailtally_shared.wire.announcement import MAX_MESSAGE
from mailtally_shared.wire.envelope import MAX_FOREIGN, clean_envelope
from tests.fuzz.target import Target, one_by_one

_QUEUE = "some.queue"
_AROUND = {
    "headers": {},
    "properties": {
        "body_encoding": "base64",
        "delivery_tag": "",
        "delivery_info": {"exchange": "", "routing_key": _QUEUE},
    },
}


def check_envelope(sent: bytes) -> str:
    """Whatever was sent, kombu is given a body and nothing else of it."""
    made = json.loads(clean_envelope(sent, _QUEUE))
    body = b64decode(made.pop("body"), validate=True)
    assert made == _AROUND
    if body == sent[:MAX_FOREIGN]:
        return "foreign"
    assert len(body) <= MAX_MESSAGE
    return "taken"


TARGETS = (
    Target(
        "envelope",
        one_by_one(check_envelope),
        tokens=(
            *(b'{"body": "', b'"', b"=", b"==", b"\\u0000", b"\xff", b"}", b"{", b"[" * 3000),
            *(b'"compression": "bzip2"', b'"content-encoding": "gzip"', b'"routing_key": "x"'),
            *(b'"__type__": "decimal"', b'"body_encoding": "rot13"', b'"delivery_tag": [{}]'),
        ),
    ),
)
