r"""Escaping text from outside before it is shown. Pure.

Every name, sentence and cell that may contain text of a log, a collector, a queue message, a file
or a server's error passes through here before it reaches a terminal, a log line, CSV or a page.
Control characters, escape sequences, changes of the writing direction and bytes that are not UTF-8
show as ``\x1b`` or ``\u202e``. JSON does not need it: its writer escapes all that is not ASCII.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

#: Number of names of a list that are shown; the others are counted.
MOST_NAMED = 20
#: First characters by which a spreadsheet recognizes a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(text: bytes | str) -> str:
    r"""Return the text on one line, with invisible characters as ``\x1b`` or ``\u202e``."""
    decoded = text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else text
    if decoded.isprintable():
        return decoded
    return "".join(c if c.isprintable() else _escaped(c) for c in decoded)


def printable_lines(text: str) -> str:
    """Return the text with its line feeds, each line printable."""
    return "\n".join(map(printable, text.split("\n")))


def one_line(text: object, longest: int = 60) -> str:
    """Return printable text, cut after ``longest`` characters, for use within a sentence."""
    plain = str(text)
    return printable(plain) if len(plain) <= longest else printable(plain[:longest]) + "…"


def listed(names: Collection[str], most: int = MOST_NAMED) -> str:
    """Return the first ``most`` names, separated by commas, and the number of the others."""
    shown = ", ".join(one_line(name, 255) for name in list(names)[:most])
    more = len(names) - most
    return f"{shown} and {more:,} more" if more > 0 else shown


def csv_cell(text: str) -> str:
    """Return the text as a cell that no spreadsheet interprets as a formula."""
    return f"'{printable(text)}" if text.startswith(_FORMULA) else printable(text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
