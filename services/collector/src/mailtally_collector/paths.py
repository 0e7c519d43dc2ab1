r"""Paths as text that any store, page and terminal takes.

A file's name may hold any bytes but ``/`` and NUL. In text, a byte that is no printable UTF-8 is
written as ``\xe4``, and a backslash as two. Paths are kept and shown as text; only what opens,
renames or lists files uses the path itself.
"""

from __future__ import annotations

import os
import re

_ESCAPE = re.compile(rb"\\(\\|x[0-9a-f]{2})")


def text_of(path: str) -> str:
    """Return a path, as the system gave it, as text."""
    if path.isprintable() and "\\" not in path:
        return path
    return "".join(map(_escaped, path))


def path_of(text: str) -> str:
    """Return the path that ``text_of`` made this text of."""
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
