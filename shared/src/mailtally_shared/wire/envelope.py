"""The envelope that kombu's Redis transport puts around a message. Pure.

The sender of a message writes its envelope: encoding, compression, routing, priority,
headers and delivery tag. None of them may be trusted, so kombu does not see them: the
body is cut out, and kombu opens an envelope made here.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode

from mailtally_shared.wire.announcement import MAX_MESSAGE, TOO_LARGE

#: Size limit of an envelope, in bytes: a body in Base64 and its properties.
MAX_ENVELOPE = MAX_MESSAGE * 4 // 3 + 4096
#: Bytes that are kept of something that is not a collector's envelope.
MAX_FOREIGN = 64 * 1024
#: The beginning of a collector's envelope; the part after the body is not read.
_BODY = re.compile(rb'\{"body": ?"([A-Za-z0-9+/]*+={0,2})"')


def clean_envelope(sent: bytes, queue: str) -> bytes:
    """Return an envelope with only the body of the one that was sent.

    Anything that is not a collector's envelope becomes a body itself, cut to
    ``MAX_FOREIGN``: it is not an announcement, and so is counted and quarantined.
    """
    body = TOO_LARGE if len(sent) > MAX_ENVELOPE else sent[:MAX_FOREIGN]
    body_sent = len(sent) <= MAX_ENVELOPE and _BODY.match(sent)
    encoded = body_sent[1] if body_sent and len(body_sent[1]) % 4 == 0 else b64encode(body)
    return b'{"body":"%b",%b' % (encoded, _around(queue))


def _around(queue: str) -> bytes:
    """Return the part after the body, the same for every message."""
    properties = {
        "body_encoding": "base64",
        "delivery_tag": "",
        "delivery_info": {"exchange": "", "routing_key": queue},
    }
    rest = {"headers": {}, "properties": properties}
    return json.dumps(rest).encode("ascii").removeprefix(b"{")
