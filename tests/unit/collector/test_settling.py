"""A person says where to read on in a stopped log, and the collector obeys once."""

from __future__ import annotations

import os
import shlex
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from mailtally_collector.lines_seen import LinesSeen
from mailtally_collector.own_status import OwnStatus
from mailtally_collector.reading import DOUBTS
from mailtally_collector.settle_command import settle
from mailtally_collector.settling import Settling
from mailtally_collector.ship.registrar import SKIP
from mailtally_collector.spool.progress import Progress
from mailtally_collector.spool.spool import Spool
from mailtally_collector.tail.positions import Span
from mailtally_shared.wire.status import parse
from tests.support.tailing import Tailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLD = b"".join(b"line %d of what was read at first, with more text to it\n" % n for n in range(400))
HEAD = OLD[:500]
NEW = b"".join(b"line %d of something else that is there now, all\n" % n for n in range(350))
CHANGED = HEAD[: HEAD.rfind(b"\n") + 1] + NEW


class Site:
    """A tailer with a state directory whose log was stopped."""

    def __init__(self, directory: Path) -> None:
        self.state = directory / "state"
        self.tailed = Tailed(directory, state_dir=str(self.state))
        self.spool = Spool.open(self.state)
        self.tailed.append(OLD)
        self.tailed.look()
        self.tailed.path().write_bytes(CHANGED)
        assert self.tailed.look() == b""
        self.keep()

    def keep(self) -> None:
        self.spool.save_positions(self.tailed.tailer.positions())

    def restart(self) -> None:
        self.tailed.stop()
        skip = Progress.from_json(self.spool.get_meta(SKIP) or "").skip
        self.tailed.settings["skip"] = skip
        self.tailed.start([position.to_json() for position in self.spool.positions()])

    def settle(self, *options: str) -> str:
        result = CliRunner().invoke(settle, [*options, "--state-dir", str(self.state)])
        return f"{result.exit_code} {result.output}"

    def look(self) -> bytes:
        Settling(self.state, self.spool, self.tailed.tailer).turn()
        return self.tailed.look(1)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    one = Site(tmp_path)
    yield one
    one.spool.close()
    one.tailed.tailer.close()


def test_a_stopped_log_is_listed_with_the_command_that_settles_it(site: Site) -> None:
    listed = site.settle()
    assert listed.startswith(f"0 {site.tailed.path()} is stopped: ")
    assert f"mailtally-collector settle --state-dir {site.state} {site.tailed.path()}" in listed


def test_the_command_that_a_status_document_names_works_without_the_collectors_settings(
    site: Site,
) -> None:
    found, seen = site.tailed.tailer.found, LinesSeen()
    document = parse(OwnStatus("1", 0.0, found, seen)())
    (trouble,) = document.troubles
    command = shlex.split(trouble.sentence.partition("mailtally-collector settle ")[2])
    result = CliRunner(env={"MAILTALLY_STATE_DIR": None}).invoke(settle, [*command, "--from-end"])
    assert (result.exit_code, result.output) == (
        0,
        f"Reading of {site.tailed.path()} resumes at the collector's next scan.\n",
    )


@pytest.mark.parametrize(
    ("options", "counted"),
    [
        (["--from-end"], b""),
        (["--from-beginning"], CHANGED),
        (["--from-line", "10"], b"".join(CHANGED.splitlines(keepends=True)[9:])),
        (["--from-line", "100000"], b""),
    ],
)
def test_a_settled_log_is_read_on_from_where_it_was_asked(
    site: Site, options: list[str], counted: bytes
) -> None:
    path = str(site.tailed.path())
    assert (
        site.settle(path, *options)
        == f"0 Reading of {path} resumes at the collector's next scan.\n"
    )
    assert site.look() == counted
    assert site.tailed.tailer.stopped() == ()
    site.tailed.append(b"and more\n")
    assert site.look() == b"and more\n"
    assert site.tailed.tailer.caught_up_to() == site.tailed.now


def test_a_settlement_survives_a_crash_before_it_was_kept_and_is_then_forgotten(
    site: Site,
) -> None:
    site.settle(str(site.tailed.path()), "--from-end")
    site.look()
    site.tailed.start([p.to_json() for p in site.spool.positions()])
    site.look()
    assert site.look() == b""
    assert site.tailed.tailer.stopped() == ()
    site.keep()
    site.look()
    assert list((site.state / "settle").iterdir()) == []


def test_a_log_that_was_settled_while_its_collector_was_stopped_is_read_on_from_that_line(
    site: Site,
) -> None:
    site.tailed.stop()
    site.settle(str(site.tailed.path()), "--from-line", "10")
    site.tailed.start([p.to_json() for p in site.spool.positions()])
    assert site.look() + site.look() == b"".join(CHANGED.splitlines(keepends=True)[9:])


def test_of_a_settled_log_nothing_is_skipped_from_that_line_on(site: Site) -> None:
    """Stretches that were counted beyond a gap are not where they were before it was changed."""
    (position,) = site.tailed.tailer.positions()
    skip = (Span(position.file_key, 600, 900), Span(position.file_key, len(CHANGED) + 5, 10**6))
    site.spool.set_meta(SKIP, Progress(skip=skip).to_json())
    site.restart()
    site.settle(str(site.tailed.path()), "--from-line", "10")
    assert site.look() + site.look() == b"".join(CHANGED.splitlines(keepends=True)[9:])
    site.keep()
    site.restart()
    site.tailed.append(b"and more\n")
    assert site.look() == b"and more\n"
    assert site.tailed.tailer.skips() == []


