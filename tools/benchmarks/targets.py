"""The targets, and their comparison with the figures. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tools.benchmarks.table import aligned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tools.benchmarks.parts import Found

_MB = 1e6
#: The multiple of a limit from which a factor is shown instead of percent.
_FAR = 3


@dataclass(frozen=True, slots=True)
class Target:
    """A target of the benchmarks.

    Attributes:
        what: the measured figure.
        bound: ``≥`` or ``≤``.
        limit: the value to reach or not to exceed; ``None``: the figure is only stated.
        form: the format of figures.
        part: the part of the benchmark that measures it.
        find: returns the figure from that part's results; ``LookupError`` if there is none.
        spread: returns its range over its median; ``None``: the figure is not a median.
    """

    what: str
    bound: str
    limit: float | None
    form: str
    part: str
    find: Callable[[Found], float]
    spread: Callable[[Found], float] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target, the measured figure and its spread; ``None`` if it was not measured."""

    target: Target
    measured: float | None
    spread: float | None = None

    @property
    def is_met(self) -> bool:
        """Return whether it was measured and the target is met."""
        if self.measured is None or self.target.limit is None:
            return self.measured is not None
        if self.target.bound == "≥":
            return self.measured >= self.target.limit
        return self.measured <= self.target.limit

    @property
    def said(self) -> str:
        """Return whether the target was met, or by how much it was missed."""
        if self.measured is None or self.target.limit is None:
            return "not measured" if self.measured is None else "stated"
        if self.is_met:
            return "met"
        share = self.measured / self.target.limit
        return f"missed, {share:.1f} times" if share > _FAR else f"missed by {abs(share - 1):.0%}"

    def spelled(self) -> dict[str, Any]:
        """Return the verdict for the results."""
        told = {k: v for k, v in asdict(self.target).items() if k in {"what", "bound", "limit"}}
        return {**told, "measured": self.measured, "spread": self.spread, "verdict": self.said}


def judged(parts: Mapping[str, Found]) -> list[Verdict]:
    """Return each target with the figure of its part."""
    return [
        Verdict(target, _found(target, target.find, parts), _found(target, target.spread, parts))
        for target in TARGETS
    ]


def _found(
    target: Target, find: Callable[[Found], float] | None, parts: Mapping[str, Found]
) -> float | None:
    try:
        return find(parts[target.part]) if find else None
    except LookupError:
        return None


def verdicts_table(verdicts: Iterable[Verdict]) -> str:
    """Return a table with a line per target."""
    rows = [
        (
            verdict.target.what,
            f"{verdict.target.bound} {_spelled(verdict.target.limit, verdict)}".strip(),
            _spelled(verdict.measured, verdict),
            "" if None in (verdict.measured, verdict.spread) else f"{verdict.spread:.0%}",
            verdict.said,
        )
        for verdict in verdicts
    ]
    return aligned([("", "target", "measured", "spread", "verdict"), *rows])


def _spelled(value: float | None, verdict: Verdict) -> str:
    return "" if value is None else verdict.target.form.format(value)


def _contender(found: Found, name: str) -> dict[str, Any]:
    by_name: dict[str, dict[str, Any]] = {one["name"]: one for one in found["contenders"]}
    return by_name[name]


def _to(ours: str, rival: str) -> Callable[[Found], float]:
    return lambda found: float(_contender(found, ours)["ratios"][rival])


def _spread(name: str) -> Callable[[Found], float]:
    return lambda found: float(_contender(found, name)["spread"])


def _nanoseconds(name: str) -> Callable[[Found], float]:
    return lambda found: 1e9 / float(_contender(found, name)["rate"])


def _cpu(name: str) -> Callable[[Found], float]:
    return lambda found: float(_contender(found, name)["cpu"])


def _wire(found: Found) -> float:
    return float(_contender(found, "running")["extra"]["wire_bytes_per_record"])


def _slope(layout: str, name: str, figure: str) -> Callable[[Found], float]:
    """Return a figure of ``slopes``: of a data set and a contender."""

    def find(found: Found) -> float:
        by_name = {one["name"]: one for one in found[layout]}
        return float(by_name[name][figure])

    return find


def _slope_wire(found: Found) -> float:
    by_name = {one["name"]: one for one in found["machine"]}
    return float(by_name["running"]["extra"]["wire_bytes_per_record"])


def _domains(count: int) -> Callable[[Found], float]:
    return lambda found: float(found["by_domains"][str(count)]["cpu_s_per_million"])


def _largest(figure: str) -> Callable[[Found], float]:
    """Return the largest figure of all services, including Redis."""
    return lambda found: max(float(one[figure]) for one in found["services"].values())


def _growth(by: str) -> Callable[[Found], float]:
    """Return the largest relative change of the cost per record from the first size."""

    def find(found: Found) -> float:
        costs = [one["cpu_s_per_million"] for one in found[by].values()]
        return float(max(abs(cost / costs[0] - 1) for cost in costs))

    return find


def _p99(found: Found) -> float:
    return float(found["p99_s"])


def _cores(found: Found) -> float:
    return float(sum(found["cores"].values()))


def _second(found: Found) -> float:
    rates = found["by_aggregators"]
    return float(rates["2"]["rate"] / rates["1"]["rate"])


def _megabytes(role: str) -> Callable[[Found], float]:
    return lambda found: float(found[f"{role}_bytes"]) / _MB


