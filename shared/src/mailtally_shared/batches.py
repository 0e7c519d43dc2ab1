"""Cutting a stream into lists of a bounded length."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batches(items: Iterable[Item], length: int) -> Iterator[list[Item]]:
    """Lists of ``length`` items each, the last one shorter, none of them empty.

    ``itertools.batched`` does this from Python 3.12 on.
    """
    source = iter(items)
    while batch := list(islice(source, length)):
        yield batch
