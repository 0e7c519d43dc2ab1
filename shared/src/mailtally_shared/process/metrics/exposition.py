"""Serves metrics: their values are read when somebody asks, and at most once a second."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from mailtally_shared import __version__
from mailtally_shared.errors import MailtallyError
from mailtally_shared.process.health_server import HealthServer
from mailtally_shared.process.metrics.catalogue import every
from mailtally_shared.process.metrics.events_counted import EventsCounted
from mailtally_shared.process.metrics.metric import Durations, Kind, Metric, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client import Metric as Family

    from mailtally_shared.process.health import Health
    from mailtally_shared.process.metrics.metric import Source

#: Seconds for which an answer is given again: who asks often must not keep servers busy.
_FRESH = 1.0
#: Seconds after which the sources that are left are not asked any more: where a server hangs, who
#: asks should have the others' figures, and not take the process for dead.
_LONGEST = 4.0


class Exposition(Collector):
    """The metrics of one process.

    A source that fails (its server is away) is left out and counted; the others are served.

    Args:
        service: its name.
        health: says whether it is ready.
        clock: seconds that only grow.
    """

    def __init__(
        self, service: str, health: Health, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._service = service
        self._health = health
        self._clock = clock
        self._sources: list[Source] = []
        self._lock = threading.Lock()
        self._answer, self._answered_at = "", float("-inf")
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def add(self, source: Source) -> None:
        """Serve what a source tells, too. It is called in other threads than the service's."""
        self._sources.append(source)

    def text(self) -> str:
        """The page, in Prometheus's text format."""
        with self._lock:
            now = self._clock()
            if now - self._answered_at >= _FRESH:
                self._answer = generate_latest(self._registry).decode("utf-8")
                self._answered_at = now
            return self._answer

    def collect(self) -> Iterable[Family]:
        """What the library asks for: all values, by metric."""
        families: dict[str, Family] = {}
        for sample in self._samples():
            metric = sample.metric
            if metric.name not in families:
                families[metric.name] = _family(metric)
            _put(families[metric.name], sample)
        return families.values()

    def _samples(self) -> Iterator[Sample]:
        yield every.INFO.at(1, self._service, __version__)
        yield every.READY.at(self._health.ready().ok)
        began, missing = self._clock(), 0
        for source in self._sources:
            samples = None if self._clock() - began >= _LONGEST else _asked(source)
            missing += samples is None
            yield from samples or ()
        yield every.METRICS_MISSING.at(missing)


@contextmanager
def observed(address: tuple[str, int] | None, service: str, health: Health) -> Iterator[Exposition]:
    """Serve the health and the metrics of a process, where it has an address for that."""
    exposition = Exposition(service, health)
    with ExitStack() as stack:
        if address is not None:
            events = stack.enter_context(EventsCounted())
            exposition.add(events.samples)
            stack.enter_context(HealthServer(address, health, exposition.text))
        yield exposition


def _asked(source: Source) -> list[Sample] | None:
    """What a source tells; ``None`` if it fails, whatever it had told by then."""
    try:
        return list(source())
    # A wrong value: what somebody else wrote into the state is no number, say.
    except (MailtallyError, OSError, ValueError):
        return None


def _family(metric: Metric) -> Family:
    match metric.kind:
        case Kind.COUNTER:
            return CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
        case Kind.GAUGE:
            return GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
        case Kind.HISTOGRAM:
            return HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)


def _put(family: Family, sample: Sample) -> None:
    value, labels = sample.value, sample.labels
    if isinstance(family, HistogramMetricFamily) and isinstance(value, Durations):
        family.add_metric(labels, buckets=value.cumulative(), sum_value=value.total)
    elif isinstance(family, CounterMetricFamily | GaugeMetricFamily):
        assert not isinstance(value, Durations)  # noqa: S101 - the catalogue's kinds
        family.add_metric(labels, float(value))
