"""A short run of every fuzz target; ``make fuzz`` runs them for as long as wanted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.fuzz.__main__ import TARGETS
from tests.fuzz.run import BLOCK, FoundError, make_block, run
from tests.fuzz.target import Target

if TYPE_CHECKING:
    from pathlib import Path

each_target = pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)


@each_target
def test_damaged_input_is_taken_or_refused_and_nothing_else(target: Target, tmp_path: Path) -> None:
    figures = run(target, seed=1, inputs=4 * BLOCK, seconds=60, findings=tmp_path)
    assert figures.inputs == 4 * BLOCK
    assert figures.ended["taken"] > 0, "nothing gets past the first check"
    assert len(figures.ended) > 1


@each_target
def test_a_block_is_made_from_its_number(target: Target) -> None:
    seeds = target.seeds()
    assert make_block(target, seeds, 1, 7) == make_block(target, seeds, 1, 7)
    assert make_block(target, seeds, 1, 7) != make_block(target, seeds, 1, 8)


def test_what_breaks_is_found_and_kept(tmp_path: Path) -> None:
    def check(block: list[bytes]) -> Counter[str]:
        assert not any(b"||" in data for data in block)
        return Counter(taken=len(block))

    fragile = Target("log", check, tokens=(b"||",))
    with pytest.raises(FoundError, match="the input is in"):
        run(fragile, seed=1, inputs=100 * BLOCK, seconds=60, findings=tmp_path)
    (kept,) = tmp_path.iterdir()
    assert b"||" in kept.read_bytes()
