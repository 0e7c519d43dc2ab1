"""State directories that are lost, or old copies, over real logs: every line is counted once."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from os import truncate
from pathlib import Path
from shutil import copyfile

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    rule,
    run_state_machine_as_test,
)

from mailtally_collector.ship.inheritance import Inherited
from mailtally_collector.spool.progress import Progress, resume
from mailtally_collector.tail.positions import Position, Span
from tests.support.tailing import ROTATE_WAIT, Tailed

_CHUNK = 700  # bytes: some lines
_LOOKS_WITHOUT_A_LINE = 8  # after which all is read: what waits is recognised by then
HOW = ("restarted", "backed up", "restored", "as an old copy", "without its directory")


@dataclass(frozen=True)
class Made:
    """A batch: its lines, and the note that travels with it."""

    lines: tuple[bytes, ...]
    progress: Progress


@dataclass
class Directory:
    """What a state directory knows; ``number`` is the collector's id."""

    number: int
    batches: dict[int, Made] = field(default_factory=dict)
    positions: tuple[Position, ...] = ()
    skip: tuple[Span, ...] = ()

    def copy(self) -> Directory:
        return Directory(self.number, dict(self.batches), self.positions, self.skip)


class PlainLedger:
    """Which batches are applied, by collector, and whom each collector took over from."""

    def __init__(self) -> None:
        self.applied: dict[int, dict[int, Made]] = {}
        self.predecessor: dict[int, int] = {}

    def has(self, number: int) -> dict[int, Made]:
        return self.applied.setdefault(number, {})

    def inherited(self, number: int) -> Inherited | None:
        """As collectors find it in Redis."""
        ahead: list[str] = []
        while number in self.predecessor:
            number = self.predecessor[number]
            notes = {seq: made.progress.to_json() for seq, made in self.has(number).items()}
            hwm = next(seq for seq in count() if seq + 1 not in notes)
            ahead += [note for seq, note in notes.items() if seq > hwm]
            if hwm:
                return Inherited(notes[hwm], tuple(ahead))
        return Inherited("", tuple(ahead)) if ahead else None

    def counted(self) -> Counter[bytes]:
        batches = [made for of_one in self.applied.values() for made in of_one.values()]
        return Counter(line for made in batches for line in made.lines)


class TakeoverMachine(RuleBasedStateMachine):
    """One mail host: a log that is written and rotated, one collector at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.tailed = Tailed(Path(self.place.name), chunk_size=_CHUNK)
        self.ledger = PlainLedger()
        self.written: list[bytes] = []
        self.numbers = count(2)
        self.directory = Directory(1)
        self.backup: Directory | None = None
        self.cut = Counter[bytes]()  # lines that went with the end of the log, counted or not

    @rule(lines=st.integers(1, 20), rotated=st.sampled_from(["", "by renaming", "by copying"]))
    def write(self, lines: int, rotated: str) -> None:
        """Append lines, all of them different, to a new log perhaps."""
        log = self.tailed.path()
        if rotated and log.exists():
            self.rotate(log, by_copying=rotated == "by copying")
        first = len(self.written)
        new = [b"line %d %s\n" % (n, b"x" * (64 + n % 7)) for n in range(first, first + lines)]
        self.written += new
        self.tailed.append(b"".join(new))

    def rotate(self, log: Path, *, by_copying: bool) -> None:
        for number in sorted(range(1, len(list(log.parent.iterdir()))), reverse=True):
            self.tailed.path(f"stats.{number}").rename(self.tailed.path(f"stats.{number + 1}"))
        if by_copying:
            copyfile(log, self.tailed.path("stats.1"))
            log.write_bytes(b"")
        else:
            log.rename(self.tailed.path("stats.1"))

    @rule(lines=st.integers(1, 3), written=st.integers(1, 20))
    def lose_its_end(self, lines: int, written: int) -> None:
        """Cut the log, and write on."""
        log = self.tailed.path()
        if not log.exists():
            return
        there = log.read_bytes().splitlines(keepends=True)
        self.cut.update(there[-lines:])
        truncate(log, len(b"".join(there[:-lines])))
        self.write(written, "")

    @rule(chunks=st.integers(1, 4), is_applied=st.booleans())
    def make_a_batch(self, chunks: int, *, is_applied: bool) -> None:
        tailer, read, spans = self.tailed.tailer, list[bytes](), list[Span]()
        self.tailed.now += 1.0
        tailer.scan(self.tailed.now)
        for _ in range(chunks):
            if (chunk := tailer.read(self.tailed.now)) is not None:
                read += bytes(chunk.data).splitlines(keepends=True)
                spans.append(chunk.span)
        directory = self.directory
        directory.positions, directory.skip = tuple(tailer.positions()), tuple(tailer.skips())
        if spans:
            progress = Progress(directory.positions, tuple(spans), directory.skip)
            directory.batches[len(directory.batches) + 1] = Made(tuple(read), progress)
        if spans and is_applied:
            self.apply_one(len(directory.batches))

    @rule(data=st.data())
    def apply(self, data: st.DataObject) -> None:
        """Any batch of the present collector, in any order."""
        if waiting := sorted(self.directory.batches.keys() - self.known().keys()):
            self.apply_one(data.draw(st.sampled_from(waiting)))

    def apply_one(self, seq: int) -> None:
        self.known()[seq] = self.directory.batches[seq]

    def known(self) -> dict[int, Made]:
        return self.ledger.has(self.directory.number)

    @rule(how=st.sampled_from(HOW))
    def start_again(self, how: str) -> None:
        if how == "restarted":
            self.start(self.directory)
        elif how == "without its directory":
            self.take_over(Progress())
        elif how == "backed up":
            self.backup = self.directory.copy()
        else:
            self.be_an_old_copy((how == "restored" and self.backup) or self.directory)

    def be_an_old_copy(self, old: Directory) -> None:
        """The directory is older than the ledger, be it by one start of a clone."""
        lacking = old.batches.items() - self.ledger.has(old.number).items()
        spans = tuple(span for _, made in lacking for span in made.progress.spans)
        self.take_over(Progress(old.positions, spans))

    def take_over(self, own: Progress) -> None:
        new = Directory(next(self.numbers))
        self.ledger.predecessor[new.number] = self.directory.number
        inherited = self.ledger.inherited(new.number)
        if inherited is not None or own.positions:
            progress = resume(inherited, own)
            new.positions, new.skip = progress.positions, progress.skip
        self.start(new)

    def start(self, directory: Directory) -> None:
        self.directory = directory
        self.tailed.stop()
        self.tailed.settings["skip"] = directory.skip
        self.tailed.start([position.to_json() for position in directory.positions])

    def teardown(self) -> None:
        """Once all is read and applied, every line is counted once."""
        looks = 0
        while looks < _LOOKS_WITHOUT_A_LINE:
            self.tailed.now += ROTATE_WAIT
            made = len(self.directory.batches)
            self.make_a_batch(chunks=50, is_applied=True)
            looks = looks + 1 if len(self.directory.batches) == made else 0
        for seq in self.directory.batches:
            self.apply_one(seq)
        counted, written = self.ledger.counted(), Counter(self.written)
        assert counted <= written
        if not self.cut:
            assert self.tailed.tailer.stopped() == ()
        if not self.tailed.tailer.stopped():
            assert written - counted <= self.cut
        self.tailed.tailer.close()
        self.place.cleanup()


def test_every_line_is_counted_once_whoever_takes_over() -> None:
    run_state_machine_as_test(TakeoverMachine, settings=settings(stateful_step_count=30))
