"""qmail's log read live: rotated, restarted at every line, and counted exactly."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailtally_collector.formats import ByLog, Setting, made
from mailtally_collector.reading import Reading
from mailtally_collector.ship.inheritance import Inherited
from mailtally_collector.ship.ledger import Registration
from mailtally_collector.spool.batcher import Batcher, BatchLimits
from mailtally_collector.spool.progress import Progress, resume
from mailtally_collector.spool.rejects import RejectFile
from mailtally_collector.spool.spool import Spool
from mailtally_collector.tail import Tailer
from mailtally_shared.errors import Unavailable
from mailtally_shared.rows import Rows
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.wire.announcement import BatchHeader
from mailtally_shared.wire.payload import decode
from tests.support.logs import BEGIN
from tests.support.records import NONCE
from tools.samples.maillogs import label_of, play

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailtally.samples.sample_logs import Truth

HOST = "mail.example.com"
FORMATS = made(Setting(HOST))
Sums = Counter[tuple[int, int, int, int, str, str]]


@contextmanager
def collector(directory: Path, pattern: str) -> Iterator[tuple[Reading, Tailer, Spool]]:
    """A collector's reading side, on what its state directory remembers."""
    with ExitStack() as stack:
        spool = stack.enter_context(Spool.open(directory / "state"))
        rejects = stack.enter_context(RejectFile(directory / "state", spool.rejects_kept))
        tailer = Tailer(
            [str(directory / pattern)],
            positions=spool.positions(),
            skip=Progress.from_json(spool.get_meta("skip") or "").skip,
            also_counted=True,
        )
        stack.callback(tailer.close)
        reading = Reading(
            tailer=tailer,
            parser=ByLog(FORMATS, known=spool.known()),
            batcher=Batcher(BatchLimits(keys=50, linger=1.0)),
            rejects=rejects,
            spool=spool,
            registration=Registration(HOST, "0" * 32, 1, NONCE),
            keys=StateKeys(),
            window=10**6,
        )
        yield reading, tailer, spool


def read_all(directory: Path, pattern: str, now: float) -> None:
    """Start, read what is there, stop."""
    with collector(directory, pattern) as (reading, tailer, spool):
        tailer.scan(now)
        if not spool.known():
            reading.learn_what_is_behind()
        while reading.turn(now):
            pass
        reading.flush(now)


def take_over(directory: Path, inherited: Inherited) -> None:
    """What a start does with an empty state directory and what the ledger holds."""
    with Spool.open(directory / "state") as spool:
        progress = resume(inherited)
        spool.save_positions(progress.positions)
        spool.set_meta("skip", Progress(skip=progress.skip).to_json())


def spooled(directory: Path) -> tuple[Sums, Counter[str]]:
    """What all batches together say: records, and malformed lines by reason."""
    with Spool.open(directory / "state") as spool:
        batches = spool.pending(0, 10**6)
        headers = [BatchHeader.model_validate_json(batch.header) for batch in batches]
        records = sum((sums_of(decode(batch.payload)) for batch in batches), Sums())
    assert sum(header.records for header in headers) == records.total()
    malformed = sum((Counter(header.malformed) for header in headers), Counter[str]())
    return records, malformed


def sums_of(found: Rows | Truth) -> Sums:
    """Time, size, what attempts add to it, service, status and domain of each record."""
    if isinstance(found, Rows):
        sums = found.start, found.bytes, found.extra
    else:
        sums = found.time, found.size, found.size * (np.maximum(found.attempts, 1) - 1)
    return Sums(
        (time, size, extra, service, found.statuses[status], found.domains[domain])
        for time, size, extra, service, status, domain in zip(
            *(column.tolist() for column in sums),
            found.service.tolist(),
            found.status.tolist(),
            found.domain.tolist(),
            strict=True,
        )
    )


