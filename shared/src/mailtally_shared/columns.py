"""Records as columns, as a parser gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Columns:
    """``n`` records, column by column; every array has shape ``(n,)``.

    The names are dictionaries: ``domain[i]`` is an index into ``domains``.
    The entries of a dictionary are ASCII without line breaks; their order has no
    meaning, and an entry may be unused.
    """

    time: Array  # int64, Unix seconds, 0 <= time < END_OF_TIME
    size: Array  # int64, bytes as logged, 0 … MAX_SIZE
    attempts: Array  # int64, as logged, 1 where the line has none; 0 … MAX_ATTEMPTS
    service: Array  # uint8, values of Service
    host: Array  # uint16, index into hosts
    status: Array  # uint8, index into statuses
    domain: Array  # uint32, index into domains
    hosts: tuple[str, ...]
    statuses: tuple[str, ...]
    domains: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.time)

    @classmethod
    def empty(cls) -> Columns:
        """Return columns without any record."""
        none: Array = np.empty(0, np.int64)
        return cls(
            time=none,
            size=none,
            attempts=none,
            service=none.astype(np.uint8),
            host=none.astype(np.uint16),
            status=none.astype(np.uint8),
            domain=none.astype(np.uint32),
            hosts=(),
            statuses=(),
            domains=(),
        )


def unify(parts: Sequence[tuple[Array, Sequence[str]]]) -> tuple[Array, list[str]]:
    """Merge several index columns under one dictionary.

    Args:
        parts: index columns with their dictionaries, whose entries may repeat.

    Returns:
        The columns, concatenated (int64), as indexes into the distinct names; and these.
    """
    numbers: dict[str, int] = {}
    columns = []
    for index, names in parts:
        mapping = [numbers.setdefault(name, len(numbers)) for name in names]
        columns.append(np.array(mapping, np.int64)[index])
    return (columns[0] if len(columns) == 1 else np.concatenate(columns)), list(numbers)
