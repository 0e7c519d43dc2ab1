"""A file of what was moved out of quarantine: a mark, then entry and content, in msgpack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgpack

from mailtally_aggregator.kept_aside import read_kept
from mailtally_shared.errors import BadFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from mailtally_aggregator.kept_aside import KeptAside

_MARK = "mailtally-quarantine-1"
#: Bytes of one entry: more than any quarantine holds.
_LARGEST = 1 << 31


def chunks(chosen: Iterable[KeptAside]) -> Iterator[bytes]:
    """Return the file's bytes, piece by piece."""
    yield msgpack.packb(_MARK)
    for kept in chosen:
        yield msgpack.packb([kept.entry, kept.packed])


def entries(path: Path) -> Iterator[KeptAside]:
    """Read them back.

    Raises:
        BadFile: it is no such file, or not whole.
    """
    with path.open("rb") as file:
        unpacker = msgpack.Unpacker(file, max_buffer_size=_LARGEST)
        try:
            mark, *_ = next(unpacker), None
            _expect(mark, _MARK)
            for entry, packed in unpacker:
                yield read_kept(str(entry), bytes(packed))
            _expect(unpacker.tell(), path.stat().st_size)
        except (ValueError, TypeError, KeyError, StopIteration, msgpack.UnpackException) as error:
            raise BadFile(
                "bad-quarantine-file",
                str(path),
                "it is no file of 'mailtally quarantine export', or not whole",
            ) from error


def _expect(found: object, wanted: object) -> None:
    if found != wanted:
        raise ValueError(f"{wanted} was expected")
