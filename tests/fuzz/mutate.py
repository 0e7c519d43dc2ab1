"""Damages seeds: a few changes each, most of them small, some that keep the shape of the text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

#: A bracketed part without brackets inside; a word between delimiters.
_GROUP = re.compile(rb"\{[^{}]*\}|\[[^\[\]]*\]")
_WORD = re.compile(rb"[^|,:{}\[\]\" \n@]+")
_MOST_CHANGES = 4
_LONGEST_CUT = 12


class Mutator:
    """Makes inputs out of seeds; the same ones from the same random numbers."""

    def __init__(self, rng: random.Random, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
        self._rng = rng
        self._seeds = seeds
        self._tokens = tokens
        self._changes: tuple[Callable[[bytes], bytes], ...] = (
            self._replace_byte,
            self._flip_bit,
            self._insert_token,
            self._cut,
            self._double,
            self._splice,
            self._swap_word,
            self._swap_group,
        )

    def make(self) -> bytes:
        """A seed with some changes."""
        rng = self._rng
        data = rng.choice(self._seeds)
        for _ in range(rng.randint(1, _MOST_CHANGES)):
            data = rng.choice(self._changes)(data)
        return data

    def _replace_byte(self, data: bytes) -> bytes:
        at, _ = self._part(data)
        return data[:at] + bytes((self._rng.getrandbits(8),)) + data[at + 1 :]

    def _flip_bit(self, data: bytes) -> bytes:
        at, _ = self._part(data)
        flipped = bytes(byte ^ (1 << self._rng.getrandbits(3)) for byte in data[at : at + 1])
        return data[:at] + flipped + data[at + 1 :]

    def _insert_token(self, data: bytes) -> bytes:
        at, _ = self._part(data)
        return data[:at] + self._rng.choice(self._tokens) + data[at:]

    def _cut(self, data: bytes) -> bytes:
        start, end = self._part(data)
        return data[:start] + data[end:]

    def _double(self, data: bytes) -> bytes:
        start, end = self._part(data)
        return data[:end] + data[start:end] * self._rng.randint(1, 3) + data[end:]

    def _splice(self, data: bytes) -> bytes:
        other = self._rng.choice(self._seeds)
        at, _ = self._part(data)
        start, _ = self._part(other)
        return data[:at] + other[start:]

    def _swap_word(self, data: bytes) -> bytes:
        return self._swap(_WORD, data)

    def _swap_group(self, data: bytes) -> bytes:
        return self._swap(_GROUP, data)

    def _swap(self, pattern: re.Pattern[bytes], data: bytes) -> bytes:
        """A token in place of the first match behind a random place."""
        at, _ = self._part(data)
        match = pattern.search(data, at)
        if match is None:
            return data
        return data[: match.start()] + self._rng.choice(self._tokens) + data[match.end() :]

    def _part(self, data: bytes) -> tuple[int, int]:
        """Where a short part of the data begins and ends."""
        start = int(self._rng.random() * (len(data) + 1))
        return start, start + 1 + int(self._rng.random() * _LONGEST_CUT)
