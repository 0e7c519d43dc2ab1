"""A log is renamed once and its writer told, whatever fails; what was read is packed or deleted."""

from __future__ import annotations

import errno
import gzip
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mailtally_collector.rotate.notes import Note, Notes, Stage
from mailtally_collector.rotate.packing import pack, remove
from mailtally_collector.rotate.reopen_command import run_command
from mailtally_collector.rotate.rotator import Rotator
from mailtally_collector.settings import RotationSettings
from mailtally_collector.spool.spool import Spool
from mailtally_collector.tail import Tailer
from mailtally_collector.tail.content import PlainContent
from mailtally_collector.tail.discover import Discovery
from mailtally_shared.runtime.lifecycle import Stop
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailtally_collector.tail.positions import Seal

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC).timestamp()
FIRST, SECOND = "stats-20261122101500", "stats-20261122101501"


class Host:
    """A directory of logs, a collector's state directory, and what rotates and reads them."""

    def __init__(self, directory: Path, spool: Spool, **settings: Any) -> None:  # noqa: ANN401 - pydantic's own
        self.logs = directory / "logs"
        self.logs.mkdir(exist_ok=True)
        self.spool = spool
        self.settings = RotationSettings(**({"size": 10} | settings))
        self.stop = Stop()
        self.globs = [f"{self.logs}/stats*"]
        self.rotator = self.restarted()
        self.tailer = Tailer(self.globs, rotate_wait=1.0)

    def restarted(self) -> Rotator:
        return Rotator(self.settings, Discovery(self.globs), self.spool, self.stop)

    def write(self, data: bytes = b"0123456789\n", name: str = "stats") -> None:
        with (self.logs / name).open("ab") as log:
            log.write(data)

    def turn(self, now: float = NOW) -> list[str]:
        """The names that there are after a turn."""
        self.rotator.turn(now)
        return self.names()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.logs.iterdir())

    def read(self) -> bytes:
        """Everything, to the end of what is not written to any more; noted as a batch would."""
        data = []
        for now in (NOW, NOW + 2, NOW + 4):
            self.tailer.scan(now)
            while chunk := self.tailer.read(now):
                data.append(bytes(chunk.data))
        self.spool.save_positions(self.tailer.positions())
        return b"".join(data)

    def note(self, name: str = "stats") -> Note:
        note = Notes(self.spool).of(str(self.logs / name))
        assert note is not None
        return note


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(tmp_path / "state") as one:
        yield one


@pytest.fixture
def host(tmp_path: Path, spool: Spool) -> Host:
    return Host(tmp_path, spool)


def seal_of(path: Path) -> Seal:
    content = PlainContent(os.open(path, os.O_RDONLY))
    try:
        return content.seal()
    finally:
        content.close()


# Renaming


def test_a_log_that_is_due_is_renamed_and_the_others_are_not(host: Host) -> None:
    host.write()
    host.write(b"short\n", "stats_of_others")
    assert host.turn() == [FIRST, "stats_of_others"]
    assert host.turn(NOW + 1) == [FIRST, "stats_of_others"]


def test_two_logs_in_one_directory_are_rotated_each_for_itself(host: Host) -> None:
    host.write()
    host.write(name="stats2")
    assert host.turn() == [FIRST, FIRST.replace("stats", "stats2")]


def test_only_the_logs_that_are_named_are_rotated(tmp_path: Path, spool: Spool) -> None:
    host = Host(tmp_path, spool, logs=("*/stats2",))
    host.write()
    host.write(name="stats2")
    assert host.turn() == ["stats", FIRST.replace("stats", "stats2")]


def test_what_multilog_rotates_is_left_to_it(tmp_path: Path, spool: Spool) -> None:
    host = Host(tmp_path, spool)
    host.globs[:] = [f"{host.logs}/current"]
    host.rotator = host.restarted()
    host.write(name="current")
    assert host.turn() == ["current"]


def test_a_daily_log_is_not_rotated_when_it_is_seen_first(tmp_path: Path, spool: Spool) -> None:
    host = Host(tmp_path, spool, size=None, at="00:00")
    host.write()
    assert host.turn() == ["stats"]
    assert len(host.turn(NOW + 86_400)) == 1
    assert host.names() != ["stats"]


def test_the_daily_time_of_an_empty_log_passes(tmp_path: Path, spool: Spool) -> None:
    host = Host(tmp_path, spool, size=None, at="00:00")
    host.write(b"")
    host.turn()
    host.turn(NOW + 86_400)
    host.write()
    assert host.turn(NOW + 86_401) == ["stats"]


