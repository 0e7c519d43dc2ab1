"""Snapshots of the state next to the day files, which refill a Redis that came back empty.

A snapshot is one consistent read of ledger and totals together, so a restored
state is merely an older one: collectors see that their ledger went back and send
again what came after it.

File format: ``MTS1``, then the SHA-256 of the rest, then a zstd frame of the
msgpack list ``[key, DUMP, key, DUMP, …]``. It contains domains and sums, no addresses.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgpack
import redis
import zstandard

from mailtally_shared.errors import BadFile, Unavailable
from mailtally_shared.regular import is_regular, open_regular
from mailtally_shared.runtime.crash_points import crash_point, declare
from mailtally_shared.runtime.logs import event
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.scripts import source, state_emptied

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.state.keys import StateKeys

_log = logging.getLogger(__name__)
_MAGIC = b"MTS1"
_DIGEST = 32
#: The prefix of bytes in msgpack, whatever their length.
_BIN32 = struct.Struct(">BI")
#: Number of snapshots that are kept.
KEPT = 3


class CrashAt(StrEnum):
    """The point at which a fault test may kill the process."""

    SNAPSHOT_STAGED = "writer-snapshot-staged"  # the snapshot still has its temporary name


declare(CrashAt)


def take_snapshot(state: State, keys: StateKeys, directory: Path, now: float) -> Path:
    """Write a snapshot file (mode 0600), remove the oldest beyond ``KEPT``, return its path.

    Raises:
        Refused: the state was emptied; its snapshot must not displace sound ones.
        Unavailable: Redis does not answer.
    """
    everything, payloads = keys.everything_lasting
    with unavailable_errors():
        script = state.register_script(source("snapshot.lua"))
        dumps = script(keys=[keys.format], args=[everything, payloads.removesuffix("*")])
    if not dumps:
        raise state_emptied()
    frame = _frame(dumps)
    del dumps  # large, unlike the frame
    directory.mkdir(parents=True, exist_ok=True)
    path = _next_path(directory, now)
    _place(path, _MAGIC + hashlib.sha256(frame).digest() + frame)
    for old in snapshots(directory)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def _frame(dumps: list[bytes]) -> bytes:
    """Return the compressed msgpack list, made item by item: the state is in memory only once."""
    compressor = zstandard.ZstdCompressor(level=1).compressobj()
    parts = [compressor.compress(msgpack.Packer().pack_array_header(len(dumps)))]
    for dump in dumps:
        parts += [compressor.compress(_BIN32.pack(0xC6, len(dump))), compressor.compress(dump)]
    return b"".join([*parts, compressor.flush()])


def _next_path(directory: Path, now: float) -> Path:
    """Return a path whose name is the newest, even if the clock was set back since the last."""
    number = int(now)
    for path in snapshots(directory)[:1]:
        with suppress(ValueError):  # another name than this module's
            number = max(number, int(path.stem) + 1)
    return directory / f"{number:012d}.snapshot"


def snapshots(directory: Path) -> list[Path]:
    """Return the snapshot files of a directory, newest first."""
    return sorted(filter(is_regular, directory.glob("*.snapshot")), reverse=True)


def restore_snapshot(state: State, keys: StateKeys, path: Path) -> int:
    """Fill an empty state from a snapshot, in one step; return the number of keys.

    The rest of a state that lost its format key is removed first: totals next to an older
    ledger would be counted again. Where another process was faster, nothing is done: what
    was counted since then must stay.

    Raises:
        BadFile: the snapshot is damaged; nothing was restored.
        Unavailable: Redis went away; all of it was restored, or nothing.
    """
    dumps = _read(path)
    pairs = [(k, d) for k, d in zip(dumps[::2], dumps[1::2], strict=True) if k != _lease(keys)]
    try:
        with unavailable_errors():
            return _fill(state, keys, pairs)
    except redis.WatchError as error:
        # redis-py also raises it for a connection that is lost in the meantime.
        with unavailable_errors():
            if state.exists(keys.format):
                return 0
        raise Unavailable(
            "Redis (the state) does not answer: lost while it was refilled."
        ) from error


def _fill(state: State, keys: StateKeys, pairs: list[tuple[bytes, bytes]]) -> int:
    with state.pipeline(transaction=True) as pipeline:
        pipeline.watch(keys.format)  # type: ignore[no-untyped-call]  # its stub has no types
        if pipeline.exists(keys.format):
            return 0
        left = list(state.scan_iter(keys.everything_lasting[0]))
        pipeline.multi()
        pipeline.unlink(keys.format, *left)
        for key, dump in pairs:
            pipeline.restore(key, 0, dump, replace=True)
        pipeline.execute()
    return len(pairs)


def _lease(keys: StateKeys) -> bytes:
    return keys.writer_lease.encode("ascii")


def restore_newest(state: State, keys: StateKeys, directory: Path) -> Path | None:
    """Fill an empty state from the newest sound snapshot; return ``None`` without one."""
    for path in snapshots(directory):
        try:
            count = restore_snapshot(state, keys, path)
        except BadFile as error:
            event(_log, logging.ERROR, "snapshot-damaged", str(error), path=str(path))
            continue
        if count:
            sentence = f"Redis was empty; refilled it with {count} keys from {path}."
            event(_log, logging.WARNING, "state-restored", sentence, path=str(path))
        return path
    return None


def _place(path: Path, content: bytes) -> None:
    staged = path.with_suffix(".tmp")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    crash_point(CrashAt.SNAPSHOT_STAGED)
    staged.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(path: Path) -> list[Any]:
    with open_regular(path) as file:
        content = file.read()
    digest, frame = content[4 : 4 + _DIGEST], content[4 + _DIGEST :]
    if content[:4] != _MAGIC or hashlib.sha256(frame).digest() != digest:
        raise BadFile("bad-snapshot", str(path), "the snapshot is damaged; an older one is tried")
    packed = zstandard.ZstdDecompressor().decompressobj().decompress(frame)
    unpacked: list[Any] = msgpack.unpackb(packed)
    return unpacked
