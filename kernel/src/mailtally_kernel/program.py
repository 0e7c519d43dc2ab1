"""Compiling a pattern to the steps that the kernel's matcher runs."""

from __future__ import annotations

from ctypes import Array, addressof, byref
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from mailtally_kernel.interface import Event, Field, Op, ProgramTable, Step
from mailtally_kernel.library import library
from mailtally_kernel.patterns import (
    ANY,
    Address,
    After,
    Ahead,
    AtEnd,
    Before,
    Bytes,
    Dated,
    Enter,
    Gives,
    Hex,
    Kept,
    Last,
    Maybe,
    Moment,
    Must,
    Number,
    Offset,
    OneOf,
    Rest,
    Set,
    Shared,
    Stamp,
    Structured,
    Text,
    UpTo,
    UpToLast,
    Value,
    Within,
    fails_late,
    least_taken,
)

if TYPE_CHECKING:
    from mailtally_kernel.patterns import Form, Pattern

#: What a line is: an event, or a reason that is negated.
Outcome: TypeAlias = int
_PASSED: Final = int(Event.PASS)
_BYTE_VALUES: Final = 256


class _Label:
    """A step that others go on to; its index is known once it is placed."""

    def __init__(self) -> None:
        self.index = -1


class Program:
    """A pattern, compiled. ``table`` is what the kernel works on; any thread may use it.

    Raises:
        ValueError: The pattern cannot be compiled; the message says why.
    """

    def __init__(self, pattern: Pattern) -> None:
        compiler = _Compiler(pattern)
        self._steps: Final = compiler.made()
        self._bytes: Final = np.frombuffer(bytes(compiler.bytes), np.uint8)
        self.table: Final = ProgramTable(
            steps=addressof(self._steps),
            count=len(self._steps),
            bytes=self._bytes.ctypes.data,
            length=len(self._bytes),
        )
        if not library().mt_is_sound(byref(self.table)):
            raise ValueError("A number of the pattern is larger than the matcher can compare.")

    def match(self, line: bytes) -> tuple[Outcome, dict[Field, int], dict[Field, bytes]]:
        """Run the program over one line, and return its outcome and the fields as they are then.

        It is for tests of a program: fields that the line does not set are 0 and empty.
        """
        numbers, bounds = np.zeros(Field.END, np.int64), np.zeros((Field.END, 2), np.int64)
        outcome = library().mt_match(
            byref(self.table), line, len(line), numbers.ctypes.data, bounds.ctypes.data
        )
        named = [field for field in Field if field < Field.SCRATCH]
        ranges = {field: line[slice(*bounds[field].tolist())] for field in named}
        return int(outcome), {field: int(numbers[field]) for field in named}, ranges