def test_a_restart_does_not_rotate_again(tmp_path: Path, spool: Spool) -> None:
    host = Host(tmp_path, spool, size=None, at="00:00")
    host.write()
    host.turn()
    host.turn(NOW + 86_400)
    host.write()
    host.rotator = host.restarted()
    assert len(host.turn(NOW + 86_401)) == 2
    assert "stats" in host.names()


def test_a_rename_that_was_noted_and_not_done_is_done_under_the_noted_name(host: Host) -> None:
    host.write()
    found = (host.logs / "stats").stat()
    noted = Note(NOW, Stage.NAMED, 0, str(host.logs / FIRST), found.st_dev, found.st_ino)
    Notes(host.spool).put(str(host.logs / "stats"), noted)
    host.rotator = host.restarted()
    assert host.turn(NOW + 500) == [FIRST]
    assert host.note().stage is Stage.WAITING


def test_a_rename_that_was_done_and_not_noted_is_not_done_again(host: Host) -> None:
    host.write()
    found = (host.logs / "stats").stat()
    (host.logs / "stats").rename(host.logs / FIRST)
    host.write(b"new\n")
    noted = Note(NOW, Stage.NAMED, 0, str(host.logs / FIRST), found.st_dev, found.st_ino)
    Notes(host.spool).put(str(host.logs / "stats"), noted)
    host.rotator = host.restarted()
    assert host.turn(NOW + 500) == ["stats", FIRST]
    assert (host.logs / "stats").read_bytes() == b"new\n"


def test_a_name_that_is_taken_is_not_taken_away(host: Host) -> None:
    host.write(b"of another\n", FIRST)
    host.write()
    assert host.turn() == ["stats", FIRST]
    assert host.turn() == [FIRST, SECOND]
    assert (host.logs / FIRST).read_bytes() == b"of another\n"


