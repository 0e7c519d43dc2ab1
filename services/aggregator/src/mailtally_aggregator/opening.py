"""Open the state at the start: as it is, refilled, or new; never silently empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_aggregator.snapshot import restore_newest
from mailtally_shared.day_files.names import LOADED
from mailtally_shared.errors import Refused
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.keys import FORMAT

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.state.keys import StateKeys

SNAPSHOTS = "snapshots"


def open_state(
    state: State, keys: StateKeys, statistic_dir: Path, *, accept_empty: bool = False
) -> None:
    """Make sure that counting goes on from what was counted before.

    Args:
        state: the Redis to use.
        keys: its key names.
        statistic_dir: where day files and snapshots lie.
        accept_empty: begin at zero although something was counted before.

    Raises:
        Refused: the state is of another format, or empty although day files show
            that something was counted and no snapshot can refill it.
        Unavailable: Redis does not answer.
    """
    with unavailable_errors():
        found = state.get(keys.format)
    if found is None:
        _fill(state, keys, statistic_dir, accept_empty=accept_empty)
    elif found != FORMAT.encode("ascii"):
        raise Refused(
            f"The state in Redis has format {found!r} and this version reads {FORMAT!r} only: "
            "run the version of mailtally that wrote it."
        )


def _fill(state: State, keys: StateKeys, statistic_dir: Path, *, accept_empty: bool) -> None:
    if not accept_empty:
        if restore_newest(state, keys, statistic_dir / SNAPSHOTS):
            return
        if _counted_before(statistic_dir):
            raise Refused(
                f"Redis is empty, but {statistic_dir} shows that something was counted before, "
                "and it holds no sound snapshot. Bring Redis's data back, or, to begin at zero, "
                "start one aggregator with --accept-empty-state."
            )
    with unavailable_errors():
        state.set(keys.format, FORMAT, nx=True)


def _counted_before(statistic_dir: Path) -> bool:
    places = (statistic_dir, statistic_dir / LOADED)
    return any(next(place.glob("*.qml.json"), None) for place in places)
