"""Services as child processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally.local.children import Child, Children

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PATIENCE = 60.0  # seconds; no test waits that long unless it fails


def test_a_file_in_the_present_directory_replaces_no_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "struct.py").write_text("raise SystemExit(7)\n")
    monkeypatch.chdir(tmp_path)
    with Children(tmp_path / "log") as children:
        command = ("mailtally_loader", "--version")
        child = children.start(Child("loader", command, {}, lasting=False))
        assert child.process is not None
        assert child.process.wait(PATIENCE) == 0
    assert "mailtally_loader, version" in (tmp_path / "log" / "loader.log").read_text()
