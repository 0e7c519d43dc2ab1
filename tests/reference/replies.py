"""What the reply to a delivery says of the message's further way (FORMATS 1.1, 3.1)."""

from __future__ import annotations

import re

ACCEPTED_AS = (
    re.compile(rb"queued as ([0-9A-Za-z-]+)"),
    re.compile(rb"\bid=([0-9A-Za-z-]+)"),
    re.compile(rb"([0-9A-Za-z]+) Message accepted for delivery"),
)
#: A filter's word that it threw the message away; its id is no queue's.
DISCARDED = re.compile(rb"\b[Dd]iscarded, id=")


def queue_ids(text: bytes) -> list[bytes]:
    """Return the queue ids that a reply names."""
    if DISCARDED.search(text):
        return []
    return [name for form in ACCEPTED_AS for name in form.findall(text)]


def says_discarded(text: bytes) -> bool:
    return DISCARDED.search(text) is not None
