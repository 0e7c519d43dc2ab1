"""Day files of a newer version are left to it: neither rejected, nor written over, nor lowered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from mailtally_loader.inbox import Inbox
from mailtally_loader.loader import Loader
from mailtally_shared.billing.engine import open_engine
from mailtally_shared.billing.upgrade import upgrade
from mailtally_shared.days import manifest, newest_revision
from mailtally_shared.days.names import LOADED, REJECTED
from mailtally_shared.errors import NewerFile
from mailtally_shared.state.lease import Lease
from tests.contract.test_day_writer import DAY, NAMES, NEXT_MORNING, Site
from tests.support.records import Record
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

FILES = frozenset(NAMES.all)


@pytest.fixture
def site(state: State, keys: StateKeys, calendar: Calendar, tmp_path: Path) -> Site:
    """A site with a day that is written."""
    made = Site(state, keys, calendar, tmp_path / "statistic")
    made.count([Record(size=10)])
    assert made.writer().tick(NEXT_MORNING)
    return made


def make_newer(directory: Path) -> dict[str, bytes]:
    """Have a newer version have written the day; return its files."""
    path = directory / NAMES.manifest
    fields = json.loads(path.read_bytes()) | {"format": manifest.FORMAT + 1, "colour": "blue"}
    path.write_text(json.dumps(fields))
    return {name: (directory / name).read_bytes() for name in FILES}


def work(directory: Path, engine_at: Path) -> None:
    """Two passes of a loader, between which all files have settled."""
    engine = open_engine(f"sqlite:///{engine_at}")
    upgrade(engine)
    loader = Loader(
        engine, directory, Inbox(directory, 0), max_file_bytes=1 << 22, step=lambda _: None
    )
    loader.make_directories()
    for second in (0.0, 10.0):
        loader.work(now=1e9, monotonic=second)
    engine.dispose()


def test_a_loader_leaves_them_where_they_are_until_it_is_upgraded(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    files = make_newer(site.directory)
    work(site.directory, tmp_path / "database")
    assert {name: (site.directory / name).read_bytes() for name in FILES} == files
    assert not list((site.directory / REJECTED).iterdir())
    assert caplog.text.count("a newer version of mailtally wrote it (manifest format 5)") == 1

    present = manifest.parse

    def upgraded(data: bytes, path: str) -> manifest.Manifest:
        fields = json.loads(data) | {"format": manifest.FORMAT}
        return present(
            json.dumps({k: v for k, v in fields.items() if k != "colour"}).encode(), path
        )

    monkeypatch.setattr(manifest, "parse", upgraded)
    work(site.directory, tmp_path / "database")
    assert (site.directory / LOADED / NAMES.manifest).exists()


def test_a_day_writer_leaves_the_days_and_the_lease_to_a_newer_one(
    site: Site, state: State, keys: StateKeys, caplog: pytest.LogCaptureFixture
) -> None:
    files = make_newer(site.directory)
    site.count([Record(size=5)])
    writer = site.writer()
    for _ in range(2):
        assert not writer.tick(NEXT_MORNING + 600)
    assert {name: (site.directory / name).read_bytes() for name in FILES} == files
    assert not state.exists(keys.stopped)
    assert caplog.text.count("The days are left to a newer aggregator") == 1
    newer = Lease(state, keys, 60)
    wait_until(newer.hold, 1, "the lease")  # a released one ends within a millisecond


def test_a_newer_manifest_is_never_taken_for_none(site: Site) -> None:
    make_newer(site.directory)
    with pytest.raises(NewerFile):
        newest_revision(site.directory, DAY)
