"""What services make of what they know: sums of the spool, files that wait, a tally."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from mailtally_aggregator import cluster_catalogue as cluster
from mailtally_aggregator.intake.tally import Tally
from mailtally_aggregator.metrics import only_while, snapshot_samples
from mailtally_collector.metrics import counted
from mailtally_loader.metrics import directory_samples
from mailtally_shared.rows import Rows
from mailtally_shared.state.commit.batch import Batch, Outcome
from mailtally_shared.wire.announcement import BatchHeader
from tests.support.records import NONCE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mailtally_shared.runtime.metrics.metric import Durations, Sample

NOW = 1_770_000_000.0


def table(samples: Iterable[Sample]) -> dict[tuple[str, ...], float | Durations]:
    """Values by name without its prefix, and labels."""
    return {
        (sample.metric.name.removeprefix("mailtally_"), *sample.labels): sample.value
        for sample in samples
    }


def put(path: Path, age: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"content")
    os.utime(path, (NOW - age, NOW - age))


def batch(records: int) -> Batch:
    header = BatchHeader(
        collector_id="0" * 32,
        epoch=1,
        nonce=NONCE,
        host="m1",
        seq=1,
        lines=records,
        records=records,
        rows=records,
        watermark=0,
        progress="",
        payload_key="key",
        payload_bytes=10 * records,
        checksum="0" * 32,
    )
    return Batch(header, Rows.empty())


def test_the_spools_sums_are_told_by_reason_where_they_have_one() -> None:
    found = table(
        counted({"lines": 7, "records": 4, "malformed:nul": 2, "malformed:empty": 1, "passed": 9})
    )
    assert found["collector_lines_total",] == 7
    assert found["collector_malformed_lines_total", "nul"] == 2
    assert found["collector_malformed_lines_total", "empty"] == 1
    assert found["collector_passed_lines_total",] == 9
    assert found["collector_log_bytes_total",] == 0


def test_a_reason_that_did_not_occur_has_no_series() -> None:
    assert not any("forgotten" in key[0] for key in table(counted({"forgotten:age": 0})))


def test_a_tally_adds_up_what_became_of_groups() -> None:
    tally = Tally()
    tally.committed(Outcome(applied=[batch(3), batch(4)], known=[batch(9)]), 0.02)
    tally.committed(Outcome(applied=[batch(1)], fenced=[batch(5)]), 0.3)
    found = table(tally.samples())
    assert found["aggregator_batches_total", "applied"] == 3
    assert found["aggregator_batches_total", "known"] == 1
    assert found["aggregator_batches_total", "fenced"] == 1
    assert found["aggregator_batches_total", "overflowing"] == 0
    assert found["aggregator_records_total",] == 8
    assert found["aggregator_payload_bytes_total",] == 80
    assert tally.commits.total == pytest.approx(0.32)


def test_bad_batches_are_told_by_reason_and_by_what_became_of_them() -> None:
    tally = Tally()
    tally.bad["bad-checksum", "again"] += 2
    assert table(tally.samples())["aggregator_bad_batches_total", "bad-checksum", "again"] == 2


def test_the_clusters_figures_are_told_by_the_day_writer_alone() -> None:
    held = False
    source = only_while(lambda: held, lambda: [cluster.HOSTS.at(3)])
    assert list(source()) == []
    held = True
    assert list(source()) == [cluster.HOSTS.at(3)]


def test_the_newest_snapshot_has_an_age_and_a_size(tmp_path: Path) -> None:
    assert list(snapshot_samples(tmp_path, NOW)) == []
    put(tmp_path / "000000000001.snapshot", age=900)
    put(tmp_path / "000000000002.snapshot", age=60)
    found = table(snapshot_samples(tmp_path, NOW))
    assert found == {("cluster_snapshot_age_seconds",): 60, ("cluster_snapshot_bytes",): 7}


def test_day_files_that_wait_are_counted_wherever_they_lie(tmp_path: Path) -> None:
    put(tmp_path / "01.02.2026.qml.txt", age=10)
    put(tmp_path / "loading/02.02.2026/02.02.2026.qml.txt", age=70)
    put(tmp_path / "somebody-elses.qml.txt", age=1000)
    put(tmp_path / "rejected/03.02.2026/03.02.2026.qml.txt", age=5000)
    put(tmp_path / "loaded/04.02.2026.qml.txt.gz", age=5000)
    found = table(directory_samples(tmp_path, NOW))
    assert found["loader_waiting_days",] == 2
    assert found["loader_oldest_waiting_seconds",] == 70
    assert found["loader_rejected_kept_days",] == 1


def test_an_empty_directory_has_nothing_waiting(tmp_path: Path) -> None:
    assert set(table(directory_samples(tmp_path, NOW)).values()) == {0}
