"""A column that grows holds what was put into it, in that order, in the widest of its kinds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.days import day_rows as growing
from mailtally_shared.days.day_rows import Growing

names = st.lists(st.binary(min_size=1, max_size=9).filter(lambda name: name[-1] != 0), min_size=1)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "_BLOCK", 4)


@given(st.lists(names))
def test_what_is_put_in_comes_out(pieces: list[list[bytes]]) -> None:
    column = Growing("S1")
    for piece in pieces:
        column.add(np.array(piece, "S"))
    expected = [name for piece in pieces for name in piece]
    assert len(column) == len(expected)
    assert column.given().tolist() == expected
    assert len(column) == 0


def test_an_empty_column_is_of_its_kind() -> None:
    assert Growing(np.int32).given().dtype == np.int32
    assert Growing("S8").given().dtype == np.dtype("S8")
