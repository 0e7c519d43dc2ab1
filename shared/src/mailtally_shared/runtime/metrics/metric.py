"""Metrics and their values. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The label value under which all those beyond the limit are added up.
OTHER = "other"
#: Upper bounds of a histogram's buckets, in seconds; the last one is without bound.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Kind(StrEnum):
    """The type of a metric."""

    COUNTER = "counter"  # only grows, or restarts at 0
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class By(StrEnum):
    """The process that serves a metric."""

    ALL = "every service"
    COLLECTOR = "collector"
    AGGREGATOR = "aggregator"
    #: Figures of the whole cluster: served by the aggregator that holds the lease only, so that a
    #: sum over aggregators counts them once.
    DAY_WRITER = "day writer"
    LOADER = "loader"


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of the list of metrics.

    Attributes:
        name: the exposed name; a counter's ends in ``_total``.
        kind: its type.
        by: the process that serves it.
        unit: the unit, in the plural.
        help: one sentence.
        labels: names of its labels; each has few values, and none that a sender can choose.
    """

    name: str
    kind: Kind
    by: By
    unit: str
    help: str
    labels: tuple[str, ...] = ()

    def at(self, value: float | Durations, *labels: str) -> Sample:
        """Return a sample with one value for each label."""
        if len(labels) != len(self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}, not {labels}")
        return Sample(self, value, labels)


class Sample(NamedTuple):
    """A metric's value for one combination of labels."""

    metric: Metric
    value: float | Durations
    labels: tuple[str, ...]


Source = Callable[[], Iterable[Sample]]


@dataclass(slots=True)
class Durations:
    """A histogram of durations. One thread adds, any thread may read."""

    total: float = 0.0  # seconds
    _counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))

    def add(self, seconds: float) -> None:
        """Add one duration."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    @property
    def count(self) -> int:
        """The number of durations."""
        return sum(self._counts)

    def cumulative(self) -> list[tuple[str, int]]:
        """Return the number of durations up to each bound (as text); the last is ``+Inf``."""
        names = [*map(str, BOUNDS), "+Inf"]
        return list(zip(names, accumulate(self._counts), strict=True))


def bounded(counts: Mapping[str, int], most: int) -> dict[str, int]:
    """Return the ``most`` largest counts by label, and the sum of the others under ``other``."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    kept = dict(ranked[:most])
    rest = sum(count for _, count in ranked[most:])
    if rest:
        kept[OTHER] = kept.get(OTHER, 0) + rest
    return kept
