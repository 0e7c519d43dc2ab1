"""Instructions of the processor: what is said in LLVM's language is what is said in Python."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailtally_collector.machine import steps
from mailtally_collector.machine.entry import digest_of, entry
from mailtally_collector.machine.marks import Bytes, compiled
from mailtally_collector.machine.steps import BLOCK

if TYPE_CHECKING:
    from mailtally_shared.columns import Array

words = st.integers(0, 2**64 - 1)


@compiled
def take_steps(one: Array, other: Array, found: Array) -> None:
    """Each step that takes a word or two; all arrays are uint64, the last of shape ``(n, 3)``."""
    for row in range(len(one)):
        found[row, 0] = steps.first_bit(one[row])
        found[row, 1] = steps.bit_count(one[row])
        found[row, 2] = steps.folded(one[row], other[row])


@compiled
def look_at_blocks(data: Bytes, byte: int, found: Array) -> None:
    """The bits of each block; ``found`` is uint64, shape ``(len(data) - 63,)``."""
    for start in range(len(found)):
        found[start] = steps.bits(data, start, byte)


SOURCES = digest_of(steps, sys.modules[__name__])
run_take_steps = entry(take_steps, SOURCES)
run_look_at_blocks = entry(look_at_blocks, SOURCES)


@settings(deadline=None)  # the first one compiles
@given(st.lists(st.tuples(words, words), min_size=2))
@example([(0, 0), (0, 2**64 - 1), (2**64 - 1, 2**64 - 1), (2**63, 3)])
def test_steps_of_words_are_the_same_in_both(pairs: list[tuple[int, int]]) -> None:
    one, other = np.array(pairs, np.uint64).T.copy()
    found, expected = (np.zeros((len(pairs), 3), np.uint64) for _ in range(2))
    run_take_steps(one, other, found)
    take_steps(one, other, expected)
    assert found.tolist() == expected.tolist()


@settings(deadline=None)
@given(st.binary(min_size=BLOCK + 1, max_size=BLOCK + 9), st.sampled_from(b"\x00\n|@\xff"))
def test_each_byte_of_a_block_has_its_bit(text: bytes, byte: int) -> None:
    found = np.zeros(len(text) - BLOCK + 1, np.uint64)
    run_look_at_blocks(np.frombuffer(text, np.uint8), byte, found)
    for start, bits in enumerate(found.tolist()):
        assert bits == sum(1 << k for k in range(BLOCK) if text[start + k] == byte)
