"""The envelope that kombu's Redis transport puts around a message. Pure.

The sender of a message writes its envelope: its encoding, compression,
routing, priority, headers and delivery tag are the sender's words. So kombu is
not given it. The body is cut out of it, and kombu opens an envelope made here.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode

from mailtally_shared.header import MAX_MESSAGE, TOO_LARGE

#: Largest envelope that is read, in bytes: a body in Base64 and what is around it.
MAX_ENVELOPE = MAX_MESSAGE * 4 // 3 + 4096
#: Bytes that are kept of something that is no envelope of a collector's.
MAX_FOREIGN = 64 * 1024
#: How the envelopes of collectors begin; what comes behind the body is not read.
_BODY = re.compile(rb'\{"body": ?"([A-Za-z0-9+/]*+={0,2})"')


def clean_envelope(sent: bytes, queue: str) -> bytes:
    """Return an envelope with the body that was sent and nothing else of it.

    What is no envelope of a collector's becomes a body as it is, cut to
    ``MAX_FOREIGN``: no announcement, so it is counted and kept in quarantine.
    """
    body = TOO_LARGE if len(sent) > MAX_ENVELOPE else sent[:MAX_FOREIGN]
    ours = len(sent) <= MAX_ENVELOPE and _BODY.match(sent)
    encoded = ours[1] if ours and len(ours[1]) % 4 == 0 else b64encode(body)
    return b'{"body":"%b",%b' % (encoded, _around(queue))


def _around(queue: str) -> bytes:
    """Return what follows the body, the same for every message."""
    properties = {
        "body_encoding": "base64",
        "delivery_tag": "",
        "delivery_info": {"exchange": "", "routing_key": queue},
    }
    rest = {"headers": {}, "properties": properties}
    return json.dumps(rest).encode("ascii").removeprefix(b"{")
