"""Logs of a small cluster, rotated and hostile, for tests that drive whole programs."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from mailtally.samples.sample_logs import Truth, write_log

if TYPE_CHECKING:
    from pathlib import Path

#: 2026-02-16 00:00 UTC.
BEGIN = 1_771_200_000
DAY = 86_400
HOSTS = ("mail1.example.com", "mail2.example.com", "mail3.example.com")


def write_cluster_logs(directory: Path, lines: int, hostile: float = 0.01) -> list[Truth]:
    """Three hosts' logs of three days, each rotated twice, the oldest compressed.

    The second host's newest log ends with a line that was not finished.
    """
    truths = []
    each = lines // (3 * len(HOSTS))
    for number, host in enumerate(HOSTS):
        home = directory / host
        home.mkdir(parents=True)
        for age, name in enumerate(("stats.2", "stats.1", "stats")):
            truths.append(
                write_log(
                    home / name,
                    host=host,
                    lines=each,
                    start=BEGIN + age * DAY,
                    end=BEGIN + (age + 1) * DAY + DAY // 8,
                    seed=10 * number + age,
                    domains=200,
                    hostile=hostile,
                )
            )
        _compress(home / "stats.2")
    with (directory / HOSTS[1] / "stats").open("ab") as log:
        log.write(b"Feb 18 23:59:59 mail2.example.com in[1]: 17714591")
    return truths


def _compress(path: Path) -> None:
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()
