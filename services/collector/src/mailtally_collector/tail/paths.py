r"""Paths as text that any database, page and terminal accepts.

A file name may hold any bytes but ``/`` and NUL. In text, a byte that is not printable UTF-8 is
written as ``\xe4``, and a backslash as two. Paths are stored and shown as text; only code that
opens, renames or lists files uses the path itself.
"""

from __future__ import annotations

import os
import re

_ESCAPE = re.compile(rb"\\(\\|x[0-9a-f]{2})")


def text_of(path: str) -> str:
    """Return a path of the operating system as text."""
    if path.isprintable() and "\\" not in path:
        return path
    return "".join(map(_escaped, path))


def path_of(text: str) -> str:
    """Return the path for a text from ``text_of``."""
    if "\\" not in text:
        return text
    return os.fsdecode(_ESCAPE.sub(_byte, os.fsencode(text)))


def _escaped(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))


def _byte(escape: re.Match[bytes]) -> bytes:
    return b"\\" if escape[1] == b"\\" else bytes([int(escape[1][1:], 16)])
