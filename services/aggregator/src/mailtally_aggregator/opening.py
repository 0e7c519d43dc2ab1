"""Opening the state at the start: as found, refilled, or new; never silently empty."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

from mailtally_shared.days.names import LOADED, LOADING
from mailtally_shared.errors import Refused
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.history import begin_history
from mailtally_shared.state.keys import FORMAT
from mailtally_shared.state.snapshot import restore_newest

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.state.keys import StateKeys

SNAPSHOTS = "snapshots"


def open_state(
    state: State, keys: StateKeys, statistic_dir: Path, *, accept_empty: bool = False
) -> None:
    """Make sure that counting continues from what was counted before.

    Args:
        state: the Redis to use.
        keys: its key names.
        statistic_dir: the directory of day files and snapshots.
        accept_empty: begin at zero although something was counted before. Records of
            the days that have files are then late.

    Raises:
        Refused: the state is of another format, or empty although day files show
            that something was counted and no snapshot can refill it; or Redis is
            configured to evict keys.
        Unavailable: Redis does not answer.
    """
    _check_eviction(state)
    with unavailable_errors():
        found = state.get(keys.format)
    if found is None:
        _fill(state, keys, statistic_dir, accept_empty=accept_empty)
        with unavailable_errors():
            found = state.get(keys.format)  # a snapshot contains its own
    if found != FORMAT.encode("ascii"):
        raise Refused(
            f"The state in Redis has format {found!r} and this version reads {FORMAT!r} only: "
            "run the version of mailtally that wrote it."
        )
    begin_history(state, keys)


def _check_eviction(state: State) -> None:
    """Refuse a Redis that may evict keys: a ledger or a total would be counted again, or lost."""
    with unavailable_errors():
        memory = state.info("memory")
    policy = str(memory.get("maxmemory_policy", ""))
    if memory.get("maxmemory") and policy.startswith("allkeys"):
        raise Refused(
            f"Redis may evict any key when its memory is full (maxmemory-policy {policy}): "
            "set it to noeviction, then start again."
        )


def _fill(state: State, keys: StateKeys, statistic_dir: Path, *, accept_empty: bool) -> None:
    newest = _newest_day(statistic_dir)
    if not accept_empty:
        if restore_newest(state, keys, statistic_dir / SNAPSHOTS):
            return
        if newest:
            raise Refused(
                f"Redis is empty, but {statistic_dir} shows that something was counted before, "
                "and it holds no sound snapshot. Restore Redis's data, or, to begin at zero, "
                "start one aggregator, or 'mailtally up', with --accept-empty-state."
            )
    with unavailable_errors():
        if newest:
            # What is counted from now on of a day that has a file is only a part of the day: a
            # file made of that would lower what is billed. Such records are late instead.
            state.set(keys.closed_before, (newest + timedelta(days=1)).isoformat(), nx=True)
        state.set(keys.format, FORMAT, nx=True)


def _newest_day(statistic_dir: Path) -> date | None:
    """Return the last day that has a file, in any of the loader's directories."""
    places = (statistic_dir.glob("*.qml.txt"), statistic_dir.glob(f"{LOADING}/*/*.qml.txt"))
    archived = (path.with_suffix("") for path in statistic_dir.glob(f"{LOADED}/*.qml.txt.gz"))
    days = []
    for path in chain(*places, archived):
        with suppress(ValueError):  # an archived earlier revision, or a file of another program
            days.append(datetime.strptime(path.name, "%d.%m.%Y.qml.txt").date())  # noqa: DTZ007 - a date has no zone
    return max(days, default=None)
