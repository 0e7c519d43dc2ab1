"""The state of a day that is rebuilt: read before its logs are, settled after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally.commands.rebuild_joining import compare
from mailtally.local.state_found import open_state
from mailtally_shared.calendar import Calendar
from mailtally_shared.days.filed import Unreadable, added
from mailtally_shared.errors import Refused
from mailtally_shared.state.client import unavailable_errors
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.policy import check_policy
from mailtally_shared.state.read.late_days import pin_of, pinned, with_late
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.state.read.went_back import missing_days, unheard_hosts
from mailtally_shared.state.settle import Unsettled, settle, unsettled

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from pathlib import Path

    from mailtally.settings import ConsoleSettings
    from mailtally_shared.days import DayRows, Sums
    from mailtally_shared.site_settings import SiteSettings
    from mailtally_shared.state.client import State


@dataclass(frozen=True, slots=True)
class DayBooks:
    """A day in the state.

    Attributes:
        settings: where the state is.
        day: the traffic day.
        calendar: when it begins and ends.
        before: its totals and its late book before the logs were read.
        counted: the rows of all that, with the revision that a late book is added to.
        is_short: whether it is not written, or touched by lost batches.
        registered: hosts whose collectors are registered.
        not_passed: hosts that have not read past the day …
        unheard: … or have not yet resent their spools, since the state went back.
    """

    settings: ConsoleSettings
    day: date
    calendar: Calendar
    before: Unsettled
    counted: DayRows
    is_short: bool
    registered: frozenset[str]
    not_passed: tuple[str, ...]
    unheard: tuple[str, ...]

    @classmethod
    def of(cls, settings: ConsoleSettings, aggregator: SiteSettings, day: date) -> DayBooks:
        """Read a day from the state."""
        keys, calendar = StateKeys(), Calendar(aggregator.zone)
        with open_state(settings, wake=True) as state, unavailable_errors():
            check_policy(
                state, keys, aggregator.timezone, aggregator.charging, hours=aggregator.hours
            )
            passed = Totals(state, keys).watermarks()
            end = calendar.end_of(day)
            is_short = bool(state.hexists(keys.stopped, day.isoformat()))
            before = unsettled(state, keys, day)
            return cls(
                settings=settings,
                day=day,
                calendar=calendar,
                before=before,
                counted=_counted(state, keys, settings.statistic_dir, day, before),
                is_short=is_short or day in missing_days(state, keys, calendar),
                registered=frozenset(passed),
                not_passed=tuple(host for host, upto in passed.items() if upto < end),
                unheard=unheard_hosts(state, keys),
            )

    @property
    def _is_known(self) -> bool:
        return bool(self.before.live or self.before.late or self.before.held or self.is_short)

    def refuse_live(self) -> None:
        """Refuse a day whose rebuilt figures the day writer would overwrite with the state's.

        Raises:
            Refused: the state has the complete day, or hosts may still send lines of it.
        """
        if not self._is_known:
            return
        if self.before.live and not self.is_short:
            raise Refused(
                f"Redis holds live totals of {self.day}, and its files are made from those: "
                "there is nothing to rebuild. If they are known to be wrong, give --even-if-live."
            )
        if waiting := sorted({*self.not_passed, *self.unheard}):
            raise Refused(
                f"{', '.join(waiting)} may still send lines of {self.day}, which would be counted "
                "twice: wait until they have, or retire hosts that are gone (mailtally "
                "retire-host)."
            )

    def lacking(self, rebuilt: Iterable[Sums]) -> tuple[str, ...]:
        """Return the places of which the state has counted more than the rebuilt rows hold.

        Settling would drop the difference. Names and statuses may be grouped differently in the
        state, which bounds their number, so the sums of each collector and host are compared.
        """
        return tuple(one.name for one in compare(self.counted, rebuilt) if one.is_short)

    def settle(self) -> bool:
        """Replace the state of the day by its files, and return whether the state had any.

        Raises:
            Refused: something was counted for the day since its logs were read.
        """
        if not self._is_known:
            return False
        keys, pin = StateKeys(), pin_of(self.settings.statistic_dir, self.day)
        with open_state(self.settings, wake=True) as state:
            done = settle(state, keys, self.calendar, self.day, pin=pin, before=self.before)
        if not done:
            raise Refused(
                f"Lines of {self.day} were counted while its logs were read: run the same "
                "command again."
            )
        return True


def _counted(
    state: State, keys: StateKeys, directory: Path, day: date, before: Unsettled
) -> DayRows:
    """Return all rows of a day in the state, with the revision that a late book is added to."""
    totals = Totals(state, keys)
    rows = totals.read(day).rows
    for each in before.held:
        rows = added(rows, totals.read(day, keys.held(each.collector_id)).rows)
    late, pin = totals.read(day, keys.late), pinned(state, keys, day)
    try:
        whole = with_late(directory, day, pin, late) if before.late and pin else None
    except Unreadable:
        whole = None  # the day's files are refused where they are read
    return added(rows, whole.rows if whole else late.rows)
