"""A batch and the positions it covers are kept together or not at all."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from mailtally_collector.spool.spool import Spool
from mailtally_collector.spool.state_db import StateDb
from mailtally_collector.tail.positions import Mark, Position
from mailtally_shared.errors import Refused, Unavailable
from mailtally_shared.state.history import Pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "0" * 32


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(tmp_path) as one:
        yield one


def at(offset: int) -> list[Position]:
    return [Position(KEY, "stats", 1, 2, offset=offset, trail=(Mark(offset, "f" * 32),))]


def commit(spool: Spool, *payloads: bytes, now: float = 0.0) -> None:
    for payload in payloads:
        offset = 10 * spool.next_seq
        spool.commit(
            f"h{payload[:9]!r}", payload, at(offset), rejects=offset, counters={"lines": 2}, now=now
        )


def seqs(spool: Spool, after: int = 0) -> list[int]:
    return [pending.seq for pending in spool.pending(after, 100)]


def test_a_batch_and_what_it_covers_outlive_the_process(tmp_path: Path) -> None:
    with Spool.open(tmp_path) as spool:
        collector_id = spool.collector_id
        commit(spool, b"one", b"two", now=5.0)
    with Spool.open(tmp_path) as spool:
        assert spool.collector_id == collector_id
        assert spool.next_seq == 3
        assert spool.positions() == at(20)
        assert spool.rejects_kept == 20
        assert spool.counters() == {"lines": 4}
        first, second = spool.pending(0, 100)
        assert (first.seq, first.header, first.payload, first.created) == (
            1,
            "hb'one'",
            b"one",
            5.0,
        )
        assert second.payload == b"two"


def test_a_process_killed_in_a_commit_leaves_all_or_nothing(tmp_path: Path) -> None:
    killed = (
        "import os, sys, pathlib\n"
        "from mailtally_collector.spool.spool import Spool\n"
        "spool = Spool.open(pathlib.Path(sys.argv[1]))\n"
        "spool.commit('h', b'one', [], rejects=1, counters={}, now=0.0)\n"
        "spool._checkpoint.write = lambda *_: os.kill(os.getpid(), 9)\n"
        "spool.commit('h', b'two', [], rejects=2, counters={}, now=0.0)\n"
    )
    done = subprocess.run([sys.executable, "-c", killed, str(tmp_path)], check=False)
    assert done.returncode == -9
    with Spool.open(tmp_path) as spool:
        assert seqs(spool) == [1]
        assert (spool.next_seq, spool.rejects_kept) == (2, 1)


def test_a_second_process_is_refused(spool: Spool, tmp_path: Path) -> None:
    assert spool.next_seq == 1
    with pytest.raises(Refused, match="Another collector uses"):
        Spool.open(tmp_path)


def test_a_closed_directory_can_be_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        Spool.open(tmp_path).close()


@pytest.mark.parametrize(
    "garbage", [b"no database at all" * 500, b"SQLite format 3\0" + b"\xff" * 9000]
)
def test_a_damaged_database_is_refused_with_the_way_out(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / "state.sqlite").write_bytes(garbage)
    with pytest.raises(Refused, match=r"Move the directory .* away"):
        Spool.open(tmp_path)
    (tmp_path / "state.sqlite").unlink()
    Spool.open(tmp_path).close()


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    Spool.open(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(Refused, match="another version"):
        Spool.open(tmp_path)


def test_a_full_disk_changes_nothing_and_can_be_tried_again(spool: Spool) -> None:
    commit(spool, b"one")
    pages = spool._db.rows("PRAGMA page_count")[0][0]  # noqa: SLF001 - to make the disk look full
    spool._db.rows(f"PRAGMA max_page_count = {pages + 2}")  # noqa: SLF001 - same
    with pytest.raises(Unavailable, match="full"):
        commit(spool, b"x" * 1_000_000)
    assert (spool.next_seq, spool.positions()) == (2, at(10))
    spool._db.rows("PRAGMA max_page_count = 1000000")  # noqa: SLF001 - room again
    commit(spool, b"x" * 1_000_000)
    assert seqs(spool) == [1, 2]
    assert spool.positions() == at(20)


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "new"
    with Spool.open(directory) as spool:
        commit(spool, b"one")
        modes = {path.name: path.stat().st_mode & 0o077 for path in directory.glob("state*")}
    assert directory.stat().st_mode & 0o777 == 0o700
    assert set(modes.values()) == {0}


def test_positions_alone_are_saved_and_forgotten_ones_removed(tmp_path: Path) -> None:
    with Spool.open(tmp_path) as spool:
        other = Position("1" * 32, "stats.1", 1, 3)
        spool.save_positions([*at(5), other])
        spool.save_positions([other])
    with Spool.open(tmp_path) as spool:
        assert spool.positions() == [other]
        assert spool.next_seq == 1


def test_unchanged_positions_are_not_written(spool: Spool) -> None:
    spool.save_positions(at(5))
    before = spool._db.rows("SELECT total_changes()")  # noqa: SLF001 - whether it wrote
    spool.save_positions(at(5))
    assert spool._db.rows("SELECT total_changes()") == before  # noqa: SLF001 - same


def test_applied_batches_are_not_pending(spool: Spool) -> None:
    commit(spool, b"1", b"2", b"3", b"4", b"5")
    assert spool.mark_applied(2, {4}, 1.0) == 3
    assert spool.mark_applied(2, {4}, 2.0) == 0
    assert seqs(spool) == [3, 5]
    assert seqs(spool, after=3) == [5]
    assert [p.seq for p in spool.pending(0, 1)] == [3]
    assert spool.unapplied_count() == 2


def test_what_is_unapplied_is_measured(spool: Spool) -> None:
    assert (spool.unapplied_bytes(), spool.oldest_unapplied(9.0)) == (0, 0.0)
    commit(spool, b"123", now=5.0)
    commit(spool, b"123", now=7.0)
    assert spool.unapplied_bytes() == 2 * len(b"hb'123'" + b"123")
    assert spool.oldest_unapplied(9.0) == 4.0
    assert spool.oldest_unapplied(1.0) == 0.0
    spool.mark_applied(1, (), 8.0)
    assert spool.oldest_unapplied(9.0) == 2.0


def test_a_ledger_that_went_back_makes_batches_pending_again(spool: Spool) -> None:
    commit(spool, b"1", b"2", b"3", b"4", b"5")
    spool.mark_applied(4, (), 0.0)
    spool.prune(4, 10.0, 1.0, 2**30)
    assert spool.revive(4, ()) == (0, ())
    assert spool.revive(2, ()) == (0, ((3, 4),))
    assert seqs(spool) == [5]


def test_a_batch_that_is_made_during_the_comparison_is_not_missing(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(spool, b"1")
    spool.mark_applied(1, (), 0.0)
    transaction = StateDb.transaction

    @contextmanager
    def followed_by_a_batch(db: StateDb, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        with transaction(db, durable=durable) as connection:
            yield connection
        monkeypatch.undo()
        commit(spool, b"2")

    monkeypatch.setattr(StateDb, "transaction", followed_by_a_batch)
    assert spool.revive(1) == (0, ())
    assert seqs(spool) == [2]


def test_what_the_ledger_still_has_ahead_stays_applied(spool: Spool) -> None:
    commit(spool, b"1", b"2", b"3", b"4")
    spool.mark_applied(4, (), 0.0)
    assert spool.revive(1, {3}) == (2, ())
    assert seqs(spool) == [2, 4]


def test_old_applied_batches_go_and_unapplied_ones_never(spool: Spool) -> None:
    commit(spool, b"1", b"2", b"3")
    spool.mark_applied(1, {3}, now=100.0)
    assert spool.prune(3, 150.0, keep_applied=60.0, keep_bytes=2**30) == 0
    assert spool.prune(3, 161.0, keep_applied=60.0, keep_bytes=2**30) == 2
    assert seqs(spool) == [2]
    assert spool.next_seq == 4


@pytest.mark.parametrize("step", [-400 * 86_400.0, -3600.0, 0.0, 7 * 3600.0, 400 * 86_400.0])
def test_a_start_with_a_wrong_clock_deletes_no_batch_and_forgets_no_hour(
    spool: Spool, step: float
) -> None:
    commit(spool, b"1", b"2", b"3", now=50.0)
    spool.mark_applied(1, (), now=100.0)
    spool.mark_applied(2, (), now=130.0)
    before = spool.touched_by([(1, 3)])
    now = 140.0 + step
    spool.resume_ages(now)
    spool.forget_touched(now - 60.0)
    assert spool.prune(3, now + 25.0, keep_applied=60.0, keep_bytes=2**30) == 0
    assert spool.touched_by([(1, 3)]) == before
    assert spool.prune(3, now + 35.0, keep_applied=60.0, keep_bytes=2**30) == 1
    assert spool.prune(3, now + 65.0, keep_applied=60.0, keep_bytes=2**30) == 1


def test_of_the_applied_batches_the_newest_within_the_limit_stay(spool: Spool) -> None:
    commit(spool, *(b"x" * 1000 for _ in range(5)))
    spool.mark_applied(5, (), now=100.0)
    assert spool.prune(5, 100.0, keep_applied=60.0, keep_bytes=2500) == 3
    assert spool.revive(0) == (2, ((1, 3),))


def test_the_file_shrinks_when_much_was_deleted(tmp_path: Path) -> None:
    with Spool.open(tmp_path) as spool:
        commit(spool, *(bytes(1_000_000) for _ in range(40)))
        spool.mark_applied(40, (), 0.0)
        for turn in range(20):
            spool.prune(40, 1e6 + turn, 1.0, 0)
    assert (tmp_path / "state.sqlite").stat().st_size < 20_000_000


def test_two_threads_share_it(spool: Spool) -> None:
    failed: list[BaseException] = []

    def ship() -> None:
        try:
            while spool.next_seq <= 50 or spool.unapplied_count():
                for pending in spool.pending(0, 8):
                    assert pending.payload == b"payload"
                    spool.mark_applied(pending.seq, (), 0.0)
        except BaseException as error:  # noqa: BLE001 - shown by the test's own thread
            failed.append(error)

    thread = threading.Thread(target=ship)
    thread.start()
    commit(spool, *[b"payload"] * 50)
    thread.join(60)
    assert not thread.is_alive()
    assert not failed
    assert spool.positions() == at(500)


def test_small_values_are_kept(tmp_path: Path) -> None:
    with Spool.open(tmp_path) as spool:
        assert spool.get_meta("epoch") is None
        spool.set_meta("epoch", "3")
        spool.set_meta("epoch", "4")
    with Spool.open(tmp_path) as spool:
        assert spool.get_meta("epoch") == "4"


def test_the_hours_of_a_batch_are_known_after_it_was_deleted(spool: Spool) -> None:
    for hours in ([7], [7], [7, 8], [8], [7]):
        spool.commit("header", b"x", [], rejects=0, counters={}, now=1.0, hours=hours)
    spool.mark_applied(5, (), now=1.0)
    assert spool.prune(5, 100.0, keep_applied=1.0, keep_bytes=0) == 5
    assert spool.revive(1) == (0, ((2, 5),))
    assert spool.touched_by([(2, 5)]) == {7: "2-3,5", 8: "3-4"}
    assert spool.touched_by([(4, 4)]) == {8: "4"}
    spool.forget_touched(2.0)
    assert spool.touched_by([(1, 5)]) == {}


def test_what_the_state_was_is_remembered(tmp_path: Path) -> None:
    with Spool.open(tmp_path) as spool:
        assert spool.seen is None
        spool.remember(Pair("a" * 32, 7))
    with Spool.open(tmp_path) as spool:
        assert spool.seen == Pair("a" * 32, 7)
