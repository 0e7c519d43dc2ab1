"""Files staged behind the back of who makes their text: as if done on the spot."""

from __future__ import annotations

import hashlib
import resource
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mailtally_shared.days.durable import stage_behind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailtally_shared.columns import Array

#: More than may wait at a time.
MANY = 100


def texts(count: int) -> Iterator[Array]:
    for number in range(count):
        yield np.frombuffer(b"\0line\0\0%d\n\0" % number, np.uint8)


def test_files_hold_their_text_without_padding_and_are_staged_in_order(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as disk:
        files = [stage_behind(disk, tmp_path / name, texts(MANY)) for name in ("a", "b")]
    expected = b"".join(b"line%d\n" % number for number in range(MANY))
    for name, file in zip(("a", "b"), files, strict=True):
        staged = file.result()
        assert staged.sha256 == hashlib.sha256(expected).hexdigest()
        staged.commit()
        assert (tmp_path / name).read_bytes() == expected


def test_what_goes_wrong_in_making_the_text_is_raised_to_its_maker(tmp_path: Path) -> None:
    def broken() -> Iterator[Array]:
        yield from texts(MANY)
        raise ValueError("no such row")

    with ThreadPoolExecutor(1) as disk, pytest.raises(ValueError, match="no such row"):
        stage_behind(disk, tmp_path / "a", broken())
    assert not (tmp_path / "a").exists()


def test_a_file_that_cannot_be_written_is_told_and_nobody_waits_for_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as disk:
        lost = stage_behind(disk, tmp_path / "missing" / "a", texts(MANY))
        found = stage_behind(disk, tmp_path / "b", texts(1))
    with pytest.raises(FileNotFoundError):
        lost.result()
    assert found.result().path == tmp_path / "b"


def test_a_disk_that_fills_up_half_way_is_told_and_nobody_waits_for_it(tmp_path: Path) -> None:
    def larger(count: int) -> Iterator[Array]:
        for _ in range(count):
            yield np.full(4096, ord("x"), np.uint8)

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with ThreadPoolExecutor(1) as disk:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20 * 4096, limits[1]))
        try:
            full = stage_behind(disk, tmp_path / "a", larger(MANY))
            with pytest.raises(OSError, match="File too large"):
                full.result()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (tmp_path / "a").exists()
