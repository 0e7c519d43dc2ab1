"""The ways into the machine code of the statistics, kept on disk as the parser's are.

What the code is kept under must change with every source it is made of; see
:mod:`mailtally_collector.parse.entries`.
"""

from __future__ import annotations

import hashlib
import inspect
from typing import TYPE_CHECKING, Final

from mailtally_collector.parse import machine, names, scanning, words
from mailtally_collector.parse.machine import compiled_and_kept
from mailtally_collector.statistics import kernel
from mailtally_collector.statistics.kernel import add_up, enrol, intern, settle
from mailtally_shared import columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_collector.parse.names import Names
    from mailtally_collector.statistics.kernel import Roll
    from mailtally_collector.statistics.measures import Measures
    from mailtally_shared.columns import Array

_PARTS = (columns, kernel, machine, names, scanning, words)


def _kept_add_up(sources: str) -> Callable[[Array, Measures, Array], None]:
    @compiled_and_kept
    def entry(group: Array, measures: Measures, sums: Array) -> None:
        _ = sources
        add_up(group, measures, sums)

    return entry


def _kept_intern(sources: str) -> Callable[[Array, Array, Names, Array], None]:
    @compiled_and_kept
    def entry(start: Array, end: Array, names: Names, codes: Array) -> None:
        _ = sources
        intern(start, end, names, codes)

    return entry


def _kept_enrol(sources: str) -> Callable[[Names, Array, Roll], None]:
    @compiled_and_kept
    def entry(names: Names, sums: Array, roll: Roll) -> None:
        _ = sources
        enrol(names, sums, roll)

    return entry


def _kept_settle(sources: str) -> Callable[[Roll], None]:
    @compiled_and_kept
    def entry(roll: Roll) -> None:
        _ = sources
        settle(roll)

    return entry


_SOURCES = hashlib.sha256("".join(map(inspect.getsource, _PARTS)).encode()).hexdigest()
run_add_up: Final = _kept_add_up(_SOURCES)
run_intern: Final = _kept_intern(_SOURCES)
run_enrol: Final = _kept_enrol(_SOURCES)
run_settle: Final = _kept_settle(_SOURCES)
