"""What is said to be on disk has been synced, and in the right order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailtally_collector.spool.state_db import StateDb
from mailtally_shared.days.durable import place

FULL, NORMAL = 2, 1


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was synced and renamed, in order."""
    noted: list[str] = []
    sync, rename = os.fsync, Path.replace

    def noting_sync(descriptor: int) -> None:
        noted.append(f"sync {Path('/proc/self/fd', str(descriptor)).readlink().name}")
        sync(descriptor)

    def noting_rename(path: Path, target: Path) -> Path:
        noted.append(f"rename {target.name}")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noting_sync)
    monkeypatch.setattr(Path, "replace", noting_rename)
    return noted


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs the names of open files")
def test_a_file_is_synced_before_it_is_named_and_its_name_after_that(
    tmp_path: Path, steps: list[str]
) -> None:
    place(tmp_path / "day.txt", [b"content"])
    assert steps == ["sync .day.txt.tmp", "rename day.txt", f"sync {tmp_path.name}"]


@pytest.mark.parametrize(("durable", "level"), [(True, FULL), (False, NORMAL)])
def test_a_batch_is_committed_with_a_full_sync(
    tmp_path: Path, *, durable: bool, level: int
) -> None:
    db = StateDb(tmp_path)
    with db.transaction(durable=durable) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (level,)
    assert db.rows("PRAGMA journal_mode") == [("wal",)]
    db.close()
