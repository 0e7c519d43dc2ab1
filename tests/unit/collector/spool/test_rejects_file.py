"""Rejected lines are kept once, whatever happens between keeping and committing them."""

from __future__ import annotations

import errno
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_collector.spool.rejects import RejectFile, last_number
from mailtally_collector.tail.cut import LineReject
from mailtally_shared.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path


def reject(kept: bytes) -> LineReject:
    return LineReject("stats", 7, len(kept), "bad-date", kept)


def keep(directory: Path, committed: int, *lines: bytes, max_bytes: int = 2**20) -> int:
    """Open the file as the checkpoint has it, and add to it."""
    with RejectFile(directory, committed, max_bytes) as file:
        for line in lines:
            file.add([reject(line)])
        return file.sync()


def kept(directory: Path, name: str = "rejects.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / name).read_text().splitlines()]


def lines(directory: Path, name: str = "rejects.jsonl") -> list[str]:
    return [entry["line"] for entry in kept(directory, name)]


@given(st.binary(max_size=300))
def test_a_line_keeps_all_its_bytes(line: bytes) -> None:
    entry = json.loads(reject(line).to_json(3))
    assert entry.pop("line").encode("latin-1") == line
    assert entry == {
        "number": 3,
        "file": "stats",
        "offset": 7,
        "length": len(line),
        "reason": "bad-date",
    }


def test_what_is_committed_stays_and_is_numbered_on(tmp_path: Path) -> None:
    committed = keep(tmp_path, 0, b"1", b"2")
    keep(tmp_path, committed, b"3")
    assert [(entry["number"], entry["line"]) for entry in kept(tmp_path)] == [
        (1, "1"),
        (2, "2"),
        (3, "3"),
    ]


def test_what_was_not_committed_is_cut_off(tmp_path: Path) -> None:
    committed = keep(tmp_path, 0, b"1")
    keep(tmp_path, committed, b"2", b"3")
    keep(tmp_path, committed, b"2")
    assert lines(tmp_path) == ["1", "2"]


def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    committed = keep(tmp_path, 0, b"1")
    with (tmp_path / "rejects.jsonl").open("ab") as file:
        file.write(b'{"number": 2, "fi')
    keep(tmp_path, committed, b"2")
    assert lines(tmp_path) == ["1", "2"]


def test_a_full_file_becomes_the_older_one(tmp_path: Path) -> None:
    keep(tmp_path, 0, *(b"%d" % n for n in range(5)), max_bytes=150)
    assert lines(tmp_path) == ["4"]
    assert lines(tmp_path, "rejects.1.jsonl") == ["2", "3"]


def test_lines_of_the_older_file_that_were_not_committed_are_cut_off(tmp_path: Path) -> None:
    keep(tmp_path, 0, b"1", b"2", b"3", max_bytes=150)
    keep(tmp_path, 1)
    assert lines(tmp_path, "rejects.1.jsonl") == ["1"]
    assert lines(tmp_path) == []


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    keep(tmp_path, 0, b"1")
    assert (tmp_path / "rejects.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_full_disk_keeps_none_of_the_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def half(descriptor: int, data: bytes) -> int:
        if len(data) < 50:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: len(data) // 2])

    with RejectFile(tmp_path, 0) as file:
        file.add([reject(b"1")])
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", half)
            with pytest.raises(Unavailable, match="No space left"):
                file.add([reject(b"2"), reject(b"3")])
        file.add([reject(b"2")])
        assert file.sync() == 2
    assert lines(tmp_path) == ["1", "2"]


def test_a_new_database_finds_where_the_numbers_stand(tmp_path: Path) -> None:
    assert last_number(tmp_path) == 0
    keep(tmp_path, 0, b"1", b"2", b"3", max_bytes=150)
    assert last_number(tmp_path) == 3
    (tmp_path / "rejects.jsonl").write_bytes(b"")
    assert last_number(tmp_path) == 2
