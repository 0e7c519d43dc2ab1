"""How a log's lines are described, and the steps of the kernel's matcher that this compiles to.

A pattern is a sequence of forms. Each takes bytes of the line from the left, or fails. Where one
fails, the nearest ``OneOf`` around it tries its next alternative; within ``Must`` the line is
malformed; and where nothing is left to try, the line is passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_kernel.interface import Event, Field

#: Most bytes that a form may take.
UNLIMITED: Final = 2**32 - 1
#: All byte values.
ANY: Final = bytes(range(256))
DIGITS: Final = b"0123456789"
LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Text:
    """Take these bytes."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Bytes:
    """Take ``least`` to ``most`` bytes of a set, as many as there are."""

    of: bytes
    least: int = 1
    most: int = UNLIMITED


@dataclass(frozen=True, slots=True)
class Number:
    """Take decimal digits. ``most``, the largest number, is below 2^59."""

    field: Field
    most: int


@dataclass(frozen=True, slots=True)
class Hex:
    """Take exactly ``digits`` digits ``0-9a-f``; ``bias`` is subtracted from their number."""

    field: Field
    digits: int
    most: int
    bias: int = 0


@dataclass(frozen=True, slots=True)
class UpTo:
    """Take what is before the first ``text``, if all of it is of a set."""

    text: bytes
    of: bytes = ANY


@dataclass(frozen=True, slots=True)
class UpToLast:
    """Take what is before the last ``text``."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Address:
    """Take an address between ``<`` and ``>``, quoted as in RFC 5321 or not."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Take all that is left of the line."""


@dataclass(frozen=True, slots=True)
class AtEnd:
    """Take nothing, at the end of the line."""


@dataclass(frozen=True, slots=True)
class Value:
    """Take nothing; the range of a field that was kept has to be a number of at most ``most``."""

    field: Field
    most: int


@dataclass(frozen=True, slots=True)
class Set:
    """Take nothing; note a number."""

    field: Field
    number: int


@dataclass(frozen=True, slots=True)
class After:
    """Take nothing, after a byte of a set."""

    of: bytes


@dataclass(frozen=True, slots=True)
class Stamp:
    """Take ``Nov  8 09:01:02``, or ``2026-11-08T09:01:02`` with this byte between date and time."""

    between: bytes = b""


@dataclass(frozen=True, slots=True)
class Offset:
    """Take nothing; a field's range is the offset of the stamp (``Z``, ``+01:00``), or empty."""

    field: Field


@dataclass(frozen=True, slots=True)
class Moment:
    """Take nothing; the number of the field ``TIME`` is the stamp."""


@dataclass(frozen=True, slots=True)
class Dated:
    """Take nothing; the clock gives the field ``TIME`` the moment of the stamp.

    It fails if no calendar has such a stamp. Each stamp is to be dated once, in the log's order.
    """


@dataclass(frozen=True, slots=True)
class Structured:
    """Take the structured data of RFC 5424."""


@dataclass(frozen=True, slots=True)
class Enter:
    """Go on within the range of a field, at whose end the line ends."""

    field: Field


@dataclass(frozen=True, slots=True)
class Gives:
    """End the line: it is this event."""

    event: Event


@dataclass(frozen=True, slots=True, init=False)
class _Group:
    """Forms one after the other."""

    forms: Pattern

    def __init__(self, *forms: Form) -> None:
        object.__setattr__(self, "forms", forms)


class Ahead(_Group):
    """Take nothing, where the forms fit."""


class Maybe(_Group):
    """Take what the forms take, or nothing."""


class Shared(_Group):
    """A beginning that neighbouring lines have in common: a time and a host.

    It is not read again if the line begins as the previous one did, up to the byte after it.
    """


@dataclass(frozen=True, slots=True, init=False)
class Kept:
    """Take what the forms take; it is the range of a field."""

    field: Field
    forms: Pattern

    def __init__(self, field: Field, *forms: Form) -> None:
        object.__setattr__(self, "field", field)
        object.__setattr__(self, "forms", forms)


@dataclass(frozen=True, slots=True, init=False)
class Within:
    """Take nothing; the forms take bytes of the range of a field, as if the line ended with it."""

    field: Field
    forms: Pattern

    def __init__(self, field: Field, *forms: Form) -> None:
        object.__setattr__(self, "field", field)
        object.__setattr__(self, "forms", forms)


@dataclass(frozen=True, slots=True, init=False)
class Before:
    """Take what is before the first ``text`` at which the forms fit, and what they take.

    The former is the range of a field. The forms begin at the text, which they take themselves.
    """

    field: Field
    text: bytes
    forms: Pattern

    def __init__(self, field: Field, text: bytes, *forms: Form) -> None:
        object.__setattr__(self, "field", field)
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "forms", forms)


@dataclass(frozen=True, slots=True, init=False)
class Last:
    """Take what is before the last ``text`` at which the forms fit, and what they take."""

    text: bytes
    forms: Pattern

    def __init__(self, text: bytes, *forms: Form) -> None:
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "forms", forms)


@dataclass(frozen=True, slots=True, init=False)
class Must:
    """Take what the forms take; if they fail the line is malformed for a reason."""

    reason: int
    forms: Pattern

    def __init__(self, reason: int, *forms: Form) -> None:
        object.__setattr__(self, "reason", reason)
        object.__setattr__(self, "forms", forms)


@dataclass(frozen=True, slots=True, init=False)
class OneOf:
    """Take what the first pattern takes that does not fail."""

    patterns: tuple[Pattern, ...]

    def __init__(self, *patterns: Pattern) -> None:
        object.__setattr__(self, "patterns", patterns)


Form: TypeAlias = (
    "Text | Bytes | Number | Hex | UpTo | UpToLast | Address | Rest | AtEnd | Value | Set | Gives"
    " | After | Stamp | Offset | Moment | Dated | Structured | Enter"
    " | Ahead | Maybe | Shared | Kept | Within | Before | Last | Must | OneOf"
)
Pattern: TypeAlias = "tuple[Form, ...]"


_TAKE_NOTHING: Final = (Set, Value, AtEnd, After, Offset, Moment, Dated, Within)


def can_fail(form: Form) -> bool:
    """Return whether something else may be tried after this form."""
    if isinstance(form, Set | Gives | Rest | Maybe | Must | Moment | Enter):
        return False
    if isinstance(form, Kept | Shared | Within | Ahead):
        return any(map(can_fail, form.forms))
    return any(map(can_fail, form.patterns[-1])) if isinstance(form, OneOf) else True


def fails_late(forms: Iterable[Form]) -> bool:
    """Return whether a pattern may fail after it has taken bytes."""
    has_taken = False
    for form in forms:
        if isinstance(form, Ahead | Before | Last) and can_fail(form):
            return True
        inner = form.forms if isinstance(form, Kept | Shared) else ()
        if isinstance(form, OneOf):
            inner = form.patterns[-1]
        if can_fail(form) and (has_taken or fails_late(inner)):
            return True
        has_taken = has_taken or not isinstance(form, _TAKE_NOTHING)
    return False


def least_taken(form: Form) -> int:
    """Return the number of bytes that a form takes at least."""
    if isinstance(form, Text):
        return len(form.text)
    if isinstance(form, Bytes):
        return form.least
    if isinstance(form, Number):
        return 1
    if isinstance(form, Hex):
        return form.digits
    if isinstance(form, OneOf):
        return min(sum(map(least_taken, pattern)) for pattern in form.patterns)
    return sum(map(least_taken, form.forms)) if isinstance(form, Kept | Must | Shared) else 0
