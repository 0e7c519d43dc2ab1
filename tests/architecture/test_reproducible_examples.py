"""The examples that a seed draws are the same whatever else is loaded."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from pathlib import Path


def test_the_constants_of_a_loaded_module_change_no_example(tmp_path: Path) -> None:
    before = examples()
    module = tmp_path / "of_many_constants.py"
    module.write_text("".join(f"c{n} = {n}\n" for n in range(1000, 1100)))
    spec = importlib.util.spec_from_file_location(module.stem, module)
    assert spec
    assert spec.loader
    sys.modules[module.stem] = loaded = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(loaded)
        assert examples() == before
    finally:
        del sys.modules[module.stem]


def examples() -> list[int]:
    drawn: list[int] = []

    @seed(1)
    @settings(database=None, max_examples=200, phases=[Phase.generate])
    @given(st.integers(0, 10_000))
    def draw(number: int) -> None:
        drawn.append(number)

    draw()
    return drawn
