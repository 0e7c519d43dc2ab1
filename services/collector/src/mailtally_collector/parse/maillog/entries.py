"""The ways into the machine code of the ``maillog`` format."""

from __future__ import annotations

from typing import Final

from mailtally_collector.machine.entry import digest_of, entry
from mailtally_collector.parse import entries
from mailtally_collector.parse.maillog import events, join, memory, recall, scan, stamp, wording
from mailtally_collector.parse.maillog.join import join_events
from mailtally_collector.parse.maillog.recall import gather, restore
from mailtally_collector.parse.maillog.scan import scan_chunk

_SOURCES: Final = entries.SOURCES + digest_of(events, join, memory, recall, scan, stamp, wording)
run_scan: Final = entry(scan_chunk, _SOURCES, results=5)
run_restore: Final = entry(restore, _SOURCES)
run_gather: Final = entry(gather, _SOURCES)
run_join: Final = entry(join_events, _SOURCES, results=2)
