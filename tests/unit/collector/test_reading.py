"""The reading side loses nothing when the disk does not take it, and says only what is spooled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailtally_collector.formats import ByLog, Setting, made
from mailtally_collector.reading import DOUBTS, Reading
from mailtally_collector.ship.ledger import Registration
from mailtally_collector.ship.shipping import ReadUpTo
from mailtally_collector.spool.batcher import Batcher, BatchLimits
from mailtally_collector.spool.rejects import RejectFile
from mailtally_collector.spool.spool import Spool
from mailtally_collector.tail import Tailer
from mailtally_shared.errors import Unavailable
from mailtally_shared.rows import STEPS, UNFOLDED
from mailtally_shared.schema import END_OF_TIME
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.wire.announcement import BatchHeader
from mailtally_shared.wire.payload import decode
from tests.support.cluster import log_line
from tests.support.records import NONCE, NOON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMITS = BatchLimits(keys=5, bytes=440, linger=1.0)  # of five records, folded or not


class Disk:
    """Fails as often as it is told to, instead of doing what it stands for."""

    def __init__(self) -> None:
        self.failures = 0

    def fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise Unavailable("The disk is full.")


class Desk:
    """A reading with all that it works on, in one directory."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log, self.step = directory / "stats", UNFOLDED
        self.spool = Spool.open(directory / "state")
        self.rejects = RejectFile(directory / "state", self.spool.rejects_kept)
        self.tailer = Tailer([str(self.log)])
        self.commits, self.appends = Disk(), Disk()
        self._make_fail(monkeypatch)
        self.reading = Reading(
            tailer=self.tailer,
            parser=ByLog(made(Setting())),
            batcher=Batcher(LIMITS),
            rejects=self.rejects,
            spool=self.spool,
            registration=Registration("mail1", "0" * 32, 1, NONCE),
            keys=StateKeys(),
            window=3,
            step=lambda: self.step,
        )

    def _make_fail(self, monkeypatch: pytest.MonkeyPatch) -> None:
        commit, append = self.spool.commit, self.rejects.add_parsed

        def failing_commit(*args: object, **kwargs: object) -> int:
            self.commits.fail()
            return commit(*args, **kwargs)  # type: ignore[arg-type]  # passed through

        def failing_append(*args: object) -> None:
            self.appends.fail()
            append(*args)  # type: ignore[arg-type]  # passed through

        monkeypatch.setattr(self.spool, "commit", failing_commit)
        monkeypatch.setattr(self.rejects, "add_parsed", failing_append)

    def write(self, lines: int, malformed: int = 0) -> None:
        with self.log.open("ab") as log:
            log.write(log_line(NOON, "a@example.com", 7) * lines + b"junk\n" * malformed)

    def read(self, now: float) -> None:
        self.tailer.scan(now)
        while self.reading.turn(now):
            pass
        self.reading.pause(now)

    def insist(self, now: float) -> int:
        """Read until the disk takes it; the number of failures."""
        failures = 0
        while True:
            try:
                self.read(now)
            except Unavailable:
                failures += 1
            else:
                return failures

    def headers(self) -> list[BatchHeader]:
        return [BatchHeader.model_validate_json(b.header) for b in self.spool.pending(0, 99)]

    def close(self) -> None:
        self.tailer.close()
        self.rejects.close()
        self.spool.close()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(tmp_path, monkeypatch)
    yield made
    made.close()


def test_a_full_batch_is_spooled_at_once_and_a_small_one_when_it_is_old(desk: Desk) -> None:
    desk.write(5)
    desk.read(100.0)
    assert [h.records for h in desk.headers()] == [5]
    desk.write(2)
    desk.read(100.0)
    assert len(desk.headers()) == 1
    desk.read(101.0)
    assert [h.records for h in desk.headers()] == [5, 2]


def test_a_batch_keeps_the_step_with_which_it_began(desk: Desk) -> None:
    """The site's zone may change at any time; the next batch has the step of the new one."""
    desk.step = 3600
    desk.write(2)
    desk.read(100.0)
    desk.step = 900
    desk.write(2)
    desk.read(101.0)
    desk.write(2)
    desk.read(102.0)
    desk.read(103.0)
    found = [decode(batch.payload) for batch in desk.spool.pending(0, 9)]
    assert [(rows.step, rows.messages.tolist()) for rows in found] == [(3600, [4]), (900, [2])]
    assert [h.records for h in desk.headers()] == [4, 2]
    assert {(h.time_min, h.time_max) for h in desk.headers()} == {(NOON, NOON)}


