"""The collector's source of metrics: it reads what its parts already know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_collector import catalogue as of
from mailtally_shared.runtime.metrics.metric import bounded
from mailtally_shared.schema import END_OF_TIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailtally_collector.follow import Follower
    from mailtally_collector.reading import Reading
    from mailtally_collector.settings import CollectorSettings
    from mailtally_collector.ship.shipping import Shipper
    from mailtally_collector.spool.spool import Spool
    from mailtally_shared.runtime.clock import Clock
    from mailtally_shared.runtime.metrics.metric import Metric, Sample

#: More than there are reasons; an upper limit on the series of a metric.
_MOST_REASONS = 40
_SUMS = {
    "lines": of.LINES,
    "records": of.RECORDS,
    "bytes": of.LOG_BYTES,
    "passed": of.PASSED,
}
_BY_REASON = {"malformed": of.MALFORMED, "forgotten": of.FORGOTTEN, "skipped": of.SKIPPED}


@dataclass(frozen=True, slots=True)
class CollectorMetrics:
    """A source of samples. Everything it reads is safe to read from another thread."""

    settings: CollectorSettings
    spool: Spool
    shipper: Shipper
    follower: Follower
    reading: Reading
    clock: Clock

    def __call__(self) -> Iterator[Sample]:
        """Yield all samples.

        Raises:
            Unavailable: the disk of the state directory fails.
        """
        yield of.HOST.at(1, self.settings.host)
        yield from counted(self.spool.counters())
        yield from self._reading()
        yield from self._spooled(self.clock.steady())

    def _reading(self) -> Iterator[Sample]:
        yield of.UNREAD.at(self.follower.unread_bytes)
        yield of.STOPPED.at(len(self.follower.stopped))
        found = self.follower.found
        yield of.UNREADABLE.at(len(found.troubles))
        yield of.DOUBTFUL.at(len({doubt.path for doubt in found.doubts}))
        yield of.EMPTY_GLOBS.at(sum(not files for files in found.patterns.values()))
        watermark = self.reading.read_up_to.watermark
        if 0 < watermark < END_OF_TIME:
            yield of.READ_UP_TO.at(int(self.clock.stated(watermark)))

    def _spooled(self, now: float) -> Iterator[Sample]:
        yield of.UNAPPLIED.at(self.spool.unapplied_count())
        yield of.WINDOW.at(self.settings.window)
        yield of.UNAPPLIED_BYTES.at(self.spool.unapplied_bytes())
        yield of.OLDEST_UNAPPLIED.at(self.spool.oldest_unapplied(now))
        files = self.settings.state_dir.glob("state.sqlite*")
        yield of.SPOOL_FILE.at(sum(path.stat().st_size for path in files))
        yield of.RESENT.at(self.shipper.resent)


def counted(counters: Mapping[str, int]) -> Iterator[Sample]:
    """Yield the spool's counters; those named ``kind:reason`` with the reason as a label."""
    for name, metric in _SUMS.items():
        yield metric.at(counters.get(name, 0))
    for prefix, metric in _BY_REASON.items():
        yield from _by_reason(metric, prefix, counters)


def _by_reason(metric: Metric, prefix: str, counters: Mapping[str, int]) -> Iterator[Sample]:
    found = {
        reason: count
        for kind, _, reason in ((*name.partition(":"),) for name in counters)
        if kind == prefix and (count := counters[f"{prefix}:{reason}"])
    }
    for reason, count in bounded(found, _MOST_REASONS).items():
        yield metric.at(count, reason)
