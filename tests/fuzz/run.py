"""Runs one target: blocks of inputs until there were enough, each block made from its number."""

from __future__ import annotations

import random
import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fuzz.mutate import Mutator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fuzz.target import Target

BLOCK = 500
#: What a process may grow by once it is warm, in bytes.
MOST_GROWTH = 512 * 2**20
_WARM_BLOCKS = 20
_KIB = 1 if sys.platform == "darwin" else 1024


@dataclass
class Figures:
    """What a run did. ``ended`` counts inputs by how they ended, times in seconds, sizes in bytes.

    A seed of the log target is a line, and changes may make it several.
    """

    target: str
    inputs: int = 0
    seconds: float = 0.0
    growth: int = 0
    ended: Counter[str] = field(default_factory=Counter)


class FoundError(Exception):
    """An input that breaks a promise; its text says where it is kept."""


def run(
    target: Target,
    *,
    seed: int,
    inputs: int,
    seconds: float,
    findings: Path,
    first_block: int = 0,
    beat: Callable[[int], None] = lambda _: None,
) -> Figures:
    """Fuzz one target until it had ``inputs`` or ``seconds`` have passed.

    Args:
        target: what to fuzz.
        seed: the same seed makes the same inputs.
        inputs: how many.
        seconds: how long at most.
        findings: where an input that breaks something is kept.
        first_block: where to begin; a block that hung is run again so.
        beat: is told the number of each block before it is run.

    Raises:
        FoundError: an input broke something.
    """
    figures, began, warm = Figures(target.name), time.monotonic(), 0
    seeds = target.seeds()
    _try(target, seeds, findings, "seeds")
    number = first_block
    while figures.inputs < inputs and time.monotonic() - began < seconds:
        beat(number)
        block = make_block(target, seeds, seed, number)
        figures.ended += _try(target, block, findings, f"{seed}-{number}")
        figures.inputs += len(block)
        number += 1
        if number == first_block + _WARM_BLOCKS:
            warm = _peak()
        figures.growth = _peak() - warm if warm else 0
        if figures.growth > MOST_GROWTH:
            raise FoundError(f"{target.name}: grew by {figures.growth} bytes by block {number}")
    figures.seconds = time.monotonic() - began
    return figures


def make_block(target: Target, seeds: list[bytes], seed: int, number: int) -> list[bytes]:
    """The inputs of one block, always the same."""
    mutator = Mutator(random.Random(f"{target.name} {seed} {number}"), seeds, target.tokens)
    return [mutator.make() for _ in range(BLOCK)]


def _try(target: Target, block: list[bytes], findings: Path, name: str) -> Counter[str]:
    try:
        return target.check(block)
    except Exception as error:
        guilty = next((data for data in block if _breaks(target, [data])), b"\n".join(block))
        findings.mkdir(parents=True, exist_ok=True)
        path = findings / f"{target.name}-{name}"
        path.write_bytes(guilty)
        raise FoundError(f"{target.name}: {error!r}; the input is in {path}") from error


def _breaks(target: Target, block: list[bytes]) -> bool:
    try:
        target.check(block)
    except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
        return True
    return False


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB
