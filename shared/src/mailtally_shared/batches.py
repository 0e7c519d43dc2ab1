"""Splitting a stream into lists of bounded length, and adding up what passes."""

from collections.abc import Iterable, Iterator
from itertools import islice, zip_longest
from typing import Protocol, TypeVar

Item = TypeVar("Item")


def batches(items: Iterable[Item], length: int) -> Iterator[list[Item]]:
    """Yield lists of ``length`` items each; the last may be shorter, none is empty.

    ``itertools.batched`` does this from Python 3.12 on.
    """
    source = iter(items)
    while batch := list(islice(source, length)):
        yield batch


class Piece(Protocol):
    """Some of many rows."""

    def totals(self) -> tuple[int, ...]:
        """Return sums over these rows."""
        ...


Some = TypeVar("Some", bound=Piece)


class Passing:
    """Adds up the totals of the pieces that pass."""

    def __init__(self) -> None:
        self.totals: tuple[int, ...] = ()

    def through(self, pieces: Iterable[Some]) -> Iterator[Some]:
        """Yield the same pieces; the totals are right once the last has passed."""
        for piece in pieces:
            both = zip_longest(self.totals, piece.totals(), fillvalue=0)
            self.totals = tuple(map(sum, both))
            yield piece
