"""The bottlenecks of a cluster as its rate grows, and their remedies. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally.commands.plan.capacity import MEMORY, WISE, Capacity, capacity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailtally.commands.plan.costs import Costs
    from mailtally.commands.plan.load import Question

#: Bytes a second of a common network.
_NETWORK = 1e9 / 8
#: Range of records a second that is searched for a bottleneck, and the number of bisections.
_LEAST, _MOST, _HALVINGS = 1.0, 1e12, 60


@dataclass(frozen=True, slots=True)
class Wall:
    """A bottleneck of a cluster.

    Attributes:
        name: the resource.
        used: returns its use for a capacity and a question; 1.0 is the limit.
        past: the remedy.
    """

    name: str
    used: Callable[[Capacity, Question], float]
    past: str


WALLS = (
    Wall(
        "aggregators",
        lambda found, question: found.load.aggregators / WISE / question.aggregators,
        "Start more aggregators: any number may run at once.",
    ),
    Wall(
        "a collector's core",
        lambda found, _: found.load.collector / WISE,
        "Spread the mail over more hosts.",
    ),
    Wall(
        "Redis's thread",
        lambda found, _: found.load.redis / WISE,
        "Larger batches (linger), fewer hosts a domain; then several states: "
        "see docs/explanation/scaling.md.",
    ),
    Wall(
        "Redis's memory",
        lambda found, _: found.redis_memory / MEMORY,
        "Keep fewer days in Redis (retention), then several states: "
        "see docs/explanation/scaling.md.",
    ),
    Wall(
        "the network of Redis",
        lambda found, _: max(found.network_in, found.network_out) / _NETWORK,
        "Give Redis a faster network than 1 Gbit/s.",
    ),
)


@dataclass(frozen=True, slots=True)
class Reached:
    """A bottleneck, and the records a second at which it is reached."""

    wall: Wall
    rate: float


def walls(question: Question, costs: Costs, kinds: Sequence[float]) -> list[Reached]:
    """Return all bottlenecks, the first to be reached first."""
    found = [Reached(wall, _rate(wall, question, costs, kinds)) for wall in WALLS]
    return sorted(found, key=lambda reached: reached.rate)


def _rate(wall: Wall, question: Question, costs: Costs, kinds: Sequence[float]) -> float:
    """Find the rate by bisection: with groups at their limits, use grows with the rate."""
    least, most = _LEAST, _MOST
    for _ in range(_HALVINGS):
        middle = (least * most) ** 0.5
        asked = question.at(middle)
        if wall.used(capacity(asked, costs, kinds, behind=True), asked) < 1:
            least = middle
        else:
            most = middle
    return least
