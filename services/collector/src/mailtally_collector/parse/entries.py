"""The ways into the machine code, which is kept on disk for the next process.

numba keeps it under the source file of the outermost function and looks at that file only: an
edit to a function called from there would go unnoticed, and stale code would count mail. What a
closure holds is part of the key, though. So each entry is a closure over a digest of all sources.
"""

from __future__ import annotations

import hashlib
import inspect
from typing import TYPE_CHECKING, Final

from mailtally_collector.parse import (
    addresses,
    head,
    kernel,
    machine,
    measures,
    names,
    page,
    reasons,
    scanning,
    steps,
    usual,
    words,
)
from mailtally_collector.parse.kernel import read_chunk
from mailtally_collector.parse.machine import Bytes, compiled_and_kept
from mailtally_collector.parse.names import spell
from mailtally_shared import columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_collector.parse.names import Names
    from mailtally_collector.parse.page import Margin, Page
    from mailtally_shared.columns import Array

_PARTS = (
    addresses,
    columns,
    head,
    kernel,
    machine,
    measures,
    names,
    page,
    reasons,
    scanning,
    steps,
    usual,
    words,
)


def _digest_of_sources() -> str:
    return hashlib.sha256("".join(map(inspect.getsource, _PARTS)).encode()).hexdigest()


def _kept_read_chunk(sources: str) -> Callable[[Bytes, Page, Margin], tuple[int, int, int]]:
    @compiled_and_kept
    def entry(data: Bytes, page: Page, margin: Margin) -> tuple[int, int, int]:
        _ = sources
        return read_chunk(data, page, margin)

    return entry


def _kept_spell(sources: str) -> Callable[[Bytes, Names, Bytes, Array], None]:
    @compiled_and_kept
    def entry(data: Bytes, names: Names, text: Bytes, odd: Array) -> None:
        _ = sources
        spell(data, names, text, odd)

    return entry


#: The digest of all that a chunk of the ``stats`` format goes through.
SOURCES: Final = _digest_of_sources()
run_read_chunk: Final = _kept_read_chunk(SOURCES)
run_spell: Final = _kept_spell(SOURCES)
