"""Whatever is in a directory that services read, neither holds them up nor ends them."""

from __future__ import annotations

import gzip
import os
import socket
from typing import TYPE_CHECKING

import pytest

from mailtally_loader.claim import claim, claimed, tidy
from mailtally_loader.inbox import Inbox
from mailtally_shared.days import newest_revision
from mailtally_shared.days.reading import is_consistent, read_day
from mailtally_shared.errors import BadFile
from mailtally_shared.regular import open_packed, open_regular, read_regular
from mailtally_shared.state.snapshot import snapshots
from tests.support.day_sets import DAY, NAMES, hours_of, put_set

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Without the safeguards some would wait for ever.
pytestmark = pytest.mark.timeout(20)


def put_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = os.getcwd()  # noqa: PTH109 - a socket's path may not be long
        os.chdir(path.parent)
        try:
            made.bind(path.name)
        finally:
            os.chdir(here)


STRANGE: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "socket": put_socket,
    "directory": lambda path: path.mkdir(),
    "dangling link": lambda path: path.symlink_to("nothing"),
    "looping link": lambda path: path.symlink_to(path.name),
    "link to outside": lambda path: path.symlink_to("/etc/passwd"),
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.fixture(params=list(STRANGE.values()), ids=list(STRANGE))
def strange(request: pytest.FixtureRequest) -> Callable[[Path], object]:
    """A maker of something that is no file."""
    made: Callable[[Path], object] = request.param
    return made


def nothing(*_: object) -> None:
    """No crash point."""


def test_what_is_no_file_is_not_read(tmp_path: Path, strange: Callable[[Path], object]) -> None:
    strange(tmp_path / "x")
    with pytest.raises(BadFile) as refused:
        open_regular(tmp_path / "x")
    assert refused.value.reason == "not-a-file"


@pytest.mark.parametrize("name", NAMES.all)
def test_a_day_with_what_is_no_file_is_refused_and_no_other_day_waits(
    tmp_path: Path, strange: Callable[[Path], object], name: str
) -> None:
    put_set(tmp_path, {"a.example": 1}, hours=hours_of({"a.example": 1}))
    (tmp_path / name).unlink()
    strange(tmp_path / name)
    assert not is_consistent(tmp_path, NAMES)
    assert newest_revision(tmp_path, DAY) in (0, 1)
    Inbox(tmp_path, 0).ready(0)
    with pytest.raises(BadFile):
        read_day(tmp_path, NAMES)


def test_what_is_in_the_way_of_a_claim_is_set_aside(
    tmp_path: Path, strange: Callable[[Path], object]
) -> None:
    for name in ("loading", "rejected"):
        (tmp_path / name).mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    put_set(tmp_path, {"a.example": 1})
    strange(tmp_path / "loading" / NAMES.stem)
    (tmp_path / "loading" / ".done-02.02.2026").symlink_to(outside)
    (tmp_path / "loading" / "03.02.2026").symlink_to(outside)
    strange(tmp_path / "loading" / ".done-04.02.2026")
    tidy(tmp_path)
    assert claim(tmp_path, NAMES, nothing)
    assert claimed(tmp_path) == [NAMES]
    assert (outside / "precious").exists()


def test_snapshots_are_files(tmp_path: Path, strange: Callable[[Path], object]) -> None:
    strange(tmp_path / "000000000001.snapshot")
    assert snapshots(tmp_path) == []


def test_no_more_is_read_than_allowed(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(BadFile, match="larger"):
        read_regular(tmp_path / "sparse", 1000)
    with gzip.open(tmp_path / "bomb.gz", "wb") as packed:
        for _ in range(64):
            packed.write(bytes(2**20))
    with open_packed(tmp_path / "bomb.gz", 2**26) as whole:
        for _ in range(2):  # the limit holds for each reading
            assert sum(map(len, iter(lambda: whole.read(2**20), b""))) == 2**26
            whole.seek(0)
    with open_packed(tmp_path / "bomb.gz", 2**20) as bomb, pytest.raises(BadFile, match="larger"):
        bomb.read()
