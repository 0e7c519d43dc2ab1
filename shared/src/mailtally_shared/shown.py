r"""Text from outside, as it may be shown. Pure.

Every name, sentence and cell that a log, a collector, a queue message, a file or a server's error
has a part in goes through here before it reaches a terminal, a log line, CSV or a page: control
characters, escape sequences, changes of the writing direction and bytes that are no UTF-8 show as
``\x1b`` or ``\u202e``. JSON needs none of it: its writer escapes all that is not ASCII.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

#: Names of a list that are shown; the others are counted.
MOST_NAMED = 20
#: With which a spreadsheet takes a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(text: bytes | str) -> str:
    r"""Return the text on one line; what cannot be seen in it as ``\x1b`` or ``\u202e``."""
    decoded = text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else text
    if decoded.isprintable():
        return decoded
    return "".join(c if c.isprintable() else _escaped(c) for c in decoded)


def printable_lines(text: str) -> str:
    """Return the text with its line feeds, each line printable."""
    return "\n".join(map(printable, text.split("\n")))


def one_line(text: object, longest: int = 60) -> str:
    """Return the text, fit to be part of a sentence: printable, ``longest`` characters of it."""
    plain = str(text)
    return printable(plain) if len(plain) <= longest else printable(plain[:longest]) + "…"


def listed(names: Collection[str], most: int = MOST_NAMED) -> str:
    """Return the names separated by commas, so many of them, and how many more there are."""
    shown = ", ".join(one_line(name, 255) for name in list(names)[:most])
    more = len(names) - most
    return f"{shown} and {more:,} more" if more > 0 else shown


def csv_cell(text: str) -> str:
    """Return the text as a cell that no spreadsheet takes for a formula."""
    return f"'{printable(text)}" if text.startswith(_FORMULA) else printable(text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
