r"""The payload of a batch: its records as compressed columns. Format 1.

::

    b"MTP1"  zstd frame of:
        u32 LE   length of the descriptor
        JSON     {"records": n, "time0": t, "columns": [[name, width], …],
                  "dictionaries": {"hosts": bytes, "statuses": bytes, "domains": bytes}}
        columns  in the descriptor's order, each as ``width`` byte planes of n bytes,
                 the lowest byte first: little-endian unsigned integers, transposed
        dictionaries  in the descriptor's order, ASCII entries joined by "\n"

``time`` is stored as the zigzag-coded difference from the record before it; the
first one's from ``time0``. Byte planes put a column's mostly-zero high bytes
side by side, which costs nothing to undo and compresses well. Nothing is
executed or pickled on the way in, and the decompressed size is bounded before
a byte is decompressed.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

import numpy as np
import zstandard

from mailtally_shared.columns import (
    END_OF_TIME,
    MAX_ATTEMPTS,
    MAX_SIZE,
    MAX_SUM,
    Array,
    Columns,
    Service,
)
from mailtally_shared.errors import UNKNOWN_VERSION, BadBatch
from mailtally_shared.shown import one_line

MAGIC = b"MTP1"
#: Largest payload that is accepted, decompressed, in bytes.
MAX_RAW = 256 * 2**20
#: Most records of one batch: twice what a collector may be set to send.
MAX_RECORDS = 2**21
#: How large a payload may become, by what was sent and announced: none that a collector makes is
#: larger, and a few kilobytes become a few megabytes at most. A record has up to 28 bytes of
#: columns, and zstd cannot make distinct names this much smaller.
_RAW_LEAST, _RAW_A_RECORD, _RAW_A_BYTE = 65_536, 32, 512
#: Longest descriptor, in bytes: JSON becomes many times its length in memory.
_LONGEST_DESCRIPTOR = 4096
#: Names of a dictionary, by the same: some may belong to lines that proved malformed.
_NAMES_LEAST, _NAMES_A_RECORD, _NAMES_A_BYTE = 1024, 2, 8
_LEVEL = 1
#: Characters of a reading error's own words: they may quote the payload.
_LONGEST_TOLD = 200
_COLUMNS: dict[str, np.dtype[Any]] = {
    "time": np.dtype(np.int64),
    "size": np.dtype(np.int64),
    "attempts": np.dtype(np.int64),
    "service": np.dtype(np.uint8),
    "host": np.dtype(np.uint16),
    "status": np.dtype(np.uint8),
    "domain": np.dtype(np.uint32),
}
_LETTERS = b"abcdefghijklmnopqrstuvwxyz0123456789._-"
#: Each dictionary's alphabet and the longest entry, in bytes.
_ENTRIES = {
    "hosts": (_LETTERS + b":", 255),
    "statuses": (bytes(set(range(0x21, 0x7F)) - set(b"|")), 32),
    "domains": (_LETTERS, 253),
}
#: What reading a descriptor of any other shape, or one nested too deeply, ends with.
_UNREADABLE = (
    *(KeyError, TypeError, ValueError, IndexError, AttributeError),
    *(OverflowError, RecursionError, struct.error),
)
_INDEX_OF = {"hosts": "host", "statuses": "status", "domains": "domain"}


def checksum(payload: bytes) -> str:
    """The digest by which a header names its payload: BLAKE2b, 128 bits, hexadecimal."""
    return hashlib.blake2b(payload, digest_size=16).hexdigest()


def encode(columns: Columns) -> bytes:
    """The payload of some records."""
    time0, stored = _stored_columns(columns)
    planes = {name: _narrow(column) for name, column in stored.items()}
    dictionaries = {name: "\n".join(getattr(columns, name)).encode("ascii") for name in _ENTRIES}
    descriptor = json.dumps(
        {
            "records": len(columns),
            "time0": time0,
            "columns": [[name, len(plane)] for name, plane in planes.items()],
            "dictionaries": {name: len(blob) for name, blob in dictionaries.items()},
        },
        separators=(",", ":"),
    ).encode("ascii")
    parts = [struct.pack("<I", len(descriptor)), descriptor]
    parts += [plane.tobytes() for plane in planes.values()]
    parts += dictionaries.values()
    return MAGIC + zstandard.ZstdCompressor(level=_LEVEL).compress(b"".join(parts))


def decode(payload: bytes, max_raw: int = MAX_RAW, records: int = MAX_RECORDS) -> Columns:
    """The records of a payload.

    Args:
        payload: as it was sent.
        max_raw: the site's limit of its decompressed size, in bytes.
        records: how many were announced; a payload may not hold more.

    Raises:
        BadBatch: for anything but a payload that ``encode`` could have made;
            ``unknown-version`` where only the version is strange.
    """
    expected = _RAW_LEAST + _RAW_A_RECORD * records + _RAW_A_BYTE * len(payload)
    raw = _decompress(payload, min(max_raw, expected))
    try:
        columns = _read(raw, records, len(payload))
    except _UNREADABLE as error:
        told = one_line(error, _LONGEST_TOLD)
        raise BadBatch("undecodable", f"The payload's columns cannot be read: {told}.") from error
    _validate(columns)
    return columns


def _stored_columns(columns: Columns) -> tuple[int, dict[str, Array]]:
    """What is stored of each column, as non-negative integers."""
    time0 = int(columns.time[0]) if len(columns) else 0
    steps = np.diff(columns.time, prepend=np.int64(time0))
    stored: dict[str, Array] = {"time": (steps << 1) ^ (steps >> 63)}
    for name in list(_COLUMNS)[1:]:
        stored[name] = getattr(columns, name)
    return time0, stored


def _narrow(column: Array) -> Array:
    """A column as byte planes, shape ``(width, n)``, in as few as its largest value needs."""
    largest = int(column.max()) if len(column) else 0
    width = next(size for size in (1, 2, 4, 8) if largest < 256**size)
    narrow = np.ascontiguousarray(column, dtype=f"<u{width}")
    return np.ascontiguousarray(narrow.view(np.uint8).reshape(-1, width).T)


def _decompress(payload: bytes, max_raw: int) -> bytes:
    if payload[:3] != MAGIC[:3]:
        raise BadBatch("undecodable", "The payload does not begin as one.")
    if payload[:4] != MAGIC:
        version = payload[3:4].decode("latin-1")
        raise BadBatch(UNKNOWN_VERSION, f"The payload's format {version!r} is unknown here.")
    frame = payload[4:]
    try:
        size = zstandard.get_frame_parameters(frame).content_size
        if size > max_raw:  # also when the frame does not say: its size reads as 2**64 - 1
            raise BadBatch("too-large", f"The payload would decompress to {size} bytes.")
        return zstandard.ZstdDecompressor().decompress(frame, max_output_size=max_raw)
    except zstandard.ZstdError as error:
        raise BadBatch("undecodable", f"The payload does not decompress: {error}.") from error


def _read(raw: bytes, announced: int, sent: int) -> Columns:
    (length,) = struct.unpack_from("<I", raw)
    if length > _LONGEST_DESCRIPTOR:
        raise ValueError("its descriptor is too long")
    descriptor = json.loads(raw[4 : 4 + length])
    records, position = int(descriptor["records"]), 4 + length
    if records > announced:
        raise BadBatch("bad-counts", "The payload holds more records than were announced.")
    if not 0 <= records <= len(raw):
        raise ValueError("more records than bytes")
    columns: dict[str, Any] = {}
    for name, width in descriptor["columns"]:
        if name in columns:
            raise ValueError("a column comes twice")
        columns[name] = _widen(raw, position, records, int(width), _COLUMNS[name])
        position += records * int(width)
    steps = columns["time"]
    time0 = np.int64(int(descriptor["time0"]))
    columns["time"] = time0 + np.cumsum((steps >> 1) ^ -(steps & 1))
    most_names = _NAMES_LEAST + _NAMES_A_RECORD * records + _NAMES_A_BYTE * sent
    for name, size in descriptor["dictionaries"].items():
        columns[name] = _entries(name, raw[position : position + int(size)], most_names)
        position += int(size)
    if position != len(raw):
        raise ValueError("its length does not fit its descriptor")
    return Columns(**columns)


def _widen(raw: bytes, position: int, records: int, width: int, dtype: np.dtype[Any]) -> Array:
    if width not in (1, 2, 4, 8):
        raise ValueError("a column's width is not 1, 2, 4 or 8")
    planes = np.frombuffer(raw, np.uint8, records * width, position).reshape(width, records)
    items = np.empty((records, width), np.uint8)
    for place, plane in enumerate(planes):  # three times as quick as a transposed copy
        items[:, place] = plane
    column = items.view(f"<u{width}").reshape(records)
    if records and int(column.max()) > np.iinfo(dtype).max:
        raise ValueError("a column holds a value that is too large")
    return column.astype(dtype)


def _entries(name: str, blob: bytes, most: int) -> tuple[str, ...]:
    if not blob:
        return ()
    if blob.count(b"\n") >= most:
        raise ValueError(f"its {name} are more than so few bytes can hold")
    alphabet, longest = _ENTRIES[name]
    entries = blob.decode("ascii").split("\n")
    lengths = list(map(len, entries))
    if blob.translate(None, alphabet + b"\n") or min(lengths) < 1 or max(lengths) > longest:
        raise ValueError(f"its {name} hold something else than names")
    return tuple(entries)


def _validate(columns: Columns) -> None:
    """Refuse what no collector writes, so that nothing later needs to be in doubt of it."""
    if not len(columns):
        return
    for dictionary, name in _INDEX_OF.items():
        if int(getattr(columns, name).max()) >= len(getattr(columns, dictionary)):
            raise BadBatch("undecodable", f"The payload's {name} column points past its names.")
    times = columns.time
    if int(times.min()) < 0 or int(times.max()) >= END_OF_TIME:
        raise BadBatch("undecodable", "The payload holds a time outside the calendar.")
    if int(columns.service.max()) >= len(Service):
        raise BadBatch("undecodable", "The payload names a service that is unknown here.")
    if int(columns.size.max()) > MAX_SIZE or int(columns.attempts.max()) > MAX_ATTEMPTS:
        raise BadBatch("undecodable", "The payload holds a size or attempts beyond the limits.")
    repeated = columns.attempts > 1
    if repeated.any():
        products = columns.size[repeated].astype(np.float64) * columns.attempts[repeated]
        if float(products.max()) > MAX_SUM:
            raise BadBatch("undecodable", "The payload holds a product beyond 63 bits.")
