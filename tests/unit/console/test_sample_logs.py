"""The sample logs are what their truth says, by the parser's count and by the plain reference."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mailtally.samples.sample_logs import Truth, write_log
from mailtally_collector.formats import StatsParser
from mailtally_shared.schema import Service
from tests.support import reference_parser as reference
from tests.support.parsed_records import records_of
from tests.support.reference_parser import Record

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = 1_771_200_000  # 2026-02-16 00:00 UTC


def written(path: Path, lines: int, hostile: float, seed: int = 7) -> Truth:
    return write_log(
        path,
        host="mail1.example.com",
        lines=lines,
        start=BEGIN,
        end=BEGIN + 86_400,
        seed=seed,
        domains=50,
        hostile=hostile,
    )


def told(truth: Truth) -> list[Record]:
    """The records that the truth tells of."""
    names = ("time", "service", "domain", "size", "status", "attempts")
    return [
        Record(
            time=time,
            host=truth.host,
            service=Service(service),
            domain=truth.domains[domain],
            size=size,
            status=truth.statuses[status],
            attempts=attempts,
        )
        for time, service, domain, size, status, attempts in zip(
            *(getattr(truth, name).tolist() for name in names), strict=True
        )
    ]


@pytest.mark.parametrize("hostile", [0.0, 0.5, 1.0])
def test_the_truth_is_what_the_reference_reads(tmp_path: Path, hostile: float) -> None:
    truth = written(tmp_path / "stats", 2000, hostile)
    records, rejects = reference.parse((tmp_path / "stats").read_bytes())
    assert records == told(truth)
    assert len(rejects) == truth.malformed
    assert len(records) + len(rejects) == truth.lines == 2000


def test_the_truth_is_what_the_parser_reads(tmp_path: Path) -> None:
    truth = written(tmp_path / "stats", 3000, 0.1)
    parsed = StatsParser().parse((tmp_path / "stats").read_bytes())
    assert records_of(parsed) == told(truth)
    assert len(parsed.rejects) == truth.malformed


def test_hostile_lines_are_of_many_kinds(tmp_path: Path) -> None:
    written(tmp_path / "stats", 2000, 1.0)
    parsed = StatsParser().parse((tmp_path / "stats").read_bytes())
    assert len(Counter(parsed.rejects.labels())) >= 10


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        written(tmp_path / name, 500, 0.2, seed)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c


def test_times_ascend_and_stay_in_their_bounds(tmp_path: Path) -> None:
    truth = written(tmp_path / "stats", 1000, 0.0)
    assert np.all(np.diff(truth.time) >= 0)
    assert truth.time[0] >= BEGIN
    assert truth.time[-1] < BEGIN + 86_400


def test_no_lines_are_an_empty_file(tmp_path: Path) -> None:
    truth = written(tmp_path / "stats", 0, 0.5)
    assert (truth.lines, truth.malformed, len(truth.time)) == (0, 0, 0)
    assert (tmp_path / "stats").read_bytes() == b""
