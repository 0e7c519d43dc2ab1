"""Show a plan as lines or as JSON. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from mailtally.commands.plan.costs import TAKEN_ON

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally.commands.plan.capacity import Capacity
    from mailtally.commands.plan.load import Question
    from mailtally.commands.plan.walls import Reached

#: Version of the JSON document.
FORMAT = 1
_UNITS = ("", "k", "M", "G", "T", "P")
_THOUSAND = 1000
#: Records a second beyond which bottlenecks are not shown.
_FAR = 1e10


def spelled(quantity: float, unit: str = "") -> str:
    """Format a quantity with three digits and a prefixed unit: ``1.23 MB``."""
    power = 0
    while quantity >= _THOUSAND and power < len(_UNITS) - 1:
        quantity, power = quantity / _THOUSAND, power + 1
    digits = f"{quantity:.3g}" if quantity < _THOUSAND - 1 else f"{quantity:.0f}"
    return f"{digits} {_UNITS[power]}{unit}".rstrip()


def rows(question: Question, found: Capacity, reached: Sequence[Reached]) -> list[tuple[str, str]]:
    """Return each figure with its title."""
    load, first = found.load, reached[0]
    passed = " (passed)" if first.rate < question.rate else ""
    later = [one for one in reached[1:] if one.rate < _FAR]
    return [
        ("records", f"{question.rate:,.0f}/s in the busiest hour, {question.daily:,.0f} a day"),
        ("batches", f"{spelled(load.batches)}/s of {load.batch:,.0f}, {load.group:,.0f} together"),
        (
            "Redis key updates",
            f"{spelled(load.keys)}/s, {load.keys / question.rate:.3f} a record",
        ),
        ("each collector", f"{load.collector:.1%} of a core"),
        ("all collectors", f"{load.collector * question.hosts:,.2f} cores"),
        ("all aggregators", f"{load.aggregators:,.2f} cores: {found.aggregators} needed"),
        ("Redis", f"{load.redis:.1%} of its one thread: {_states(found.states)}"),
        ("Redis, memory", f"{spelled(found.redis_memory, 'B')} for {question.days} days"),
        ("Redis, append-only file", f"{spelled(found.redis_growth, 'B')}/s"),
        ("Redis, disk", f"{spelled(found.redis_file, 'B')} while its file is rewritten"),
        ("network into Redis", f"{spelled(found.network_in, 'B')}/s"),
        ("network out of Redis", f"{spelled(found.network_out, 'B')}/s"),
        ("memory of the day writer", spelled(found.writer_memory, "B")),
        ("spool of each collector", spelled(found.spool, "B")),
        ("rows of a day", f"{found.rows:,.0f}"),
        ("day files", f"{spelled(found.day_files, 'B')} a day"),
        ("database", f"{spelled(found.database, 'B')} a year"),
        ("first bottleneck", f"{first.wall.name}, at {spelled(first.rate)}/s{passed}"),
        ("remedy", first.wall.past),
        ("next ones", "; ".join(f"{one.wall.name}, at {spelled(one.rate)}/s" for one in later)),
    ]


def _states(count: int) -> str:
    return "one is enough" if count == 1 else f"{count:,} states needed"


def as_lines(question: Question, found: Capacity, reached: Sequence[Reached]) -> str:
    """Return a line per figure."""
    shown = rows(question, found, reached)
    width = max(len(title) for title, _ in shown)
    return "\n".join(f"{title:{width}}  {text}" for title, text in shown)


def as_json(question: Question, found: Capacity, reached: Sequence[Reached]) -> str:
    """Return one JSON document; units are cores, bytes, bytes and records a second."""
    document = {
        "format": FORMAT,
        "costs_taken_on": TAKEN_ON,
        "question": asdict(question),
        "capacity": asdict(found),
        "walls": [
            {"name": one.wall.name, "records_per_second": one.rate, "past": one.wall.past}
            for one in reached
        ],
    }
    return json.dumps(document, indent=2)
