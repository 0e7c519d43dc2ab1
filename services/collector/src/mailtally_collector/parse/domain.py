"""The one spelling under which a domain is charged (RULES section 3)."""

from __future__ import annotations

import string
from functools import lru_cache
from typing import Final

import idna

#: Longest domain that is charged, in bytes, once it is ASCII.
MAX_DOMAIN: Final = 253
#: Longest name with non-ASCII bytes that IDNA is asked about, in bytes: four for each byte above.
MAX_FOREIGN: Final = 4 * MAX_DOMAIN

_ALLOWED = frozenset(string.ascii_letters + string.digits + "-_.")


@lru_cache(maxsize=65_536)
def normalised(name: bytes) -> str | None:
    """The spelling of a name from a log line: ASCII, lower case, without its trailing dot.

    IDNA is slow, and the same names come again and again: the newest answers are remembered.

    Returns:
        The domain, or ``None`` where the name is none (``bad-domain``).
    """
    text = _ascii(name)
    if text is None:
        return None
    domain = text.lower().removesuffix(".")
    return domain if 0 < len(domain) <= MAX_DOMAIN and _ALLOWED.issuperset(domain) else None


def _ascii(name: bytes) -> str | None:
    if name.isascii():
        return name.decode("ascii")
    if len(name) > MAX_FOREIGN:
        return None
    try:
        return idna.encode(name.decode("utf-8"), uts46=True).decode("ascii")
    except UnicodeError:  # not UTF-8, or not IDNA: idna's errors are of this kind too
        return None
