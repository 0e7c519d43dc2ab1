"""The one spelling under which a domain is charged (RULES section 3)."""

from __future__ import annotations

import string
from functools import lru_cache
from typing import Final

import idna

#: Longest domain that is charged, in bytes, once it is ASCII.
MAX_DOMAIN: Final = 253
#: Longest name from a log line that is looked at, in bytes: UTF-8 has up to four a character.
MAX_NAME: Final = 4 * MAX_DOMAIN

_ALLOWED = frozenset(string.ascii_lowercase + string.digits + "-_.")


def normalised(name: bytes) -> str | None:
    """The spelling of a name from a log line: ASCII, lower case, without its trailing dot.

    Returns:
        The domain, or ``None`` where the name is none (``bad-domain``).
    """
    return _normalised(name) if len(name) <= MAX_NAME else None


# IDNA is slow, and the same names come again and again.
@lru_cache(maxsize=16_384)
def _normalised(name: bytes) -> str | None:
    text = _ascii(name)
    if text is None:
        return None
    domain = text.lower().removesuffix(".")
    return domain if 0 < len(domain) <= MAX_DOMAIN and _ALLOWED.issuperset(domain) else None


def _ascii(name: bytes) -> str | None:
    if name.isascii():
        return name.decode("ascii")
    try:
        return idna.encode(name.decode("utf-8"), uts46=True).decode("ascii")
    except UnicodeError:  # not UTF-8, or not IDNA: idna's errors are of this kind too
        return None