def _day(way: str) -> Callable[[Found], float]:
    return lambda found: float(found["ratios"][way])


def _starting(command: str) -> Callable[[Found], float]:
    return lambda found: float(found["seconds"][command])


def _hours(what: str) -> Callable[[Found], float]:
    """Return the largest ratio of all loads, with hours on to off."""
    return lambda found: max(float(load["on"][what] / load["off"][what]) for load in found.values())


def _alone(figure: str) -> Callable[[Found], float]:
    return lambda found: float(found[figure])


_TIMES, _SHARE, _MEGABYTES = "{:.2f} times", "{:.1%}", "{:.0f} MB"
_SECONDS = "{:.2f} s"

_NANOSECONDS, _PLAIN = "{:.0f} ns", "{:.2f}"

_POLARS, _MANY = "slope, to Polars", "20,000 domains"

TARGETS = (
    *(
        Target(f"whole pipeline to {title}", "≥", limit, _TIMES, "peers", *these)
        for title, limit, these in (
            ("Polars", 1.5, (_to("running", "polars"), _spread("running"))),
            ("mawk", 4, (_to("running", "mawk"), _spread("running"))),
            ("GoAccess", 35, (_to("running", "goaccess"), _spread("running"))),
        )
    ),
    *(
        Target(
            what,
            "≥" if limit else "",
            limit,
            _TIMES,
            "slopes",
            _slope(layout, name, "ratio"),
            _slope(layout, name, "ratio_spread"),
        )
        for what, limit, layout, name in (
            (f"whole pipeline, {_POLARS}", 2.5, "cluster", "running"),
            (f"{_MANY}, up --once, {_POLARS}", 1.2, "machine", "once"),
            (f"{_MANY}, services running, {_POLARS}", None, "machine", "running"),
            (f"analyze, {_POLARS}", 3.5, "cluster", "analyze"),
            (f"analyze, {_MANY}, {_POLARS}", 3, "machine", "analyze"),
        )
    ),
    Target(
        "parse and fold, one core",
        "≤",
        60,
        _NANOSECONDS,
        "peers",
        _nanoseconds("fold"),
        _spread("fold"),
    ),
    Target("… to wc -l", "≥", 0.28, _TIMES, "peers", _to("fold", "wc"), _spread("fold")),
    Target("bytes a record on the wire", "≤", 1, _PLAIN, "peers", _wire),
    Target(f"… {_MANY}", "≤", 1.5, _PLAIN, "slopes", _slope_wire),
    Target("CPU s a million records", "≤", 0.18, _PLAIN, "peers", _cpu("running")),
    Target(
        f"… {_MANY}, up --once, slope",
        "≤",
        0.25,
        _PLAIN,
        "slopes",
        _slope("machine", "once", "cpu"),
    ),
    Target("… 1,000,000 domains", "≤", 1.2, _PLAIN, "growth", _domains(1_000_000)),
    Target("freshness at 20,000 lines/s, p99", "≤", 1, "{:.2f} s", "freshness", _p99),
    Target("of one core meanwhile, all and Redis", "≤", 0.25, _SHARE, "freshness", _cores),
    Target("idle service, of one core", "≤", 0.005, "{:.2%}", "idle", _largest("cores")),
    Target(
        "idle service, bytes/s to disk", "≤", 1000, "{:,.0f}", "idle", _largest("written_bytes_s")
    ),
    Target("memory, busy collector", "≤", 150, _MEGABYTES, "memory", _megabytes("collector")),
    Target(
        "memory, aggregator, large day", "≤", 250, _MEGABYTES, "memory", _megabytes("aggregator")
    ),
    Target("memory, loader, large file", "≤", 150, _MEGABYTES, "memory", _megabytes("loader")),
    Target("large day written, to plainly", "≤", 3, _TIMES, "day", _day("written")),
    Target("… loaded into PostgreSQL, to COPY", "≤", 1.5, _TIMES, "day", _day("PostgreSQL")),
    Target("… loaded into SQLite, to executemany", "≤", 2, _TIMES, "day", _day("SQLite")),
    Target("cost a record, by lines: change", "≤", 0.1, _SHARE, "growth", _growth("by_lines")),
    Target("cost a record, by domains: change", "≤", 0.1, _SHARE, "growth", _growth("by_domains")),
    Target("second aggregator, batches waiting", "≥", 1, _TIMES, "growth", _second),
    Target("Redis's work, with hours", "≤", 1.6, _TIMES, "hours", _hours("redis")),
    Target("Redis's memory, with hours", "≤", 1.5, _TIMES, "hours", _hours("memory")),
    Target("collector alone, installed", "≤", 130, _MEGABYTES, "collector", _alone("installed_mb")),
    Target("… memory, busy", "≤", 60, _MEGABYTES, "collector", _alone("busy_mb")),
    Target("… ready after the first start", "≤", 0.15, _SECONDS, "collector", _alone("ready_s")),
    Target("mailtally --help", "≤", 0.15, _SECONDS, "starting", _starting("--help")),
    Target("report of 1,000 lines", "≤", 0.3, _SECONDS, "starting", _starting("report")),
    Target("doctor of that site", "≤", 0.4, _SECONDS, "starting", _starting("doctor")),
    Target("up --once of 1,000 lines", "≤", 1.5, _SECONDS, "starting", _starting("up --once")),
)