def test_a_log_that_somebody_else_has_moved_is_let_go(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    host.write()
    noted = Note(NOW, Stage.NAMED, 0, str(host.logs / FIRST), 1, 2)
    Notes(host.spool).put(str(host.logs / "stats"), noted)
    host.rotator = host.restarted()
    assert host.turn() == ["stats"]
    assert host.note().stage is Stage.WAITING
    assert "let only one rotate it" in caplog.text


def test_a_directory_that_may_not_be_written_to_is_told_of_once_and_holds_up_no_other(
    host: Host, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rename = os.rename

    def refuse(source: str, target: str) -> None:
        if source.endswith("stats"):
            raise PermissionError(errno.EACCES, "Permission denied")
        rename(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    host.write()
    host.write(name="stats2")
    for _ in range(3):
        host.turn()
    assert host.names() == ["stats", FIRST.replace("stats", "stats2")]
    assert caplog.text.count("stats cannot be rotated: Permission denied.") == 1
    monkeypatch.undo()
    host.rotator = host.restarted()
    assert host.turn(NOW + 60) == [FIRST, FIRST.replace("stats", "stats2")]


def test_a_symbolic_link_is_not_renamed(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    host.write(name="elsewhere")
    (host.logs / "stats").symlink_to("elsewhere")
    assert host.turn() == ["elsewhere", "stats"]
    assert "symbolic link" in caplog.text


# Telling the writer


def test_the_writer_is_told_once_which_log_was_renamed_to_what(
    tmp_path: Path, spool: Spool
) -> None:
    host = Host(tmp_path, spool, command=f'echo "$LOG $ROTATED" >>{tmp_path}/told')
    host.write()
    host.turn()
    host.turn(NOW + 60)
    assert (tmp_path / "told").read_text() == f"{host.logs}/stats {host.logs}/{FIRST}\n"


def test_a_writer_that_could_not_be_told_is_told_again_and_after_a_restart(
    tmp_path: Path, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    host = Host(tmp_path, spool, command=f"echo no such process >&2; cat {tmp_path}/allowed")
    host.write()
    assert host.turn() == [FIRST]
    assert "it ended with 1: no such process" in caplog.text
    assert host.note().stage is Stage.RENAMED
    (tmp_path / "allowed").touch()
    host.rotator = host.restarted()
    host.turn(NOW + 60)
    assert host.note().stage is Stage.WAITING


def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "held")
    held = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    command = f"sleep 60 >{tmp_path}/held & wait"
    reason = run_command(command, {}, longest=0.5, stop=Stop())
    assert reason == "it did not end within 0.5 seconds"

    def is_let_go() -> bool:
        try:
            return os.read(held, 1) == b""
        except BlockingIOError:
            return False

    wait_until(is_let_go, 20.0, "the end of the command's child")
    os.close(held)


def test_a_command_does_not_hold_up_a_stop(tmp_path: Path, spool: Spool) -> None:
    host = Host(tmp_path, spool, command="sleep 60")
    host.write()
    host.stop.request()
    host.turn()
    assert host.note().stage is Stage.RENAMED


# Tidying up


def test_what_was_read_is_compressed_once_the_new_log_is_written_to(host: Host) -> None:
    host.write()
    (host.logs / "stats").chmod(0o640)
    host.turn()
    assert host.read() == b"0123456789\n"
    assert host.turn() == [FIRST]
    host.write(b"new\n")
    modified = (host.logs / FIRST).stat().st_mtime_ns
    assert host.turn() == ["stats", f"{FIRST}.gz"]
    packed = host.logs / f"{FIRST}.gz"
    assert gzip.decompress(packed.read_bytes()) == b"0123456789\n"
    assert (packed.stat().st_mode & 0o777, packed.stat().st_mtime_ns) == (0o640, modified)
    assert host.read() == b"new\n"


def test_what_was_not_read_is_neither_compressed_nor_deleted(tmp_path: Path, spool: Spool) -> None:
    host = Host(tmp_path, spool, keep=1)
    names = []
    for n in range(3):
        host.write()
        names += [name for name in host.turn(NOW + n) if name not in names]
    host.write(b"new\n")
    assert host.turn() == ["stats", *names]


def test_what_is_written_after_it_was_read_keeps_a_file(host: Host) -> None:
    host.write()
    host.turn()
    host.read()
    host.write(b"new\n")
    host.write(b"late\n", FIRST)
    assert host.turn() == ["stats", FIRST]
    assert host.read() == b"late\nnew\n"
    assert host.turn() == ["stats", f"{FIRST}.gz"]


def test_beyond_the_limit_the_oldest_is_deleted(tmp_path: Path, spool: Spool) -> None:
    host = Host(tmp_path, spool, keep=2)
    for n in range(5):
        host.write(b"line %d of it\n" % n)
        host.turn(NOW + n)
        host.write(b"x\n")
        host.read()
        host.turn(NOW + n)
    assert host.names() == ["stats", "stats-20261122101503.gz", "stats-20261122101504.gz"]


def test_a_file_that_changes_while_it_is_compressed_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / FIRST
    log.write_bytes(b"line\n")
    seal = seal_of(log)

    def sync_while_it_grows(_descriptor: int) -> None:
        log.write_bytes(b"line\nlate\n")

    monkeypatch.setattr(os, "fsync", sync_while_it_grows)
    assert not pack(str(log), seal, Stop())
    assert not remove(str(log), seal)
    assert [path.name for path in tmp_path.iterdir()] == [FIRST]


def test_an_owner_that_cannot_be_kept_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / FIRST
    log.write_bytes(b"line\n")
    given = []

    def refuse(_descriptor: int, uid: int, gid: int) -> None:
        given.append((uid, gid))
        raise OSError(errno.EINVAL, "Invalid argument")

    fstat = os.fstat

    def of_another(descriptor: int) -> os.stat_result:
        found = list(fstat(descriptor))
        if found[6] == len(b"line\n"):
            found[4] += 1
        return os.stat_result(found, {"st_mtime_ns": seal.mtime_ns, "st_atime_ns": 0})

    seal = seal_of(log)
    monkeypatch.setattr(os, "fchown", refuse)
    monkeypatch.setattr(os, "fstat", of_another)
    assert pack(str(log), seal, Stop())
    assert len(given) == 1


def test_a_stop_ends_a_compression_and_leaves_nothing_behind(tmp_path: Path) -> None:
    log = tmp_path / FIRST
    log.write_bytes(b"line\n")
    stop = Stop()
    stop.request()
    assert not pack(str(log), seal_of(log), stop)
    assert [path.name for path in tmp_path.iterdir()] == [FIRST]


def test_what_a_crash_left_half_compressed_is_compressed_anew(tmp_path: Path) -> None:
    log = tmp_path / FIRST
    log.write_bytes(b"line\n")
    (tmp_path / f".{FIRST}.gz.tmp").write_bytes(b"half")
    (tmp_path / f"{FIRST}.gz").write_bytes(b"whole, and the plain file still there")
    assert pack(str(log), seal_of(log), Stop())
    assert [path.name for path in tmp_path.iterdir()] == [f"{FIRST}.gz"]
    assert gzip.decompress((tmp_path / f"{FIRST}.gz").read_bytes()) == b"line\n"
