"""The closed list of metrics, and how values of it are served."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mailtally_aggregator import catalogue as aggregator
from mailtally_aggregator import cluster_catalogue as cluster
from mailtally_shared.errors import Unavailable
from mailtally_shared.runtime.health import Health
from mailtally_shared.runtime.logs import event
from mailtally_shared.runtime.metrics import every
from mailtally_shared.runtime.metrics.exposition import EventsCounted, Exposition
from mailtally_shared.runtime.metrics.metric import By, Durations, Kind, Metric, Sample, bounded
from tests.support.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Iterator

each_metric = pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def values(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """What a page says: a value by name and label values."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@each_metric
def test_a_name_says_what_the_metric_is(metric: Metric) -> None:
    assert metric.name.startswith("mailtally_")
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    for unit in ("seconds", "bytes"):
        assert (metric.unit == unit) == (unit in metric.name)


@each_metric
def test_a_metric_explains_itself_in_one_paragraph(metric: Metric) -> None:
    assert metric.help.endswith(".")
    assert "\n" not in metric.help


@each_metric
def test_no_label_is_one_that_a_sender_could_choose(metric: Metric) -> None:
    bounded_labels = {"service", "version", "event", "level", "host", "reason", "outcome"}
    assert set(metric.labels) <= bounded_labels | {"became", "check", "state"}


def test_the_list_has_no_name_twice_and_something_of_everybody() -> None:
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)
    assert {metric.by for metric in CATALOGUE} == set(By)


def test_a_value_needs_its_labels() -> None:
    assert cluster.LAG.at(1.5, "m1").labels == ("m1",)
    with pytest.raises(ValueError, match="host"):
        cluster.LAG.at(1.5)


def test_beyond_the_limit_labels_become_one() -> None:
    counts = {"a": 1, "b": 5, "c": 3, "d": 1}
    assert bounded(counts, 4) == counts
    assert bounded(counts, 2) == {"b": 5, "c": 3, "other": 2}


def test_a_label_called_other_is_not_lost() -> None:
    assert bounded({"other": 9, "a": 2, "b": 1}, 1) == {"other": 12}


def test_durations_are_counted_up_to_each_bound() -> None:
    took = Durations()
    for seconds in (0.001, 0.005, 0.03, 60.0):
        took.add(seconds)
    counts = dict(took.cumulative())
    assert (counts["0.005"], counts["0.05"], counts["10.0"], counts["+Inf"]) == (2, 3, 3, 4)
    assert took.count == 4
    assert took.total == pytest.approx(60.036)


def test_a_page_has_every_kind_of_metric() -> None:
    exposition, took = Exposition("aggregator", Health()), Durations()
    took.add(0.02)
    exposition.add(lambda: [aggregator.COMMIT.at(took), aggregator.BATCHES.at(3, "applied")])
    page = values(exposition.text())
    assert page["mailtally_aggregator_commit_seconds_count", ()] == 1
    assert page["mailtally_aggregator_commit_seconds_bucket", ("0.025",)] == 1
    assert page["mailtally_aggregator_commit_seconds_bucket", ("0.01",)] == 0
    assert page["mailtally_aggregator_batches_total", ("applied",)] == 3
    assert page["mailtally_metrics_missing", ()] == 0


def test_samples_of_one_metric_from_several_sources_stand_together() -> None:
    exposition = Exposition("aggregator", Health())
    exposition.add(lambda: [aggregator.BATCHES.at(1, "applied"), aggregator.RECORDS.at(1)])
    exposition.add(lambda: [aggregator.BATCHES.at(2, "known")])
    assert exposition.text().count("# TYPE mailtally_aggregator_batches_total") == 1


def test_readiness_is_told() -> None:
    health, clock = Health(), Clock()
    exposition = Exposition("loader", health, clock)
    assert values(exposition.text())["mailtally_ready", ()] == 0
    health.set_ready()
    clock.now += 1
    assert values(exposition.text())["mailtally_ready", ()] == 1


def test_a_source_that_fails_half_way_is_left_out_whole_and_counted() -> None:
    def fails() -> Iterator[Sample]:
        yield aggregator.RECORDS.at(1)
        raise Unavailable("Redis is away")

    exposition = Exposition("aggregator", Health())
    exposition.add(fails)
    exposition.add(lambda: [aggregator.HEARTBEATS.at(7)])
    page = values(exposition.text())
    assert page["mailtally_metrics_missing", ()] == 1
    assert page["mailtally_aggregator_heartbeats_total", ()] == 7
    assert ("mailtally_aggregator_records_total", ()) not in page


def test_a_state_that_somebody_spoiled_costs_its_own_figures_only() -> None:
    def spoilt() -> list[Sample]:
        return [cluster.LATE.at(int("no number"))]

    exposition = Exposition("aggregator", Health())
    exposition.add(spoilt)
    assert values(exposition.text())["mailtally_metrics_missing", ()] == 1


def test_a_source_that_takes_long_is_the_last_one_asked() -> None:
    clock = Clock()

    def hangs() -> list[Sample]:
        clock.now += 5.0
        raise Unavailable("Redis hangs")

    exposition = Exposition("aggregator", Health(stale_after=60, clock=clock), clock)
    exposition.add(lambda: [aggregator.HEARTBEATS.at(7)])
    exposition.add(hangs)
    exposition.add(hangs)
    page = values(exposition.text())
    assert clock.now == 105.0
    assert page["mailtally_metrics_missing", ()] == 2
    assert page["mailtally_aggregator_heartbeats_total", ()] == 7


def test_sources_are_asked_once_a_second_however_often_somebody_asks() -> None:
    asked, clock = list[int](), Clock()

    def source() -> list[Sample]:
        asked.append(1)
        return []

    exposition = Exposition("loader", Health(), clock)
    exposition.add(source)
    for _ in range(5):
        exposition.text()
    assert len(asked) == 1
    clock.now += 1.0
    exposition.text()
    assert len(asked) == 2


def test_events_are_counted_by_name_and_level_and_other_lines_are_not() -> None:
    logger = logging.getLogger("test")
    with EventsCounted() as events:
        for _ in range(30):  # more than a flood filter lets through
            event(logger, logging.WARNING, "bad-batch", "It is bad.", reason="x")
        logger.warning("a line without a name")
    event(logger, logging.WARNING, "bad-batch", "After the end.")
    assert events.samples() == [every.LOG_EVENTS.at(30, "bad-batch", "warning")]
