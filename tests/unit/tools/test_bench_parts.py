"""The parts of the benchmark that reckon: delays, ratios, costs, what is kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mailtally.commands.plan.costs import MEASURED
from mailtally_collector.formats import StatsParser
from tools.benchmarks import parts
from tools.benchmarks.capacity.costs import of_freshness, of_memory, of_stages
from tools.benchmarks.capacity.domains import large_rows, write_large_log
from tools.benchmarks.capacity.large_day import _in_turns, _ratios
from tools.benchmarks.figures import spread
from tools.benchmarks.pipeline.steady import Feed

if TYPE_CHECKING:
    from pathlib import Path


def feed(path: Path, lines: int) -> Feed:
    data = b"line\n" * lines
    return Feed(data, np.arange(5, 5 * lines + 1, 5), path.open("wb", buffering=0))


def test_the_delay_of_each_line_follows_from_counts_alone(tmp_path: Path) -> None:
    log = feed(tmp_path / "log", 6)
    log.grow(2, now=1.0)  # before the services settled: does not count
    log.grow(3, now=4.0)
    log.grow(3, now=4.5)  # nothing was due
    log.grow(6, now=5.0)
    log.counted += [(4.25, 3), (5.5, 4), (6.0, 6)]
    assert log.is_counted
    assert log.delays().tolist() == [0.25, 0.5, 1.0, 1.0]
    assert (tmp_path / "log").read_bytes() == b"line\n" * 6


def test_a_feed_is_not_counted_before_its_last_line_is(tmp_path: Path) -> None:
    log = feed(tmp_path / "log", 2)
    log.grow(2, now=1.0)
    log.counted.append((2.0, 1))
    assert not log.is_counted


def test_each_way_has_its_turn_and_its_ratio_to_the_barest() -> None:
    order: list[str] = []

    def way(name: str, seconds: float) -> float:
        order.append(name)
        return seconds

    ways = {"ours": lambda: way("ours", 3.0), "bare": lambda: way("bare", 2.0)}
    times = _in_turns(ways, 2)
    assert order == ["ours", "bare", "ours", "bare"]
    assert _ratios({name: these[0] for name, these in times.items()}) == {"ours": 1.5}
    assert spread([1.0, 2.0, 3.0]) == 1.0


def test_a_large_day_is_the_same_as_a_log_and_as_rows(tmp_path: Path) -> None:
    write_large_log(tmp_path / "log", host="mail.example.com", domains=50, now=1_771_200_000)
    parsed = StatsParser().parse((tmp_path / "log").read_bytes())
    columns = parsed.columns
    logged = {
        (columns.domains[d], int(s)) for d, s in zip(columns.domain, columns.size, strict=True)
    }
    rows = list(large_rows(50, "mail.example.com"))
    assert logged == {(row.domain, row.bytes) for row in rows}
    assert len(columns) == len(rows) == 50
    assert rows != sorted(rows)


def test_costs_are_what_was_measured_a_record_a_key_and_a_batch() -> None:
    collecting = ("tail", "parse", "batch", "encode", "spool", "publish")
    aggregating = ("receive", "fetch", "decode", "merge", "acknowledge")
    stages = {name: {"ours": 1.0, "redis": 0.0} for name in (*collecting, *aggregating)}
    stages["commit"] = {"ours": 2.0, "redis": 4.0}
    found = of_stages(
        {"stages": stages, "lines": 10**9, "keys": 10**6, "rows": 10}
        | {"payload_bytes": 4 * 10**9, "memory_bytes": 2000, "file_bytes": 4 * 10**9 + 10**8}
    )
    assert found["collector_ns"] == pytest.approx(6)
    assert found["aggregator_ns"] == pytest.approx(5)
    assert (found["key_us"], found["redis_key_us"]) == pytest.approx((2, 4))
    assert (found["wire"], found["key_memory"], found["key_file"]) == pytest.approx((4, 200, 100))
    steady = {"batches": 100, "seconds": 10.0, "rate": 10_000}
    cores = {"collector": 0.1, "aggregator": 0.1, "redis": 0.1}
    by_batch = of_freshness(steady | {"cores": cores}, found, keys=500)
    # Ten batches a second of a thousand records: 10 ms each.
    assert by_batch["collector_ms"] == pytest.approx(10 - 0.006)
    assert by_batch["aggregator_ms"] == pytest.approx(10 - 0.005 - 1)
    assert by_batch["redis_ms"] == pytest.approx(10 - 2)


def test_a_row_of_the_day_is_what_the_aggregator_has_beyond_its_usual_memory() -> None:
    peaks = {"collector_bytes": 1.0, "loader_bytes": 2.0, "domains": 1000}
    found = of_memory(peaks | {"aggregator_bytes": MEASURED.aggregator_memory + 700_000})
    assert found["writer_memory"] == pytest.approx(700)


def test_a_part_is_kept_in_the_place_of_its_last_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "RESULTS", tmp_path)
    store = tmp_path / "parts"
    assert parts.kept(store) == {}
    for rate in (1, 2):
        parts.keep(store, "peers", {"rate": rate}, {"cores": 2})
    assert parts.kept(store)["peers"]["rate"] == 2
    whole = json.loads(parts.publish(parts.kept(store), []).read_bytes())
    assert whole["parts"]["peers"]["machine"] == {"cores": 2}
    assert "host" not in json.dumps(whole["machine"])
