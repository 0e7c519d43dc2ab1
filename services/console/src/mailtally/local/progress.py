"""The progress of a site, from its state and its directory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from mailtally_shared.days.names import LOADING
from mailtally_shared.state.client import State, connect_state, unavailable_errors
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.state.untrusted import collectors, text

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.days.watermark import DayState

_MALFORMED = "malformed:"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a site.

    Attributes:
        lines: lines read; ``records`` of them counted, others ``malformed`` or ``quarantined``.
        days: days with totals.
        days_written: those of which the files hold everything that was counted.
        days_stopped: those that wait for an operator.
        days_due: those, and late ones, that the day writer has yet to write.
        files_waiting: days that the loader has yet to load.
    """

    lines: int
    records: int
    malformed: int
    quarantined: int
    days: int
    days_written: int
    days_stopped: int
    days_due: int
    files_waiting: int

    @property
    def is_settled(self) -> bool:
        """Return whether each day is written and loaded, or waits for an operator."""
        return self.days_due == 0 and self.files_waiting == 0


def read_progress(state_url: str, statistic_dir: Path) -> Progress:
    """Return the progress of a site.

    Raises:
        Unavailable: Redis does not answer, or cannot work at present.
    """
    keys = StateKeys()
    sums: Counter[str] = Counter()
    with unavailable_errors(), connect_state(state_url) as state:
        for collector in collectors(state, keys):
            ledger = cast("dict[bytes, bytes]", state.hgetall(keys.ledger(collector)))
            for field, value in ledger.items():
                name = text(field)
                if name in {"lines", "records", "quarantined"} or name.startswith(_MALFORMED):
                    sums[name.partition(":")[0]] += int(value)
        days = Totals(state, keys).days()
        late = _late_to_write(state, keys)
    stopped = sum(day.is_stopped and not _is_final(day) for day in days)
    waiting = [*statistic_dir.glob("*.qml.txt"), *(statistic_dir / LOADING).glob("*/*.qml.txt")]
    return Progress(
        lines=sums["lines"],
        records=sums["records"],
        malformed=sums["malformed"],
        quarantined=sums["quarantined"],
        days=len(days),
        days_written=sum(not day.is_dirty for day in days),
        days_stopped=stopped,
        days_due=sum(not _is_final(day) for day in days) - stopped + late,
        files_waiting=len(waiting),
    )


def _is_final(day: DayState) -> bool:
    """Return whether a day's files are final."""
    is_whole = day.complete or (day.has_gaps and not day.has_missing)
    return not day.is_dirty and is_whole


def _late_to_write(state: State, keys: StateKeys) -> int:
    """Return the number of days that left the state with late records in no revision yet.

    Those of a day that is stopped, or that had no files of its own, wait for an operator.
    """
    pinned = {text(day) for day in cast("list[bytes]", state.hkeys(keys.pinned))}
    late = Totals(state, keys).days(keys.late)
    return sum(
        day.is_dirty and not day.is_stopped and day.day.isoformat() in pinned for day in late
    )
