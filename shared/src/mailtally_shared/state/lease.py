"""The day writer's lease, and its steps on the state: one aggregator at a time writes days.

The lease expires on its own, so a writer may lose it without noticing. Its token is a
fencing token: every step on the state checks it again, and the files' revisions come
from the state, so an overtaken writer cannot replace a newer file by an older one
(``mailtally_shared.days.placing`` checks the present revision under the directory's
lock). A token is random: a number counted by Redis would be issued twice after Redis
went back, and two writers would hold the lease.

It is renewed when a third of it is over, at multiples of that third: where these are multiples
of the collectors' heartbeats too, Redis writes both to its disk at once.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NewType

from mailtally_shared.days.watermark import packed
from mailtally_shared.runtime.clock import Clock
from mailtally_shared.state.keys import parts_of
from mailtally_shared.state.scripts import Script, state_emptied

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from mailtally_shared.days import DayFacts
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import Book, StateKeys

_EMPTY = b"empty"
#: The token of a lease that was held when it was read.
Fence = NewType("Fence", str)


class Lease:
    """A lease of the day writer, valid for ``seconds`` from each ``hold``."""

    def __init__(
        self, state: State, keys: StateKeys, seconds: float, clock: Clock | None = None
    ) -> None:
        self._state = state
        self._keys = keys
        self._now = (clock or Clock()).steady
        self._milliseconds = int(seconds * 1000)
        self._token = ""
        self._third = seconds / 3
        self._renewed = 0.0  # number of the third, since 1970 in steady time, of the last renewal
        self._script = Script(state, keys, "writer_steps.lua")

    @property
    def is_held(self) -> bool:
        """Whether the lease is held, as far as known here; safe in another thread."""
        return bool(self._token)

    def hold(self) -> bool:
        """Take or renew the lease; return false while another process holds it.

        Raises:
            Refused: the state was emptied. No other process may notice: collectors wait
                until an aggregator has opened it again.
        """
        third = self._now() // self._third
        answer = self._claim(self._milliseconds, due=third != self._renewed)
        if answer == _EMPTY:
            raise state_emptied()
        self._token = answer.decode("ascii") if answer else ""
        self._renewed = third
        return self.is_held

    @property
    def fence(self) -> Fence:
        """The token by which another script checks that the lease is still held."""
        return Fence(self._token)

    def begin(self, book: Book, day: date, above: int) -> int | None:
        """Take a revision number higher than ``above``; return ``None`` without the lease."""
        answer = self._run("begin", day=book.day(day), above=str(above))
        return int(answer) if answer else None

    def finish(self, book: Book, facts: DayFacts, changes: int, now: float) -> bool:
        """Record that the files of a revision are in place.

        Args:
            book: the book with the day.
            facts: those of the files.
            changes: of the day's totals, when they were read.
            now: Unix seconds.

        Returns:
            False without the lease, or where another revision was begun.
        """
        done = self._run(
            "finish",
            day=book.day(facts.day),
            revision=str(facts.revision),
            changes=str(changes),
            now=str(int(now)),
            complete="1" if facts.complete else "0",
            missing=",".join(facts.missing_hosts),
            stopped=self._keys.stopped,
            iso=facts.day.isoformat(),
            incomplete=packed([(each.host, each.reason) for each in facts.incomplete]),
        )
        return done is not None

    def stop(self, day: date, changes: int, why: str) -> bool:
        """Record why a day with these changes is not written; return false without the lease."""
        done = self._run(
            "stop",
            stopped=self._keys.stopped,
            iso=day.isoformat(),
            why=why,
            changes=str(changes),
            books=[book.day(day) for book in (self._keys.totals, self._keys.late)],
        )
        return done is not None

    def retire(self, day: date, places: Iterable[str], pin: str) -> bool:
        """Drop the totals of a day whose files hold all of it.

        Args:
            day: the traffic day; records of it, and of earlier days, are late from now on.
            places: the places with totals.
            pin: revision and hash of its last files; see ``late_days.pin_of``.

        Returns:
            False without the lease, or where the files lack something; nothing is changed then.
        """
        keys, book = self._keys, self._keys.totals
        done = self._run(
            "retire",
            day=book.day(day),
            iso=day.isoformat(),
            next_day=(day + timedelta(days=1)).isoformat(),
            days=book.days,
            opened=book.opened,
            closed_before=keys.closed_before,
            retired=keys.retired,
            pinned=keys.pinned,
            pin=pin,
            stopped=keys.stopped,
            totals=parts_of(book, day, places),
        )
        return done is not None

    def compact_hours(
        self, book: Book, day: date, first: int, identities: Sequence[bytes], total: bytes
    ) -> bool:
        """Replace parts of a day's hours by their sum.

        Args:
            book: the book with the day.
            day: the traffic day.
            first: the place of the first of them in the list.
            identities: how each of them begins.
            total: their sum, packed.

        Returns:
            False without the lease, or where other parts are in the list; nothing is changed then.
        """
        done = self._run(
            "compact_hours",
            hours=book.hours(day),
            first=first,
            identities=list(identities),
            sum=total,
        )
        return done is not None

    def drop_hours(self, book: Book, day: date) -> bool:
        """Drop the hours of a day whose files hold all of it.

        Returns:
            False without the lease, or where the files lack something; nothing is changed then.
        """
        return self._run("drop_hours", day=book.day(day), hours=book.hours(day)) is not None

    def release(self) -> None:
        """Release the lease so that another process need not wait for its end."""
        if self._token:
            self._claim(1, due=True)
            self._token = ""

    def _claim(self, milliseconds: int, *, due: bool) -> bytes | None:
        keys = self._keys
        return self._run(
            "lease",
            format=keys.format,
            claim=secrets.token_hex(8),
            milliseconds=milliseconds,
            due=due,
        )

    def _run(self, step: str, **request: object) -> bytes | None:
        whole: dict[str, Any] = {
            "step": step,
            "lease": self._keys.writer_lease,
            "token": self._token,
            **request,
        }
        answer: bytes | None = self._script.run(whole)
        return answer
