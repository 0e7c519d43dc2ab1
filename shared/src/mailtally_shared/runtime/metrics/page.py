"""The page of metrics in Prometheus's text format, written by its own library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from mailtally_shared.runtime.metrics.metric import Durations, Kind, Metric, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import Metric as Family


def page(samples: Iterable[Sample]) -> str:
    """Return the page of some samples, and of what the library knows of the process."""
    registry = CollectorRegistry()
    registry.register(_Samples(samples))
    ProcessCollector(registry=registry)
    return generate_latest(registry).decode("utf-8")


class _Samples(Collector):
    """Samples as the library collects them."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = samples

    def collect(self) -> Iterable[Family]:
        """Return all values by metric."""
        families: dict[str, Family] = {}
        for sample in self._samples:
            metric = sample.metric
            if metric.name not in families:
                families[metric.name] = _family(metric)
            _put(families[metric.name], sample)
        return families.values()


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
