"""The logs that were changed so that lines may be missing or counted again, as far as known.

Reading goes on in such a log; a person is asked to look. What is known of it stays until
it is accepted, or is as old as a day's totals in Redis become.
"""

from __future__ import annotations

import json
import logging
import shlex
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from mailtally_collector.tail.troubles import LogTrouble
from mailtally_shared.process.logs import event
from mailtally_shared.status import DOUBTFUL, UNEXPECTED

if TYPE_CHECKING:
    from collections.abc import Iterable

_log = logging.getLogger(__name__)


class Doubts:
    """Keeps them.

    Args:
        before: what an earlier one gave as text.
        keep: seconds after which a doubt is forgotten.
        state_dir: what the command that accepts one is given; empty where nothing is kept.
    """

    def __init__(
        self, before: str = "", *, keep: float = 35 * 86_400.0, state_dir: str = ""
    ) -> None:
        self._begun: dict[str, float] = json.loads(before)["begun"] if before else {}
        self._keep = keep
        self._state_dir = state_dir
        #: The doubts, the latest one last.
        self.all = doubts_in(before)
        self._former = frozenset(self.all)
        #: Seconds for which no collector ran after the former doubts; known at the first look.
        self._asleep: float | None = None
        self._text = before

    def to_json(self) -> str:
        """Return them as they are kept; the same text as long as they are the same."""
        if not self._text and (self._begun or self.all):
            kept = {"begun": self._begun, "doubts": [asdict(each) for each in self.all]}
            self._text = json.dumps(kept)
        return self._text

    def begun(self, log: str, reach: float) -> None:
        """A log was begun again by its rotation, later than ``reach``."""
        self._begun[log] = reach
        self._text = ""

    def look(self, logs: Iterable[str], now: float) -> None:
        """Forget what is old, and the logs that are known no more.

        Time in which the collector did not run does not count: a clock that is wrong at its start
        ends no doubt.
        """
        if self._asleep is None:
            newest = max((each.until for each in self.all if each.until is not None), default=now)
            self._asleep = now - newest
        begun = {log: at for log, at in self._begun.items() if log in set(logs)}
        young = tuple(each for each in self.all if self._age(each, now) < self._keep)
        if (begun, young) != (self._begun, self.all):
            self._begun, self.all, self._text = begun, young, ""

    def _age(self, doubt: LogTrouble, now: float) -> float:
        asleep = (self._asleep or 0.0) if doubt in self._former else 0.0
        return now - asleep - (doubt.until or now)

    def accept(self, path: str, until: float) -> bool:
        """Forget the doubts of a file up to that one; false if there is none."""
        rest = tuple(t for t in self.all if t.path != path or (t.until or until) > until)
        is_known, self.all = rest != self.all, rest
        self._text = "" if is_known else self._text
        return is_known

    def replaced(self, log: str, path: str, read: int, size: int, now: float) -> None:
        """Nothing of what was read of a log is in any file, and other lines are in its place."""
        sentence = (
            f"{path} has {size} bytes and nothing of the {read} that were read under its name "
            "before, which are in no file now. It is counted from its beginning: if its lines were "
            "changed (masked, anonymised), they are counted twice; if it is another log, the last "
            "lines of the former one may be missing."
        )
        since = self._begun.get(log, 0.0) if path == log else 0.0
        self._add(LogTrouble(DOUBTFUL, path, sentence, since, now))
        event(_log, logging.WARNING, "log-replaced", sentence, file=path, read=read, size=size)

    def cut(self, path: str, offset: int, reach: float, now: float) -> None:
        """A log lost so much of its end that nothing tells whether it was written on since."""
        sentence = (
            f"{path} lost a large piece of its end, and is read on at byte {offset}. Lines that "
            "were written to it after that and before it was noticed are not counted."
        )
        self._add(LogTrouble(DOUBTFUL, path, sentence, reach, now))

    def unexpected(self, path: str, size: int, now: float) -> None:
        """A rotated file appeared though its log was not rotated."""
        sentence = (
            f"{path} appeared with {size} bytes, though its log was not rotated. It is counted as "
            "a log that was never read: if it is a changed, joined or restored one, its lines are "
            "counted twice."
        )
        self._add(LogTrouble(UNEXPECTED, path, sentence, until=now))
        event(_log, logging.WARNING, "log-unexpected", sentence, file=path, size=size)

    def _add(self, doubt: LogTrouble) -> None:
        """Add a doubt; one with another of its file, where their times meet."""
        if self._state_dir:
            command = ("mailtally-collector", "settle", "--state-dir", self._state_dir, doubt.path)
            advice = "Compare its days with its lines (mailtally rebuild), then type:"
            sentence = f"{doubt.sentence} {advice} {shlex.join(command)} --accept"
            doubt = replace(doubt, sentence=sentence)
        same = [t for t in self.all if _meet(t, doubt)]
        since = min([doubt.since, *(each.since for each in same)])
        others = (each for each in self.all if each not in same)
        self.all, self._text = (*others, replace(doubt, since=since)), ""


def doubts_in(text: str) -> tuple[LogTrouble, ...]:
    """Return the doubts in what ``to_json`` returned."""
    return tuple(LogTrouble(**each) for each in json.loads(text)["doubts"]) if text else ()


def _meet(former: LogTrouble, doubt: LogTrouble) -> bool:
    is_of_same = (former.kind, former.path) == (doubt.kind, doubt.path)
    return is_of_same and doubt.since <= (former.until or 0.0)
