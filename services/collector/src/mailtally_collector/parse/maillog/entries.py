"""The way into the machine code, kept on disk; see ``mailtally_collector.parse.entries``."""

from __future__ import annotations

import hashlib
import inspect
from typing import TYPE_CHECKING, Final

from mailtally_collector.parse import entries
from mailtally_collector.parse.machine import Bytes, compiled_and_kept
from mailtally_collector.parse.maillog import events, join, memory, recall, scan, stamp, wording
from mailtally_collector.parse.maillog.join import join_events
from mailtally_collector.parse.maillog.recall import gather, restore
from mailtally_collector.parse.maillog.scan import scan_chunk

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_collector.parse.maillog.events import Events
    from mailtally_collector.parse.maillog.memory import Memory
    from mailtally_collector.parse.maillog.recall import Recalled
    from mailtally_collector.parse.names import Names
    from mailtally_collector.parse.page import Margin, Page
    from mailtally_shared.columns import Array

_PARTS = (entries, events, join, memory, recall, scan, stamp, wording)


def _digest_of_sources() -> str:
    own = "".join(map(inspect.getsource, _PARTS))
    return hashlib.sha256((entries.SOURCES + own).encode()).hexdigest()


def _kept_scan(
    sources: str,
) -> Callable[[Bytes, int, int, Events, Margin], tuple[int, int, int, int]]:
    @compiled_and_kept
    def entry(
        data: Bytes, host_end: int, begin: int, events: Events, margin: Margin
    ) -> tuple[int, int, int, int]:
        _ = sources
        return scan_chunk(data, host_end, begin, events, margin)

    return entry


def _kept_restore(sources: str) -> Callable[[Recalled, Names, Memory], None]:
    @compiled_and_kept
    def entry(saved: Recalled, hosts: Names, memory: Memory) -> None:
        _ = sources
        restore(saved, hosts, memory)

    return entry


def _kept_gather(sources: str) -> Callable[[Bytes, Array, Array, Bytes], None]:
    @compiled_and_kept
    def entry(data: Bytes, start: Array, end: Array, text: Bytes) -> None:
        _ = sources
        gather(data, start, end, text)

    return entry


def _kept_join(
    sources: str,
) -> Callable[[Bytes, int, Events, Memory, int, Page, Margin, int], tuple[int, int]]:
    @compiled_and_kept
    def entry(  # noqa: PLR0917 - those of ``join_events``
        data: Bytes,
        count: int,
        events: Events,
        memory: Memory,
        max_age: int,
        page: Page,
        margin: Margin,
        bad: int,
    ) -> tuple[int, int]:
        _ = sources
        return join_events(data, count, events, memory, max_age, page, margin, bad)

    return entry


_SOURCES = _digest_of_sources()
run_scan: Final = _kept_scan(_SOURCES)
run_restore: Final = _kept_restore(_SOURCES)
run_gather: Final = _kept_gather(_SOURCES)
run_join: Final = _kept_join(_SOURCES)
