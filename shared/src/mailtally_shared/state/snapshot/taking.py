"""Taking a snapshot: the state is copied into a file, and the oldest files are removed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from mailtally_shared.state.snapshot.copying import copy_state
from mailtally_shared.state.snapshot.stored import StagedSnapshot, remove_staged, snapshots

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

#: Number of snapshots that are kept.
KEPT = 3


def take_snapshot(
    state: State,
    keys: StateKeys,
    directory: Path,
    now: float,
    may_go_on: Callable[[], bool] = lambda: True,
) -> Path:
    """Write a snapshot file (mode 0600), remove the oldest beyond ``KEPT``, return its path.

    Args:
        state: the state, which changes meanwhile.
        keys: its keys.
        directory: of the snapshots.
        now: Unix seconds.
        may_go_on: asked between two pieces; it may take its time, for instance to renew a lease.

    Raises:
        Refused: the state was emptied; its snapshot must not displace sound ones.
        Unavailable: Redis does not answer.
        GivenUp: the copy could not be finished; earlier snapshots are as they were.
    """
    directory.mkdir(parents=True, exist_ok=True)
    remove_staged(directory)
    path = _next_path(directory, now)
    with StagedSnapshot(path) as file:
        copy_state(state, keys, file.add, may_go_on)
        file.place()
    for old in snapshots(directory)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def _next_path(directory: Path, now: float) -> Path:
    """Return a path whose name is the newest, even if the clock was set back since the last."""
    number = int(now)
    for path in snapshots(directory)[:1]:
        with suppress(ValueError):  # another name than this module's
            number = max(number, int(path.stem) + 1)
    return directory / f"{number:012d}.snapshot"