class Syslog:
    """Writes ``maillog``; rotates it as logrotate does, the older ones compressed."""

    pattern = "maillog"

    def __init__(self, directory: Path) -> None:
        self.path = directory / "maillog"

    def lines(self, run: object) -> list[bytes]:
        return run.syslog()  # type: ignore[attr-defined, no-any-return]  # a Run

    def rotate(self) -> None:
        first, second = (self.path.with_name(f"maillog.{k}") for k in (1, 2))
        if first.exists():
            packed = gzip.compress(first.read_bytes(), mtime=0)
            for age in range(20, 1, -1):
                older = self.path.with_name(f"maillog.{age}.gz")
                if older.exists():
                    older.rename(self.path.with_name(f"maillog.{age + 1}.gz"))
            second.with_suffix(".2.gz").write_bytes(packed)
            first.unlink()
        self.path.rename(first)


class Multilog:
    """Writes ``current``; puts it away under the label of the moment, as multilog does."""

    pattern = "current"

    def __init__(self, directory: Path) -> None:
        self.path = directory / "current"
        self.moment = BEGIN * 1_000_000

    def lines(self, run: object) -> list[bytes]:
        return run.multilog()  # type: ignore[attr-defined, no-any-return]  # a Run

    def rotate(self) -> None:
        self.moment += 1_000_000
        self.path.rename(self.path.with_name(f"{label_of(self.moment)}.s"))