def test_a_settlement_is_not_obeyed_for_a_later_stop(site: Site) -> None:
    (log,) = site.tailed.tailer.stopped()
    assert not site.tailed.tailer.settle(log.path, log.since - 1, None)
    assert site.tailed.tailer.stopped() == (log,)


def test_only_a_stopped_log_is_settled_and_in_one_way(site: Site) -> None:
    other = str(site.tailed.path("other"))
    assert site.settle(other, "--from-end").startswith(f"1 {other} is not stopped.")
    path = str(site.tailed.path())
    assert "Choose one of" in site.settle(path, "--from-end", "--from-line", "3")
    assert "Choose one of" in site.settle(path)


def test_a_state_directory_may_have_any_name(tmp_path: Path) -> None:
    directory = tmp_path / "50%41 #1"
    directory.mkdir()
    one = Site(directory)
    assert one.settle().startswith("0 ")
    one.spool.close()
    one.tailed.tailer.close()


class Changed(Site):
    """A tailer with a state directory whose log was masked, and read on."""

    def __init__(self, directory: Path) -> None:
        self.state = directory / "state"
        self.tailed = Tailed(directory, state_dir=str(self.state))
        self.spool = Spool.open(self.state)
        self.tailed.append(OLD)
        self.tailed.look()
        self.masked = OLD.replace(b"line", b"xxxx")
        self.tailed.path().write_bytes(self.masked)
        assert self.tailed.look() == self.masked
        self.keep()

    def keep(self) -> None:
        self.spool.set_meta(DOUBTS, self.tailed.tailer.doubts.to_json())
        super().keep()


@pytest.fixture
def changed(tmp_path: Path) -> Iterator[Changed]:
    one = Changed(tmp_path)
    yield one
    one.spool.close()
    one.tailed.tailer.close()


def test_what_was_counted_of_a_changed_log_is_accepted_once(changed: Changed) -> None:
    path = str(changed.tailed.path())
    assert f"{path} has {len(changed.masked)} bytes" in changed.settle()
    assert changed.settle(path, "--accept") == (
        f"0 {path} is accepted at the collector's next scan.\n"
    )
    changed.look()
    assert changed.tailed.tailer.found().doubts == ()
    assert len(list((changed.state / "settle").iterdir())) == 1  # until that is kept
    changed.keep()
    changed.look()
    assert list((changed.state / "settle").iterdir()) == []
    assert changed.settle() == "0 "


def test_only_a_changed_log_is_accepted_and_in_no_other_way(changed: Changed) -> None:
    path = str(changed.tailed.path())
    assert changed.settle(path, "--from-end").startswith(f"1 {path} is not stopped.")
    assert "Choose one of" in changed.settle(path, "--accept", "--from-end")
    other = str(changed.tailed.path("other"))
    assert changed.settle(other, "--accept").startswith(f"1 {other} is not doubtful.")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_settlement_by_root_is_the_collectors_to_read_and_to_remove(site: Site) -> None:
    user = 65_534
    os.chown(site.state / "state.sqlite", user, user)
    site.settle(str(site.tailed.path()), "--from-end")
    notes = site.state / "settle"
    assert {path.stat().st_uid for path in (notes, *notes.iterdir())} == {user}


def test_a_settlement_that_cannot_be_read_is_reported_once_and_kept(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    note = site.state / "settle" / "note.json"
    note.mkdir(parents=True)  # reading it fails for every user, root too
    settling = Settling(site.state, site.spool, site.tailed.tailer)
    settling.turn()
    settling.turn()
    (record,) = caplog.records
    assert str(note) in record.message
    assert note.exists()


@pytest.mark.parametrize("content", [b"no database at all" * 100, b""])
def test_a_damaged_state_directory_is_named_in_words(site: Site, content: bytes) -> None:
    directory = site.state.parent / "damaged"
    directory.mkdir()
    (directory / "state.sqlite").write_bytes(content)
    result = CliRunner().invoke(settle, ["--state-dir", str(directory)])
    assert result.exit_code == 1
    assert f"{directory / 'state.sqlite'} cannot be read:" in result.output
    assert "Unexpected" not in result.output


@pytest.mark.parametrize("line", ["--from-end", "--from-line=1000"])
def test_a_log_with_a_hole_is_settled_in_bounded_memory(site: Site, line: str) -> None:
    hole, path = 64 * 2**20, site.tailed.path()
    with path.open("r+b") as file:
        file.truncate(len(CHANGED) + hole)
    site.settle(str(path), line)
    settling = Settling(site.state, site.spool, site.tailed.tailer)
    tracemalloc.start()
    try:
        settling.turn()
        assert tracemalloc.get_traced_memory()[1] < hole / 4
    finally:
        tracemalloc.stop()
    (position,) = site.tailed.tailer.positions()
    assert position.offset == len(CHANGED)
