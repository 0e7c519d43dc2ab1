"""The sums of a charged name on one place and day, as one value of the state. Pure.

A value is a sequence of entries, one for each service and status, in no order:

    service (its number, one digit), status, NUL, messages, bytes, extra

The three quantities are int64, big-endian; ``sums.lua`` adds them up.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mailtally_shared.errors import Refused
from mailtally_shared.schema import Service

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailtally_shared.columns import Array
    from mailtally_shared.state.commit.merge import KindIncrement, PlaceIncrement

_INT64 = np.dtype(">i8")
_WIDTH = 3 * _INT64.itemsize
#: Text, quantities, and the NUL that is appended to each value to separate them.
_ENTRY = re.compile(rb"([0-%d][!-~]*)\0(.{%d})(\0?)" % (max(Service), _WIDTH), re.DOTALL)

#: Service label and status.
Kind = tuple[str, str]


class UnpackedSums(NamedTuple):
    """The entries of some values: ``n`` rows."""

    value: Array  # int64, shape (n,): index of the value that a row comes from
    kind: Array  # int32, shape (n,): index into kinds
    kinds: list[Kind]
    quantities: Array  # int64, shape (3, n): messages, bytes, extra


def pack(increment: PlaceIncrement) -> dict[str, bytes]:
    """Return what is added to each name, as values of the state."""
    values: dict[str, bytes] = {}
    for kind, part in increment.kinds.items():
        entries = zip(part.names, _entries(kind, part), strict=True)
        if values:
            values.update((name, values.get(name, b"") + entry) for name, entry in entries)
        else:
            values = dict(entries)
    return values


def unpack(values: Sequence[bytes]) -> UnpackedSums:
    """Parse the entries of values.

    Raises:
        Refused: a value has another form.
    """
    joined = b"".join([value + b"\0" for value in values])
    entries = _ENTRY.findall(joined)
    texts, quantities, ends = zip(*entries, strict=True) if entries else ((), (), ())
    last = np.fromiter(map(len, ends), np.int64, len(entries))
    read = sum(map(len, texts)) + (1 + _WIDTH) * len(entries) + len(values)
    if read != len(joined) or last.sum() != len(values):
        raise Refused(
            "The totals in Redis contain something that mailtally did not write. "
            "Find out what else uses this Redis, then rebuild the day from its logs."
        )
    numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    columns = np.frombuffer(b"".join(quantities), _INT64).reshape(-1, 3)
    return UnpackedSums(
        value=np.cumsum(last) - last,
        kind=np.fromiter(map(numbers.__getitem__, texts), np.int32, len(texts)),
        kinds=[_kind(text) for text in numbers],
        quantities=columns.T.astype(np.int64),
    )


def _entries(kind: str, part: KindIncrement) -> Iterator[bytes]:
    text = _text(kind)
    columns = np.stack([part.messages, part.bytes, part.extra], axis=1)
    quantities = columns.astype(_INT64).tobytes()
    return (
        text + quantities[place : place + _WIDTH] for place in range(0, len(quantities), _WIDTH)
    )


def _text(kind: str) -> bytes:
    service, _, status = kind.partition("|")
    return b"%d%b\0" % (Service.from_label(service), status.encode("ascii"))


def _kind(text: bytes) -> Kind:
    return Service(int(text[:1])).label, text[1:].decode("ascii")
