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
from mailtally_collector.statistics.kernel import add_rows, add_up, find_or_enrol, settle
from mailtally_shared import columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_collector.parse.words import Words
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


def _kept_add_rows(sources: str) -> Callable[[Array, Array, Array], None]:
    @compiled_and_kept
    def entry(codes: Array, more: Array, sums: Array) -> None:
        _ = sources
        add_rows(codes, more, sums)

    return entry


def _kept_find_or_enrol(sources: str) -> Callable[[Words, Array, Array, Roll, Array], None]:
    @compiled_and_kept
    def entry(words: Words, start: Array, end: Array, roll: Roll, codes: Array) -> None:
        _ = sources
        find_or_enrol(words, start, end, roll, codes)

    return entry


def _kept_settle(sources: str) -> Callable[[Roll], None]:
    @compiled_and_kept
    def entry(roll: Roll) -> None:
        _ = sources
        settle(roll)

    return entry


_SOURCES = hashlib.sha256("".join(map(inspect.getsource, _PARTS)).encode()).hexdigest()
run_add_up: Final = _kept_add_up(_SOURCES)
run_add_rows: Final = _kept_add_rows(_SOURCES)
run_find_or_enrol: Final = _kept_find_or_enrol(_SOURCES)
run_settle: Final = _kept_settle(_SOURCES)