@pytest.mark.parametrize("writer", [Syslog, Multilog])
def test_a_restart_and_a_rotation_between_any_two_lines_change_nothing(
    writer: type[Syslog | Multilog], tmp_path: Path
) -> None:
    """The collector is started for each line; every few lines the log is rotated meanwhile."""
    run, log = play(12, start=BEGIN, seed=11), writer(tmp_path)
    for number, line in enumerate(log.lines(run)):
        if number % 17 == 16:
            log.rotate()
        with log.path.open("ab") as file:
            file.write(line)
        read_all(tmp_path, log.pattern, 1000.0 + number)
    assert spooled(tmp_path) == (sums_of(run.truth), Counter())


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6),
    breaks=st.lists(st.tuples(st.integers(1, 120), st.booleans(), st.booleans()), max_size=12),
    writer=st.sampled_from([Syslog, Multilog]),
)
def test_any_pieces_rotations_and_restarts_give_the_truth(
    seed: int,
    breaks: list[tuple[int, bool, bool]],
    writer: type[Syslog | Multilog],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    directory = tmp_path_factory.mktemp("read")
    run, log = play(30, start=BEGIN, seed=seed), writer(directory)
    lines, now = log.lines(run), 1000.0
    for count, rotated, is_read in [*breaks, (len(lines), False, True)]:
        with log.path.open("ab") as file:
            file.writelines(lines[:count])
        lines, now = lines[count:], now + 1
        if is_read:
            read_all(directory, log.pattern, now)
        if rotated:
            log.rotate()
    assert spooled(directory) == (sums_of(run.truth), Counter())


def test_what_the_disk_did_not_take_is_not_joined_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = play(20, start=BEGIN, seed=5)
    (tmp_path / "maillog").write_bytes(b"".join(run.syslog()))
    with collector(tmp_path, "maillog") as (reading, tailer, _):
        keep, failures = RejectFile.add_parsed, [1, 2, 3]

        def failing(*args: object) -> None:
            if failures:
                failures.pop()
                raise Unavailable("The disk is full.")
            keep(*args)  # type: ignore[arg-type]  # passed through

        monkeypatch.setattr(RejectFile, "add_parsed", failing)
        tailer.scan(1.0)
        for _ in range(3):
            with pytest.raises(Unavailable):
                reading.turn(1.0)
        while reading.turn(1.0):
            pass
        reading.flush(1.0)
    assert spooled(tmp_path) == (sums_of(run.truth), Counter())


def test_a_crash_between_two_batches_reads_again_with_what_was_known_then(tmp_path: Path) -> None:
    run = play(30, start=BEGIN, seed=6)
    lines = run.syslog()
    half = len(lines) // 2
    (tmp_path / "maillog").write_bytes(b"".join(lines[:half]))
    read_all(tmp_path, "maillog", 1.0)
    with (tmp_path / "maillog").open("ab") as log:
        log.writelines(lines[half:])
    with collector(tmp_path, "maillog") as (reading, tailer, _):
        tailer.scan(2.0)
        reading.turn(2.0)  # and nothing is spooled of it
    read_all(tmp_path, "maillog", 3.0)
    assert spooled(tmp_path) == (sums_of(run.truth), Counter())


@pytest.mark.parametrize("writer", [Syslog, Multilog])
@pytest.mark.parametrize("lost", [None, 0, 3])
def test_a_lost_state_directory_loses_no_delivery_under_way(
    lost: int | None, writer: type[Syslog | Multilog], tmp_path: Path
) -> None:
    """The ledger has all batches but one; a new collector counts that one, and what comes."""
    run, log = play(60, start=BEGIN, seed=12), writer(tmp_path)
    lines = log.lines(run)
    for place in range(0, 500, 100):
        with log.path.open("ab") as file:
            file.writelines(lines[place : place + 100])
        read_all(tmp_path, log.pattern, 1.0)
        if place in {100, 400}:
            log.rotate()
    with Spool.open(tmp_path / "state") as spool:
        batches = [
            (BatchHeader.model_validate_json(batch.header), sums_of(decode(batch.payload)))
            for batch in spool.pending(0, 10**6)
        ]
    kept = [batch for place, batch in enumerate(batches) if place != lost]
    notes = [header.progress for header, _ in batches]
    (tmp_path / "state").rename(tmp_path / "lost")
    if lost is None:
        take_over(tmp_path, Inherited(notes[-1], ()))
    else:
        take_over(tmp_path, Inherited(notes[lost - 1] if lost else "", tuple(notes[lost + 1 :])))
    log.path.write_bytes(b"".join(lines[500:]))
    for now in (2.0, 3.0):
        read_all(tmp_path, log.pattern, now)
    records, malformed = spooled(tmp_path)
    assert not malformed
    assert records + sum((sums for _, sums in kept), Sums()) == sums_of(run.truth)


def test_two_logs_with_the_same_numbers_are_two(tmp_path: Path) -> None:
    runs = [play(20, start=BEGIN, seed=seed) for seed in (7, 8)]
    for run, name in zip(runs, ("a", "b"), strict=True):
        (tmp_path / name).mkdir()
        (tmp_path / name / "current").write_bytes(b"".join(run.multilog()))
    read_all(tmp_path, "*/current", 1.0)
    expected = sum((sums_of(run.truth) for run in runs), Sums())
    assert spooled(tmp_path) == (expected, Counter())


def test_what_is_known_of_a_log_goes_with_it(tmp_path: Path) -> None:
    (tmp_path / "maillog").write_bytes(b"".join(play(3, start=BEGIN, seed=9).syslog()))
    read_all(tmp_path, "maillog", 1.0)
    with Spool.open(tmp_path / "state") as spool:
        assert [(known.log, known.format) for known in spool.known()] == [
            (str(tmp_path / "maillog"), "maillog")
        ]
        spool.commit("{}", b"", [], rejects=0, counters={}, now=1.0, known=())
    with Spool.open(tmp_path / "state") as spool:
        assert spool.known() == []


def test_a_log_whose_name_is_no_utf8_is_spooled(tmp_path: Path) -> None:
    log = tmp_path / os.fsdecode(b"maillog-\xe4lter")
    log.write_bytes(b"@4000000038c3eeb027f6b0a4 new msg 1\nwrong\n")
    read_all(tmp_path, "maillog*", 1.0)
    with log.open("ab") as more:
        more.write(b"wrong again\n")
    read_all(tmp_path, "maillog*", 2.0)
    assert spooled(tmp_path)[1] == {"bad-date": 2}


def test_a_hole_after_copytruncate_is_counted_in_bytes_and_costs_no_line(tmp_path: Path) -> None:
    log = tmp_path / "maillog"
    log.write_bytes(bytes(100_000) + b"wrong\n" + bytes(10) + b"wrong\n")
    read_all(tmp_path, "maillog", 1.0)
    with Spool.open(tmp_path / "state") as spool:
        counters = spool.counters()
    assert counters["skipped:nul"] == 100_010
    assert (counters["lines"], counters["malformed:bad-date"]) == (2, 2)
    rejects = (tmp_path / "state" / "rejects.jsonl").read_text().splitlines()
    assert [json.loads(line)["offset"] for line in rejects] == [100_000, 100_016]
