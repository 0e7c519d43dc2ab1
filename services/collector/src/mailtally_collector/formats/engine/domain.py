"""The canonical spelling under which a domain is charged (RULES section 3)."""

from __future__ import annotations

import string
from functools import lru_cache
from typing import Final

import idna

#: Longest domain that is charged, in bytes of its ASCII form.
MAX_DOMAIN: Final = 253
#: Longest name in a log line that is examined, in bytes: UTF-8 takes up to four per character.
MAX_NAME: Final = 4 * MAX_DOMAIN

_ALLOWED = frozenset(string.ascii_lowercase + string.digits + "-_.")


def normalised(name: bytes) -> str | None:
    """Return the canonical spelling of a name: ASCII, lower case, without its trailing dot.

    Returns:
        The domain, or ``None`` if the name is not a domain (``bad-domain``).
    """
    return _normalised(name) if len(name) <= MAX_NAME else None


# IDNA is slow, and the same names recur.
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
    except UnicodeError:  # not UTF-8, or not IDNA: idna's errors are subclasses
        return None
