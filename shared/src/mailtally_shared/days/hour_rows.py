"""A day's hours as columns: what was counted by hour, domain and service (RULES section 7)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from mailtally_shared.days.day_rows import exact_sum, first_of_runs, run_sums, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally_shared.columns import Array


@dataclass(frozen=True, slots=True, eq=False)
class HourRows:
    """``n`` rows, ascending by domain, hour and service, each key once; arrays of shape ``(n,)``.

    An hour is one of the accounting zone. It is identified by the second at which it begins, which
    is within the hour: where the clock was put back by half an hour, the second half begins late.
    """

    domain: Array  # bytes of a fixed width, whole words, padded with NUL
    hour: Array  # int64, Unix seconds
    service: Array  # uint8, values of Service
    messages: Array  # int64
    bytes: Array  # int64, as logged
    transferred: Array  # int64, bytes times attempts

    def __len__(self) -> int:
        return len(self.domain)

    @classmethod
    def empty(cls) -> HourRows:
        """Return no rows."""
        none: Array = np.empty(0, np.int64)
        return cls(none.astype("S8"), none, none.astype(np.uint8), none, none, none)

    @classmethod
    def added_up(cls, parts: Sequence[HourRows]) -> HourRows:
        """Return the rows of all parts, whose own rows may be in any order and repeat a key.

        Raises:
            Refused: a sum does not fit 63 bits.
        """
        if not parts:
            return cls.empty()
        columns = [
            np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)
        ]
        domain, hour, service, *_ = columns
        order = np.lexsort([service, hour, *words(domain)])
        domain, hour, service, *sums = (column[order] for column in columns)
        first = first_of_runs(domain, hour, service)
        figures = (run_sums(column, first, domain) for column in sums)
        return cls(domain[first], hour[first], service[first], *figures)

    def sums(self) -> tuple[int, int, int]:
        """Return the sums of messages, bytes and transferred."""
        return exact_sum(self.messages), exact_sum(self.bytes), exact_sum(self.transferred)


@dataclass(frozen=True, slots=True)
class Hours:
    """What is known of a day by hour; not ``whole`` where some of its records lack there."""

    rows: HourRows
    whole: bool
