"""Instructions of the processor: what is said in LLVM's language is what is said in Python."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from mailtally_collector.parse import steps
from mailtally_collector.parse.machine import Bytes, compiled
from mailtally_collector.parse.steps import BLOCK

words = st.integers(0, 2**64 - 1).map(np.uint64)


@compiled
def first_bit(word: np.uint64) -> int:
    return steps.first_bit(word)


@compiled
def bit_count(word: np.uint64) -> int:
    return steps.bit_count(word)


@compiled
def folded(one: np.uint64, other: np.uint64) -> np.uint64:
    return steps.folded(one, other)


@compiled
def bits(data: Bytes, start: int, byte: int) -> np.uint64:
    return steps.bits(data, start, byte)


@given(words)
@example(np.uint64(0))
def test_bits_are_found_and_counted(word: np.uint64) -> None:
    assert first_bit(word) == steps.first_bit_in_python(word)
    assert bit_count(word) == steps.bit_count_in_python(word)


@given(words, words)
def test_both_halves_of_a_product_are_folded(one: np.uint64, other: np.uint64) -> None:
    assert folded(one, other) == steps.folded_in_python(one, other)


@given(st.binary(min_size=BLOCK, max_size=BLOCK + 9), st.sampled_from(b"\x00\n|@\xff"))
def test_each_byte_of_a_block_has_its_bit(text: bytes, byte: int) -> None:
    data = np.frombuffer(text, np.uint8)
    for start in range(len(text) - BLOCK + 1):
        found = int(bits(data, start, byte))
        assert found == int(steps.bits_in_python(data, start, byte))
        assert found == sum(1 << k for k in range(BLOCK) if text[start + k] == byte)
