"""Join the figures of a day from its logs and from its files, place by place. Pure.

A place is a host and the collector that reported it: two collectors may report lines of one host,
and more lines of one must not hide fewer of the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mailtally_shared.errors import Refused
from mailtally_shared.schema import PLACE
from mailtally_shared.shown import listed
from mailtally_shared.spelling import with_suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailtally_shared.days import Sums


class Figures(NamedTuple):
    """The figures of a place; sizes in bytes."""

    messages: int = 0
    bytes: int = 0
    transferred: int = 0


@dataclass(frozen=True, slots=True)
class PlaceFigures:
    """The figures of a place: as filed, and as counted from the logs now.

    ``name`` is the host's, with its collector where that has another name.
    """

    place: tuple[str, ...]
    name: str
    filed: Figures
    counted: Figures

    @property
    def is_short(self) -> bool:
        """Return whether the logs hold less than was filed."""
        return any(now < before for now, before in zip(self.counted, self.filed, strict=True))


def compare(filed: Iterable[Sums], counted: Iterable[Sums]) -> list[PlaceFigures]:
    """Return both figures of each place that has any, by the name of the host."""
    before, now = _by_place(filed), _by_place(counted)
    found = [
        PlaceFigures(place, _name(place), before.get(place, Figures()), now.get(place, Figures()))
        for place in before.keys() | now.keys()
    ]
    return sorted(found, key=lambda one: one.name)


def as_reported(
    counted: Iterable[Sums],
    known: Sequence[Sums],
    collector: str | None = None,
    registered: Iterable[str] = (),
) -> list[Sums]:
    """Return the rows of the logs under the collectors that reported their hosts, in order.

    Logs do not say whose collector read them. It is the one under which the day's files and the
    state have the host; the host's own where they have none. One that an operator names is that
    of all lines.

    Raises:
        Refused: a host has several collectors, and the operator names none; or the operator names
            one that neither is registered nor reported any line of a day that is known.
    """
    rows = list(counted)
    names = {row.collector for row in known}.union(registered)
    if collector is not None and known and collector not in names:
        sentence = (
            f"The collector {collector} reported no line of that day and is not registered: "
            "under its name, lines of another collector would be counted twice"
        )
        raise Refused(with_suggestion(sentence, collector, names))
    if collector is None:
        only = _reporters(known, {row.host for row in rows})
        return sorted(row._replace(collector=only.get(row.host, row.host)) for row in rows)
    return sorted(row._replace(collector=collector) for row in rows)


def _reporters(known: Iterable[Sums], hosts: set[str]) -> dict[str, str]:
    """Return the collector that reported each of some hosts, by host."""
    found: dict[str, set[str]] = {}
    for row in known:
        if row.host in hosts:
            found.setdefault(row.host, set()).add(row.collector)
    for host, names in sorted(found.items()):
        if len(names) > 1:
            raise Refused(
                f"Lines of {host} were reported by the collectors of {listed(sorted(names))}: "
                "count the logs of each collector on their own, with --collector HOST --archive."
            )
    return {host: names.pop() for host, names in found.items()}


def join(
    filed: Sequence[Sums], counted: Sequence[Sums], *, keep_filed: bool, lower: bool
) -> list[Sums]:
    """Return the rows of the rebuilt day.

    Args:
        filed: the breakdown of the newest revision; empty if there is none.
        counted: the breakdown of the logs.
        keep_filed: whether a place of which the logs hold less keeps its filed figures.
        lower: whether its figures may become lower.

    Raises:
        Refused: the logs hold less of a place, and neither is allowed.
    """
    short = {one.place: one.name for one in compare(filed, counted) if one.is_short}
    if short and not (keep_filed or lower):
        raise Refused(
            f"The logs hold less than was counted before of {listed(sorted(short.values()))}: "
            "name all logs of that day. If they are gone, keep the filed figures of such hosts "
            "with --archive, or lower them with --lower."
        )
    kept = short if keep_filed else {}
    rows = [row for row in filed if _place(row) in kept]
    return sorted(rows + [row for row in counted if _place(row) not in kept])


def _by_place(rows: Iterable[Sums]) -> dict[tuple[str, ...], Figures]:
    found: dict[tuple[str, ...], Figures] = {}
    for row in rows:
        former = found.get(_place(row), Figures())
        found[_place(row)] = Figures(
            former.messages + row.messages,
            former.bytes + row.bytes,
            former.transferred + row.transferred,
        )
    return found


def _place(row: Sums) -> tuple[str, ...]:
    return tuple(getattr(row, name) for name in PLACE)


def _name(place: tuple[str, ...]) -> str:
    named = dict(zip(PLACE, place, strict=True))
    host, collector = named["host"], named["collector"]
    return host if host == collector else f"{host} (collector {collector})"
