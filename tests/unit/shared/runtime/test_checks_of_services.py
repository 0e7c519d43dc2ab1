"""``check`` tries what ``run`` will open, and names everything that is wrong at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailtally_collector.preflight import unreadable_logs
from mailtally_shared.checks import unwritable

if TYPE_CHECKING:
    import pytest


def test_logs_that_can_be_read_are_fine(tmp_path: Path) -> None:
    (tmp_path / "stats").write_bytes(b"1\n")
    (tmp_path / "stats.1").write_bytes(b"")
    assert list(unreadable_logs([f"{tmp_path}/stats*"])) == []


def test_every_unreadable_log_and_empty_glob_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("stats", "stats.1", "maillog"):
        (tmp_path / name).write_bytes(b"1\n")
    really = Path.open

    def denied(path: Path, *args: Any, **more: Any) -> Any:  # noqa: ANN401 - Path.open's
        if path.name.startswith("stats"):
            raise PermissionError(13, "Permission denied")
        return really(path, *args, **more)

    monkeypatch.setattr(Path, "open", denied)
    globs = [f"{tmp_path}/{name}*" for name in ("stats", "maillog", "none")]
    found = set(unreadable_logs(globs))
    assert found == {
        f"MAILTALLY_LOGS: no file matches {tmp_path}/none*.",
        f"MAILTALLY_LOGS: {tmp_path}/stats cannot be read: Permission denied.",
        f"MAILTALLY_LOGS: {tmp_path}/stats.1 cannot be read: Permission denied.",
    }


def test_a_directory_that_can_be_written_to_stays_as_it_was(tmp_path: Path) -> None:
    assert list(unwritable("MAILTALLY_STATE_DIR", tmp_path / "made" / "later")) == []
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_to_is_named_with_its_setting() -> None:
    (sentence,) = unwritable("MAILTALLY_STATE_DIR", Path("/proc/nothing"))
    assert sentence.startswith("MAILTALLY_STATE_DIR: /proc cannot be written to: ")
