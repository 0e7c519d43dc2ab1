r"""The hours of one commit, or of several, as one value of the state. Pure.

::

    b"MTH1"  BLAKE2b, 128 bits, of the rest
    zstd frame of:
        4 * u32 LE   number of rows, of sections, of names, and their bytes
        sections     of each, an hour (i64 LE, Unix seconds), then of each, a service (u8)
        columns      key, messages, bytes, extra: the width (u8), then as many byte planes
        names        ASCII, joined by "\n"

A section is an hour and a service. A row's key is the number of its section times the number of
names, plus the number of its name; it is stored as the difference from the row before it.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

import numpy as np
import zstandard

from mailtally_shared.adding import codes_of, compact
from mailtally_shared.planes import narrow, widen
from mailtally_shared.schema import END_OF_TIME, Service
from mailtally_shared.state.hours.counted import CountedHours

if TYPE_CHECKING:
    from mailtally_shared.columns import Array

MAGIC = b"MTH1"
_DIGEST = 16
#: Bytes at the beginning of a value that say what all of it is.
IDENTITY = len(MAGIC) + _DIGEST
_LEVEL = 1
_COUNTS = struct.Struct("<4I")
_INT64 = np.dtype(np.int64)
#: Size limits of what a value decompresses to, in bytes: altogether, and by its own size.
_MOST_RAW, _RAW_LEAST, _RAW_A_BYTE = 2**31, 65_536, 1024


class DamagedHoursError(ValueError):
    """A value that was not written by ``pack``, or has changed since."""


def pack(hours: CountedHours) -> bytes:
    """Return a value of the state, with the names that are used only."""
    if not len(hours):
        return b""
    used, name = compact(hours.name, (len(hours.names),))
    every = len(used) == len(hours.names)
    texts = hours.names if every else [hours.names[index] for index in used.tolist()]
    names = "\n".join(texts).encode("ascii")
    shape = (len(hours.hours), len(Service))
    sections, section = compact(codes_of((hours.hour, hours.service), shape), shape)
    hour, service = np.divmod(sections, len(Service))
    keys = section * len(used) + name
    columns = (np.diff(keys, prepend=0), hours.messages, hours.bytes, hours.extra)
    parts = [
        _COUNTS.pack(len(hours), len(sections), len(used), len(names)),
        hours.hours[hour].astype("<i8").tobytes(),
        service.astype(np.uint8).tobytes(),
    ]
    for planes in map(narrow, columns):
        parts += [bytes([len(planes)]), planes.tobytes()]
    frame = zstandard.ZstdCompressor(level=_LEVEL).compress(b"".join([*parts, names]))
    return MAGIC + _digest(frame) + frame


def unpack(value: bytes) -> CountedHours:
    """Return the hours of a value.

    Raises:
        DamagedHoursError: ``pack`` cannot have made it.
    """
    frame = value[IDENTITY:]
    if value[:IDENTITY] != MAGIC + _digest(frame):
        raise DamagedHoursError("its digest does not match")
    try:
        size = zstandard.get_frame_parameters(frame).content_size
        if size > min(_MOST_RAW, _RAW_LEAST + _RAW_A_BYTE * len(value)):
            raise DamagedHoursError(f"it would decompress to {size} bytes")
        return _read(zstandard.ZstdDecompressor().decompress(frame))
    except (ValueError, struct.error, zstandard.ZstdError) as error:
        raise DamagedHoursError(str(error)) from error


def _digest(frame: bytes) -> bytes:
    return hashlib.blake2b(frame, digest_size=_DIGEST).digest()


def _read(raw: bytes) -> CountedHours:
    rows, sections, names, length = _COUNTS.unpack_from(raw)
    at = _COUNTS.size
    hour = np.frombuffer(raw, "<i8", sections, at)
    service = np.frombuffer(raw, np.uint8, sections, at + 8 * sections)
    at += 9 * sections
    columns = []
    for _ in range(4):
        width = raw[at] if at < len(raw) else 0
        columns.append(widen(raw, at + 1, rows, width, _INT64))
        at += 1 + width * rows
    texts = raw[at:].decode("ascii").split("\n")
    if len(raw) != at + length or len(texts) != names:
        raise ValueError("its length does not match its counts")
    section, name = np.divmod(np.cumsum(columns[0]), names)
    _check(hour, service, section)
    return CountedHours(hour, texts, section, service[section], name, *columns[1:])


def _check(hour: Array, service: Array, section: Array) -> None:
    if len(section) and not 0 <= int(section.min()) <= int(section.max()) < len(hour):
        raise ValueError("a row is of no section")
    if len(hour) and not 0 <= int(hour.min()) <= int(hour.max()) < END_OF_TIME:
        raise ValueError("an hour is outside the calendar")
    if len(service) and int(service.max()) >= len(Service):
        raise ValueError("a service is not known here")
