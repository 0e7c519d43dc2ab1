"""Adding columns up by key, exactly. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally_shared.columns import Array

#: Sums below this are exact in a double; above it slower integer sums are used.
_EXACT = 2.0**53
#: Quantities whose sum comes near 63 bits are refused before it can wrap around.
_TOO_MUCH = 2.0**62


class SumOverflowError(ArithmeticError):
    """The quantities add up beyond 63 bits."""


def codes_of(columns: Sequence[Array], shape: Sequence[int]) -> Array:
    """Return ``np.ravel_multi_index``, which would copy narrow columns first."""
    codes = columns[0]
    for column, size in zip(columns[1:], shape[1:], strict=True):
        codes = codes * size + column
    return codes


def compact(codes: Array, shape: tuple[int, ...] | None = None) -> tuple[Array, Array]:
    """Return the distinct codes, ascending, and each code's position among them.

    Use a table of the code space where that is not much larger than the number of
    records, and sort otherwise.

    Args:
        codes: non-negative whole numbers, shape ``(n,)``, one at least.
        shape: codes are below its product; looked up if ``None``.
    """
    space = int(codes.max()) + 1 if shape is None else int(np.prod(shape, dtype=object))
    if space > max(4 * len(codes), 65_536):
        distinct, inverse = np.unique(codes, return_inverse=True)
        return distinct, inverse
    present = np.zeros(space, np.bool_)
    present[codes] = True
    distinct = np.flatnonzero(present)
    position = np.empty(space, np.int64)
    position[distinct] = np.arange(len(distinct))
    return distinct, position[codes]


def added(index: Array, values: Array, length: int) -> Array:
    """Return exact int64 sums of ``values`` by ``index``, shape ``(length,)``.

    Raises:
        SumOverflowError: all values together come near 63 bits.
    """
    total = float(values.sum(dtype=np.float64))
    if total < _EXACT:
        return np.bincount(index, weights=values, minlength=length).astype(np.int64)
    if total >= _TOO_MUCH:
        raise SumOverflowError("the sizes in these batches add up beyond 63 bits")
    sums = np.zeros(length, np.int64)
    np.add.at(sums, index, values)
    return sums