class _Compiler:
    """Turns forms into steps. Each form has the step at which to continue if it fails."""

    def __init__(self, pattern: Pattern) -> None:
        self.bytes: Final = bytearray(1)
        self._steps: Final[list[tuple[Step, _Label]]] = []
        self._reasons: Final[dict[int, _Label]] = {}
        self._scratch = int(Field.SCRATCH)
        passed = _Label()
        self._add_all(pattern, passed)
        self._place(passed)
        self._add(Op.RETURN, passed, limit=_PASSED)
        for reason, label in self._reasons.items():
            self._place(label)
            self._add(Op.RETURN, label, limit=-reason)

    def made(self) -> Array[Step]:
        """Return the steps, each with the index of the one to go on with."""
        steps = (Step * len(self._steps))()
        for k, (step, otherwise) in enumerate(self._steps):
            step.otherwise = max(otherwise.index, 0)
            steps[k] = step
        return steps

    def _place(self, label: _Label) -> None:
        label.index = len(self._steps)

    def _add(self, op: Op, otherwise: _Label, *, field: int = 0, **values: int) -> None:
        self._steps.append((Step(op=op, field=field, **values), otherwise))

    def _add_all(self, forms: Pattern, otherwise: _Label) -> None:
        for form in forms:
            self._add_form(form, otherwise)

    def _text(self, text: bytes) -> dict[str, int]:
        if not text:
            raise ValueError("An empty text takes nothing.")
        return {"place": self._placed(text), "length": len(text)}

    def _set(self, members: bytes) -> int:
        return self._placed(bytes(value in members for value in range(_BYTE_VALUES)))

    def _placed(self, content: bytes) -> int:
        place = self.bytes.find(content)
        if place < 0:
            place = len(self.bytes)
            self.bytes.extend(content)
        return place

    def _add_form(self, form: Form, otherwise: _Label) -> None:  # noqa: C901, PLR0912 - a case a form
        match form:
            case Text(text):
                self._add(Op.TEXT, otherwise, **self._text(text))
            case Bytes(of, least, most):
                self._add(Op.BYTES, otherwise, set=self._set(of), length=least, most=most)
            case Number(field, most):
                self._add(Op.NUMBER, otherwise, field=field, limit=most)
            case Hex(field, digits, most, bias):
                self._add(Op.HEX, otherwise, field=field, length=digits, limit=most, bias=bias)
            case UpTo(text, of):
                self._add(Op.UP_TO, otherwise, set=self._set(of), **self._text(text))
            case UpToLast(text):
                self._add(Op.UP_TO_LAST, otherwise, **self._text(text))
            case Address():
                self._add(Op.ADDRESS, otherwise)
            case Rest():
                self._add(Op.REST, otherwise)
            case AtEnd():
                self._add(Op.AT_END, otherwise)
            case Value(field, most):
                self._add(Op.VALUE, otherwise, field=field, limit=most)
            case Set(field, number):
                self._add(Op.SET, otherwise, field=field, limit=number)
            case Gives(event):
                self._add(Op.RETURN, otherwise, limit=event)
            case Kept(field, forms):
                self._add(Op.BEGIN, otherwise, field=field)
                self._add_all(forms, otherwise)
                self._add(Op.END, otherwise, field=field)
            case Must(reason, forms):
                self._add_all(forms, self._reasons.setdefault(reason, _Label()))
            case Maybe(forms):
                self._add_form(OneOf(forms, ()), otherwise)
            case OneOf(patterns):
                self._add_one_of(patterns, otherwise)
            case Shared(forms):
                self._add_shared(forms, otherwise)
            case _:
                self._add_further(form, otherwise)

    def _add_further(self, form: Form, otherwise: _Label) -> None:  # noqa: C901 - a case a form
        match form:
            case After(of):
                self._add(Op.AFTER, otherwise, set=self._set(of))
            case Stamp(between):
                self._add(Op.STAMP, otherwise, most=ord(between or b"\0"))
            case Offset(field):
                self._add(Op.OFFSET, otherwise, field=field)
            case Moment():
                self._add(Op.MOMENT, otherwise)
            case Dated():
                self._add(Op.DATED, otherwise, field=Field.TIME)
            case Structured():
                self._add(Op.STRUCTURED, otherwise)
            case Enter(field):
                self._add(Op.ENTER, otherwise, field=field, length=self._last_scratch())
            case Ahead(forms):
                begin = self._begun_scratch()
                self._add(Op.BEGIN, otherwise, field=begin)
                self._add_all(forms, otherwise)
                self._add(Op.BACK, otherwise, field=begin)
                self._scratch = begin
            case Within(field, forms):
                self._add_within(field, forms, otherwise)
            case Before() | Last():
                self._add_search(form, otherwise)

    def _begun_scratch(self) -> int:
        """Return a field that no form around uses."""
        if self._scratch >= Field.END:
            raise ValueError("The pattern has too many alternatives within each other.")
        self._scratch += 1
        return self._scratch - 1

    def _last_scratch(self) -> int:
        """Return a field for what is not needed any more."""
        begun = self._begun_scratch()
        self._scratch = begun
        return begun

    def _add_within(self, field: Field, forms: Pattern, otherwise: _Label) -> None:
        failed, end, back = _Label(), _Label(), self._begun_scratch()
        self._add(Op.ENTER, otherwise, field=field, length=back)
        self._add_all(forms, failed)
        self._add(Op.LEAVE, otherwise, field=back)
        self._add(Op.JUMP, end)
        self._place(failed)
        self._add(Op.LEAVE, otherwise, field=back)
        self._add(Op.JUMP, otherwise)
        self._place(end)
        self._scratch = back

    def _add_search(self, form: Before | Last, otherwise: _Label) -> None:
        """Add a loop: search the text, try the forms, search further."""
        found, failed, end, again = _Label(), _Label(), _Label(), self._begun_scratch()
        op = Op.SEARCH if isinstance(form, Before) else Op.SEARCH_LAST
        if isinstance(form, Before):
            self._add(Op.BEGIN, otherwise, field=form.field)
        else:
            self._add(Op.SET, otherwise, field=again, limit=0)
        self._place(found)
        self._add(op, otherwise, field=again, set=self._set(ANY), **self._text(form.text))
        if isinstance(form, Before):
            self._add(Op.END, otherwise, field=form.field)
        self._add_all(form.forms, failed)
        self._add(Op.JUMP, end)
        self._place(failed)
        self._add(Op.RETRY, found, field=again)
        self._place(end)
        self._scratch = again

    def _add_one_of(self, patterns: tuple[Pattern, ...], otherwise: _Label) -> None:
        """Add alternatives. Where one may fail late, the next goes back to the beginning."""
        goes_back = any(map(fails_late, patterns[:-1]))
        begin = self._scratch
        if goes_back:
            begin = self._begun_scratch()
            self._add(Op.BEGIN, otherwise, field=begin)
        end = _Label()
        for pattern in patterns[:-1]:
            following = _Label()
            self._add_all(pattern, following)
            self._add(Op.JUMP, end)
            self._place(following)
            if goes_back:
                self._add(Op.BACK, otherwise, field=begin)
        self._scratch = begin
        self._add_all(patterns[-1], otherwise)
        self._place(end)

    def _add_shared(self, forms: Pattern, otherwise: _Label) -> None:
        _need_shareable(forms)
        slow, after = _Label(), _Label()
        self._add(Op.RECALL, slow)
        self._add(Op.JUMP, after)
        self._place(slow)
        self._add_all(forms, otherwise)
        self._add(Op.REMEMBER, otherwise)
        self._place(after)


def _need_shareable(forms: Pattern) -> None:
    """Check that no form looks more than a byte further than the beginning is long.

    Raises:
        ValueError: One may do so, or sets another field than time and host.
    """
    for k, form in enumerate(forms):
        match form:
            case Kept(field, inner) if field is Field.HOST:
                _need_shareable(inner)
            case Must(_, inner):
                _need_shareable((*inner, *forms[k + 1 :]))
            case Number(field) | Hex(field) if field is Field.TIME:
                pass
            case OneOf(patterns):
                after = sum(map(least_taken, (*patterns[-1], *forms[k + 1 :])))
                _need_shareable(patterns[-1])
                if any(_furthest(pattern) > after + 1 for pattern in patterns[:-1]):
                    raise ValueError("An alternative of a shared beginning looks too far.")
            case Text() | Bytes() | AtEnd():
                pass
            case _:
                raise ValueError(f"A shared beginning cannot have {type(form).__name__}.")


def _furthest(pattern: Pattern) -> float:
    """Return how many bytes an alternative looks at, at most, before it fails or ends the line."""
    match pattern:
        case (Text(text),):
            return len(text)
        case (AtEnd(), Gives()):
            return 0
    return float("inf")
