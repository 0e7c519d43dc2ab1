"""The ways into the machine code of the statistics."""

from __future__ import annotations

from typing import Final

from mailtally_collector.machine import marks, steps
from mailtally_collector.machine.entry import digest_of, entry
from mailtally_collector.parse import names, scanning, words
from mailtally_collector.statistics import kernel
from mailtally_collector.statistics.kernel import add_rows, add_up, find_or_enrol, settle
from mailtally_shared import columns

_SOURCES: Final = digest_of(columns, kernel, marks, names, scanning, steps, words)
run_add_up: Final = entry(add_up, _SOURCES)
run_add_rows: Final = entry(add_rows, _SOURCES)
run_find_or_enrol: Final = entry(find_or_enrol, _SOURCES)
run_settle: Final = entry(settle, _SOURCES)