def test_a_batch_holds_what_was_read(desk: Desk) -> None:
    desk.write(5, malformed=2)
    desk.read(100.0)
    (batch,) = desk.spool.pending(0, 9)
    header = BatchHeader.model_validate_json(batch.header)
    assert (header.lines, header.records, header.malformed) == (7, 5, {"bad-date": 2})
    assert decode(batch.payload).bytes.tolist() == [7] * 5
    assert header.payload_bytes == len(batch.payload)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("commits", "appends"), [(3, 0), (0, 3), (2, 2)])
def test_a_disk_that_is_full_for_a_while_costs_nothing(
    desk: Desk, commits: int, appends: int, step: int
) -> None:
    desk.step = step
    desk.commits.failures, desk.appends.failures = commits, appends
    desk.write(5, malformed=1)
    assert desk.insist(100.0) == commits + appends
    desk.write(5, malformed=1)
    assert desk.insist(200.0) == 0
    assert sum(h.records for h in desk.headers()) == 10
    assert sum(h.lines for h in desk.headers()) == 12
    assert [h.seq for h in desk.headers()] == [1, 2]


@pytest.mark.parametrize("step", STEPS)
def test_a_stop_after_a_failure_spools_what_was_read_once(desk: Desk, step: int) -> None:
    desk.appends.failures, desk.step = 2, step
    desk.write(5, malformed=1)
    with pytest.raises(Unavailable):
        desk.read(100.0)
    with pytest.raises(Unavailable):
        desk.reading.flush(100.0)
    assert desk.reading.read_up_to == ReadUpTo(0, 0)
    desk.reading.flush(100.0)
    assert [(h.lines, h.records) for h in desk.headers()] == [(6, 5)]
    assert [decode(b.payload).messages.sum() for b in desk.spool.pending(0, 9)] == [5]
    assert [position.offset for position in desk.spool.positions()] == [desk.log.stat().st_size]


def test_a_restart_after_a_failure_reads_again_what_was_not_spooled(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.commits.failures = 1
    desk.write(5)
    with pytest.raises(Unavailable):
        desk.read(100.0)
    desk.close()
    restarted = Desk(tmp_path, monkeypatch)
    restarted.read(100.0)
    assert sum(h.records for h in restarted.headers()) == 5
    restarted.close()
    desk.spool = Spool.open(tmp_path / "state")
    desk.rejects = RejectFile(tmp_path / "state", desk.spool.rejects_kept)


def test_how_far_is_read_is_said_only_of_what_is_spooled(desk: Desk) -> None:
    desk.write(2)
    desk.read(100.0)
    assert desk.reading.read_up_to == ReadUpTo(0, 0)
    desk.read(101.0)
    desk.read(102.0)
    assert desk.reading.read_up_to == ReadUpTo(1, 102)


def test_the_end_of_the_input_is_said_once_all_is_spooled(desk: Desk) -> None:
    desk.write(2)
    desk.read(100.0)
    desk.reading.flush(100.0)
    desk.reading.end()
    assert desk.reading.read_up_to == ReadUpTo(1, END_OF_TIME, at_end=True)


def test_reading_is_held_up_by_a_full_window(desk: Desk) -> None:
    desk.write(15)
    for round_ in range(3):
        assert not desk.reading.is_held_up
        desk.write(5)
        desk.read(100.0 + round_)
    assert desk.reading.is_held_up
    desk.spool.mark_applied(1, (), 104.0)
    assert not desk.reading.is_held_up


@pytest.mark.parametrize("kept_by", ["commit", "save_positions"])
def test_what_is_doubtful_of_a_log_is_kept_before_its_positions(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, kept_by: str
) -> None:
    lines = [log_line(NOON + n, "a@example.com", 7) for n in range(400)]
    desk.log.write_bytes(b"".join(lines[:5] if kept_by == "commit" else lines))
    desk.read(1.0)
    cut = b"".join(lines[:100])  # of which nothing is read again
    masked = desk.log.read_bytes().replace(b"a@example.com", b"x@example.com")
    desk.log.write_bytes(masked if kept_by == "commit" else cut)
    kept: list[str] = []
    keep = getattr(desk.spool, kept_by)

    def keeps(*args: object, **kwargs: object) -> object:
        kept.append(desk.spool.get_meta(DOUBTS) or "")
        return keep(*args, **kwargs)

    monkeypatch.setattr(desk.spool, kept_by, keeps)
    desk.read(2.0)
    assert kept
    assert all("doubtful" in doubts for doubts in kept)
