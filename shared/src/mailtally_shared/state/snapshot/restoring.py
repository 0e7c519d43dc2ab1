"""Refilling an empty Redis from a snapshot, in one step."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import redis

from mailtally_shared.errors import BadFile, Unavailable
from mailtally_shared.runtime.logs import event
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.snapshot.replay import Command, replayed
from mailtally_shared.state.snapshot.stored import read_commands, snapshots

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.state.keys import StateKeys

_log = logging.getLogger(__name__)


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


def restore_snapshot(state: State, keys: StateKeys, path: Path) -> int:
    """Fill an empty state from a snapshot, in one step; return the number of keys.

    The rest of a state that lost its format key is removed first: totals next to an older
    ledger would be counted again. Where another process was faster, nothing is done: what
    was counted since then must stay.

    Raises:
        BadFile: the snapshot is damaged or of another site; nothing was restored.
        Unavailable: Redis went away; all of it was restored, or nothing.
    """
    commands = list(replayed(read_commands(path), keys.tag, str(path)))
    try:
        with unavailable_errors():
            return _fill(state, keys, commands)
    except redis.WatchError as error:
        # redis-py also raises it for a connection that is lost in the meantime.
        with unavailable_errors():
            if state.exists(keys.format):
                return 0
        raise Unavailable(
            "Redis (the state) does not answer: lost while it was refilled."
        ) from error


def _fill(state: State, keys: StateKeys, commands: list[Command]) -> int:
    with state.pipeline(transaction=True) as pipeline:
        pipeline.watch(keys.format)  # type: ignore[no-untyped-call]  # its stub has no types
        if pipeline.exists(keys.format):
            return 0
        left = list(state.scan_iter(keys.everything_lasting[0]))
        pipeline.multi()
        pipeline.unlink(keys.format, *left)
        for command in commands:
            pipeline.execute_command(*command)  # type: ignore[no-untyped-call]  # its stub has no types
        pipeline.execute()
    return sum(1 for _ in state.scan_iter(keys.everything_lasting[0], count=1000))
