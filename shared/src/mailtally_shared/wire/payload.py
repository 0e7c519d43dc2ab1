r"""The payload of a batch: its records, folded or not, as compressed columns. Format 2.

::

    b"MTP2"  zstd frame of:
        u32 LE   length of the descriptor
        JSON     {"rows": n, "step": seconds, "step0": k, "columns": [[name, width], …],
                  "dictionaries": {"hosts": bytes, "statuses": bytes, "domains": bytes}}
        columns  in the descriptor's order, each as ``width`` byte planes of n bytes,
                 the lowest byte first: little-endian unsigned integers, transposed
        dictionaries  in the descriptor's order, ASCII entries joined by "\n"

A row has the sums of the records of one key (``mailtally_shared.rows``). Its columns are ``start``,
``messages``, ``bytes``, ``extra``, ``service``, ``host``, ``status`` and ``domain``. ``start`` is
stored as the number of the step since 1970, zigzag-coded as the difference from the row before it;
the first one's from ``step0``. Decoding executes and unpickles nothing, and bounds the decompressed
size before it decompresses a byte.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import zstandard

from mailtally_shared.errors import UNKNOWN_VERSION, BadBatch
from mailtally_shared.planes import narrow, widen
from mailtally_shared.rows import STEPS, Rows
from mailtally_shared.schema import (
    END_OF_TIME,
    MAX_ATTEMPTS,
    MAX_LINES,
    MAX_ROWS,
    MAX_SIZE,
    MAX_SUM,
    Service,
)
from mailtally_shared.shown import one_line
from mailtally_shared.wire.announcement import newer_than_here

if TYPE_CHECKING:
    from mailtally_shared.columns import Array

MAGIC = b"MTP2"
#: Size limit of a payload, decompressed, in bytes.
MAX_RAW = 256 * 2**20
#: Limits of the decompressed size by what was announced and received: no collector's payload is
#: larger, and a few kilobytes become a few megabytes at most. A row has up to 40 bytes of
#: columns, and zstd cannot make distinct names this much smaller.
_RAW_LEAST, _RAW_A_ROW, _RAW_A_BYTE = 65_536, 44, 512
#: Size limit of the descriptor, in bytes: parsed JSON takes many times its length in memory.
_LONGEST_DESCRIPTOR = 4096
#: Likewise limits of a dictionary's names: some may belong to lines that proved malformed.
_NAMES_LEAST, _NAMES_A_ROW, _NAMES_A_BYTE = 1024, 2, 8
_LEVEL = 1
#: Characters of a decoding error's message that are repeated: it may quote the payload.
_LONGEST_QUOTE = 200
_COLUMNS: dict[str, np.dtype[Any]] = {
    "start": np.dtype(np.int64),
    "messages": np.dtype(np.int64),
    "bytes": np.dtype(np.int64),
    "extra": np.dtype(np.int64),
    "service": np.dtype(np.uint8),
    "host": np.dtype(np.uint16),
    "status": np.dtype(np.uint8),
    "domain": np.dtype(np.uint32),
}
_LETTERS = b"abcdefghijklmnopqrstuvwxyz0123456789._-"
#: Each dictionary's alphabet and its longest entry, in bytes.
_ENTRIES = {
    "hosts": (_LETTERS + b":", 255),
    "statuses": (bytes(set(range(0x21, 0x7F)) - set(b"|")), 32),
    "domains": (_LETTERS, 253),
}
#: The errors of reading a descriptor of another shape, or one nested too deeply.
_UNREADABLE = (
    *(KeyError, TypeError, ValueError, IndexError, AttributeError),
    *(OverflowError, RecursionError, struct.error),
)
_INDEX_OF = {"hosts": "host", "statuses": "status", "domains": "domain"}


def checksum(payload: bytes) -> str:
    """Return the digest by which a header names its payload: BLAKE2b, 128 bits, hexadecimal."""
    return hashlib.blake2b(payload, digest_size=16).hexdigest()


def encode(rows: Rows) -> bytes:
    """Return the payload of some rows."""
    step0, stored = _stored_columns(rows)
    planes = {name: narrow(column) for name, column in stored.items()}
    dictionaries = {name: "\n".join(getattr(rows, name)).encode("ascii") for name in _ENTRIES}
    descriptor = json.dumps(
        {
            "rows": len(rows),
            "step": rows.step,
            "step0": step0,
            "columns": [[name, len(plane)] for name, plane in planes.items()],
            "dictionaries": {name: len(blob) for name, blob in dictionaries.items()},
        },
        separators=(",", ":"),
    ).encode("ascii")
    parts = [struct.pack("<I", len(descriptor)), descriptor]
    parts += [plane.tobytes() for plane in planes.values()]
    parts += dictionaries.values()
    return MAGIC + zstandard.ZstdCompressor(level=_LEVEL).compress(b"".join(parts))


def decode(
    payload: bytes, max_raw: int = MAX_RAW, rows: int = MAX_ROWS, records: int = MAX_LINES
) -> Rows:
    """Return the rows of a payload.

    Args:
        payload: as received.
        max_raw: the site's limit of its decompressed size, in bytes.
        rows: the number announced; the payload may not hold more.
        records: the number announced; the rows may not be of more.

    Raises:
        BadBatch: for anything that ``encode`` could not have made; ``unknown-version``
            where only the version differs.
    """
    expected = _RAW_LEAST + _RAW_A_ROW * rows + _RAW_A_BYTE * len(payload)
    raw = _decompress(payload, min(max_raw, expected))
    try:
        found = _read(raw, rows, len(payload))
    except _UNREADABLE as error:
        said = one_line(error, _LONGEST_QUOTE)
        raise BadBatch("undecodable", f"The payload's columns cannot be read: {said}.") from error
    _validate(found, records)
    return found


def _stored_columns(rows: Rows) -> tuple[int, dict[str, Array]]:
    """Return the values stored for each column, as non-negative integers."""
    numbers = rows.start // rows.step
    step0 = int(numbers[0]) if len(rows) else 0
    forward = np.diff(numbers, prepend=np.int64(step0))
    stored: dict[str, Array] = {"start": (forward << 1) ^ (forward >> 63)}
    for name in list(_COLUMNS)[1:]:
        stored[name] = getattr(rows, name)
    return step0, stored


def _decompress(payload: bytes, max_raw: int) -> bytes:
    if payload[:3] != MAGIC[:3]:
        raise BadBatch("undecodable", "The payload does not begin like one.")
    if payload[:4] != MAGIC:
        version = one_line(payload[3:4].decode("latin-1"))
        raise BadBatch(UNKNOWN_VERSION, newer_than_here("payload", version))
    frame = payload[4:]
    try:
        size = zstandard.get_frame_parameters(frame).content_size
        if size > max_raw:  # also where the frame states no size: it then reads as 2**64 - 1
            raise BadBatch("too-large", f"The payload would decompress to {size} bytes.")
        return zstandard.ZstdDecompressor().decompress(frame, max_output_size=max_raw)
    except zstandard.ZstdError as error:
        raise BadBatch("undecodable", f"The payload does not decompress: {error}.") from error


def _read(raw: bytes, announced: int, sent: int) -> Rows:
    (length,) = struct.unpack_from("<I", raw)
    if length > _LONGEST_DESCRIPTOR:
        raise ValueError("its descriptor is too long")
    descriptor = json.loads(raw[4 : 4 + length])
    count, position = int(descriptor["rows"]), 4 + length
    if count > announced:
        raise BadBatch("bad-counts", "The payload holds more rows than were announced.")
    if not 0 <= count <= len(raw):
        raise ValueError("more rows than bytes")
    columns: dict[str, Any] = {}
    for name, width in descriptor["columns"]:
        if name in columns:
            raise ValueError("a column appears twice")
        columns[name] = widen(raw, position, count, int(width), _COLUMNS[name])
        position += count * int(width)
    columns["step"] = step = _step(descriptor["step"])
    columns["start"] = _starts(columns["start"], int(descriptor["step0"]), step)
    most_names = _NAMES_LEAST + _NAMES_A_ROW * count + _NAMES_A_BYTE * sent
    for name, size in descriptor["dictionaries"].items():
        columns[name] = _entries(name, raw[position : position + int(size)], most_names)
        position += int(size)
    if position != len(raw):
        raise ValueError("its length does not match its descriptor")
    return Rows(**columns)


def _step(seconds: object) -> int:
    if type(seconds) is not int or seconds not in STEPS:
        raise ValueError("its step has a length that no collector uses")
    return seconds


def _starts(stored: Array, step0: int, step: int) -> Array:
    numbers: Array = np.int64(step0) + np.cumsum((stored >> 1) ^ -(stored & 1))
    if len(numbers) and not 0 <= int(numbers.min()) <= int(numbers.max()) < END_OF_TIME // step:
        raise BadBatch("undecodable", "The payload holds a time outside the calendar.")
    return numbers * step


def _entries(name: str, blob: bytes, most: int) -> tuple[str, ...]:
    if not blob:
        return ()
    if blob.count(b"\n") >= most:
        raise ValueError(f"it has more {name} than its size allows")
    alphabet, longest = _ENTRIES[name]
    entries = blob.decode("ascii").split("\n")
    lengths = list(map(len, entries))
    if blob.translate(None, alphabet + b"\n") or min(lengths) < 1 or max(lengths) > longest:
        raise ValueError(f"its {name} contain something other than names")
    return tuple(entries)


def _validate(rows: Rows, records: int) -> None:
    """Refuse values that no collector writes, so that later code need not check them."""
    if not len(rows):
        return
    for dictionary, name in _INDEX_OF.items():
        if int(getattr(rows, name).max()) >= len(getattr(rows, dictionary)):
            raise BadBatch("undecodable", f"The payload's {name} column points past its names.")
    if int(rows.service.max()) >= len(Service):
        raise BadBatch("undecodable", "The payload names a service that is not known here.")
    if int(rows.messages.min()) < 1:
        raise BadBatch("undecodable", "The payload holds a row of no record.")
    # Each first: the sum of as many rows as there may be then stays below 63 bits.
    if int(rows.messages.max()) > records or int(rows.messages.sum()) > records:
        raise BadBatch("bad-counts", "The payload holds more records than were announced.")
    # In doubles, whose error is far below the size of one record.
    if (rows.bytes > rows.messages * float(MAX_SIZE)).any():
        raise BadBatch("undecodable", "The payload holds more bytes than its records can have.")
    if (rows.extra > rows.bytes * float(MAX_ATTEMPTS)).any():
        raise BadBatch("undecodable", "The payload holds more than its attempts can have moved.")
    if (rows.bytes > MAX_SUM - rows.extra).any():
        raise BadBatch("undecodable", "The payload holds a sum beyond 63 bits.")
