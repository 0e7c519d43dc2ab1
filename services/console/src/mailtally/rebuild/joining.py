"""A day as its logs have it and as its files have it, host by host, made one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_shared.errors import Refused
from mailtally_shared.shown import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailtally_shared.day_files import Sums


@dataclass(frozen=True, slots=True)
class Figures:
    """What there is of a host: sizes in bytes."""

    messages: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class HostFigures:
    """A host of the log lines: as its day was filed, and as the logs have it now."""

    host: str
    filed: Figures
    counted: Figures

    @property
    def is_short(self) -> bool:
        """Whether the logs hold less than was once counted."""
        short_of_messages = self.counted.messages < self.filed.messages
        return short_of_messages or self.counted.bytes < self.filed.bytes


def compare(filed: Iterable[Sums], counted: Iterable[Sums]) -> list[HostFigures]:
    """Both sides of each host that is on either of them, by name."""
    before, now = _by_host(filed), _by_host(counted)
    none = Figures()
    return [
        HostFigures(host, before.get(host, none), now.get(host, none))
        for host in sorted(before.keys() | now.keys())
    ]


def join(
    filed: Sequence[Sums], counted: Sequence[Sums], *, keep_filed: bool, lower: bool
) -> list[Sums]:
    """The rows of the rebuilt day.

    Args:
        filed: the breakdown of the newest revision; empty where there is none.
        counted: the breakdown of the logs.
        keep_filed: a host of which the logs hold less keeps its filed figures.
        lower: its figures may become lower.

    Raises:
        Refused: the logs hold less of a host, and neither was said.
    """
    short = {figures.host for figures in compare(filed, counted) if figures.is_short}
    if short and not (keep_filed or lower):
        raise Refused(
            f"The logs hold less than was counted before of {listed(sorted(short))}: name all "
            "logs of that day. Where they are gone, keep the filed figures of such hosts with "
            "--archive, or lower them with --lower."
        )
    kept = short if keep_filed else set()
    rows = [row for row in filed if row.host in kept]
    return sorted(rows + [row for row in counted if row.host not in kept])


def _by_host(rows: Iterable[Sums]) -> dict[str, Figures]:
    found: dict[str, Figures] = {}
    for row in rows:
        former = found.get(row.host, Figures())
        found[row.host] = Figures(former.messages + row.messages, former.bytes + row.bytes)
    return found
