"""Doubtful logs: changed in a way that lines may be missing or counted twice.

Reading of such a log continues; an operator is asked to check it. The doubt is kept until it is
accepted, or older than the retention of totals in Redis.
"""

from __future__ import annotations

import json
import logging
import shlex
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from mailtally_shared.runtime.logs import event
from mailtally_shared.wire.status import DOUBTFUL, UNEXPECTED

if TYPE_CHECKING:
    from collections.abc import Iterable

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LogTrouble:
    """A file or directory that cannot be read, or whose change makes its figures doubtful.

    Attributes:
        kind: one lower-case token: ``unreadable``, ``damaged``, ``stopped`` …
        path: the file or directory.
        sentence: what is wrong and what to do.
        since: Unix seconds before which its lines were read; 0.0 if that is unknown.
        until: when it was last written to, if it is no longer written to.
    """

    kind: str
    path: str
    sentence: str
    since: float = 0.0
    until: float | None = None


class Doubts:
    """The doubts about all logs.

    Args:
        before: the result of ``to_json`` of an earlier instance.
        keep: seconds after which a doubt is dropped.
        state_dir: the state directory for the advised command; empty if there is none.
    """

    def __init__(
        self, before: str = "", *, keep: float = 35 * 86_400.0, state_dir: str = ""
    ) -> None:
        self._begun: dict[str, float] = json.loads(before)["begun"] if before else {}
        self._keep = keep
        self._state_dir = state_dir
        #: The doubts, latest last.
        self.all = doubts_in(before)
        self._former = frozenset(self.all)
        #: Seconds without a running collector after the former doubts; known from the first scan.
        self._asleep: float | None = None
        self._text = before

    def to_json(self) -> str:
        """Return the doubts as text; the same text as long as they are the same."""
        if not self._text and (self._begun or self.all):
            kept = {"begun": self._begun, "doubts": [asdict(each) for each in self.all]}
            self._text = json.dumps(kept)
        return self._text

    def begun(self, log: str, reach: float) -> None:
        """Note that a rotation began a log again, later than ``reach``."""
        self._begun[log] = reach
        self._text = ""

    def look(self, logs: Iterable[str], now: float) -> None:
        """Drop old doubts, and logs that are no longer known.

        Time in which the collector did not run does not count, so that a clock that is wrong at the
        start ends no doubt.
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
        """Drop the doubts about a file up to ``until``; return false if there are none."""
        rest = tuple(t for t in self.all if t.path != path or (t.until or until) > until)
        is_known, self.all = rest != self.all, rest
        self._text = "" if is_known else self._text
        return is_known

    def replaced(self, log: str, path: str, read: int, size: int, now: float) -> None:
        """Add a doubt: what was read of a log is in no file, and other lines are in its place."""
        sentence = (
            f"{path} has {size} bytes and none of the {read} bytes read under its name before, "
            "which are now in no file. It is counted from its beginning: if its lines were changed "
            "(masked, anonymised), they are counted twice; if it is another log, the last lines of "
            "the former one may be missing."
        )
        since = self._begun.get(log, 0.0) if path == log else 0.0
        self._add(LogTrouble(DOUBTFUL, path, sentence, since, now))
        event(_log, logging.WARNING, "log-replaced", sentence, file=path, read=read, size=size)

    def cut(self, path: str, offset: int, reach: float, now: float) -> None:
        """Add a doubt: a log lost so much of its end that new lines in it may go unnoticed."""
        sentence = (
            f"{path} lost a large piece of its end; reading resumes at byte {offset}. Lines that "
            "were written after the loss and before it was noticed are not counted."
        )
        self._add(LogTrouble(DOUBTFUL, path, sentence, reach, now))

    def unexpected(self, path: str, size: int, now: float) -> None:
        """Add a doubt: a rotated file appeared though its log was not rotated."""
        sentence = (
            f"{path} appeared with {size} bytes, though its log was not rotated. It is counted as "
            "a new log: if it is a changed, joined or restored one, its lines are counted twice."
        )
        self._add(LogTrouble(UNEXPECTED, path, sentence, until=now))
        event(_log, logging.WARNING, "log-unexpected", sentence, file=path, size=size)

    def _add(self, doubt: LogTrouble) -> None:
        """Add a doubt, joined with others of its kind and file whose times overlap."""
        if self._state_dir:
            command = ("mailtally-collector", "settle", "--state-dir", self._state_dir, doubt.path)
            advice = "Compare its days with its lines (mailtally rebuild), then run:"
            sentence = f"{doubt.sentence} {advice} {shlex.join(command)} --accept"
            doubt = replace(doubt, sentence=sentence)
        same = [t for t in self.all if _meet(t, doubt)]
        since = min([doubt.since, *(each.since for each in same)])
        others = (each for each in self.all if each not in same)
        self.all, self._text = (*others, replace(doubt, since=since)), ""


def doubts_in(text: str) -> tuple[LogTrouble, ...]:
    """Parse the result of ``to_json``."""
    return tuple(LogTrouble(**each) for each in json.loads(text)["doubts"]) if text else ()


def _meet(former: LogTrouble, doubt: LogTrouble) -> bool:
    is_of_same = (former.kind, former.path) == (doubt.kind, doubt.path)
    return is_of_same and doubt.since <= (former.until or 0.0)
