"""Snapshots of the state beside the day files: what refills a Redis that came back empty.

A snapshot is one consistent read of ledger and totals together, so a restored
state is merely an older one: collectors see their ledger go back and send again
what came after it.

File format: ``MTS1``, then the SHA-256 of the rest, then a zstd frame of the
msgpack list ``[key, DUMP, key, DUMP, …]``. It holds domains and sums, no addresses.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgpack
import redis
import zstandard

from mailtally_aggregator.crash_at import CrashAt
from mailtally_aggregator.scripts import source, state_emptied
from mailtally_shared.errors import BadFile, Unavailable
from mailtally_shared.process.crash_points import crash_point
from mailtally_shared.process.logs import event
from mailtally_shared.regular import is_regular, open_regular
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.state.keys import StateKeys

_log = logging.getLogger(__name__)
_MAGIC = b"MTS1"
_DIGEST = 32
#: What stands before bytes in msgpack, however long they are.
_BIN32 = struct.Struct(">BI")
#: How many snapshots are kept.
KEPT = 3


def take_snapshot(state: State, keys: StateKeys, directory: Path, now: float) -> Path:
    """Write a snapshot file (mode 0600), drop the oldest beyond ``KEPT``, return its path.

    Raises:
        Refused: the state was emptied; that must not push sound snapshots out.
        Unavailable: Redis does not answer.
    """
    everything, payloads = keys.everything_lasting
    with unavailable_errors():
        script = state.register_script(source("snapshot.lua"))
        dumps = script(keys=[keys.format], args=[everything, payloads.removesuffix("*")])
    if not dumps:
        raise state_emptied()
    frame = _frame(dumps)
    del dumps  # large, as the frame is not
    directory.mkdir(parents=True, exist_ok=True)
    path = _next_path(directory, now)
    _place(path, _MAGIC + hashlib.sha256(frame).digest() + frame)
    for old in snapshots(directory)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def _frame(dumps: list[bytes]) -> bytes:
    """The msgpack list, compressed item by item: all of a state is in memory once as it is."""
    compressor = zstandard.ZstdCompressor(level=1).compressobj()
    parts = [compressor.compress(msgpack.Packer().pack_array_header(len(dumps)))]
    for dump in dumps:
        parts += [compressor.compress(_BIN32.pack(0xC6, len(dump))), compressor.compress(dump)]
    return b"".join([*parts, compressor.flush()])


def _next_path(directory: Path, now: float) -> Path:
    """The newest by its name, also where the clock was set back since the one before."""
    number = int(now)
    for path in snapshots(directory)[:1]:
        with suppress(ValueError):  # not one of ours
            number = max(number, int(path.stem) + 1)
    return directory / f"{number:012d}.snapshot"


def snapshots(directory: Path) -> list[Path]:
    """The snapshot files of a directory, newest first."""
    return sorted(filter(is_regular, directory.glob("*.snapshot")), reverse=True)


def restore_snapshot(state: State, keys: StateKeys, path: Path) -> int:
    """Fill an empty state from a snapshot, all at once; returns the number of keys.

    What is left of a state that lost its format key goes first: totals beside an older
    ledger would be counted again. Where another process was quicker nothing is done: what
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
        # Also what redis-py calls a connection that is lost meanwhile.
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
    """Fill an empty state from the newest snapshot that is sound; ``None`` without one."""
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
