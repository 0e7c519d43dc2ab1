"""Which version a document states that this one cannot read."""

from __future__ import annotations

import json


def stated_number(document: bytes, field: str) -> int:
    """Return a whole number that a JSON object states; 0 where it states none.

    The document was refused and may be anything; its size was bounded before.
    """
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        return 0
    stated = found.get(field) if isinstance(found, dict) else None
    return stated if type(stated) is int else 0
