"""The ways into the machine code of the ``stats`` format."""

from __future__ import annotations

from typing import Final

from mailtally_collector.machine import marks, steps
from mailtally_collector.machine.entry import digest_of, entry
from mailtally_collector.parse import (
    addresses,
    head,
    kernel,
    measures,
    names,
    page,
    reasons,
    scanning,
    usual,
    words,
)
from mailtally_collector.parse.kernel import read_chunk
from mailtally_collector.parse.names import spell
from mailtally_shared import columns

#: The digest of all that a chunk goes through.
SOURCES: Final = digest_of(
    addresses,
    columns,
    head,
    kernel,
    marks,
    measures,
    names,
    page,
    reasons,
    scanning,
    steps,
    usual,
    words,
)
run_read_chunk: Final = entry(read_chunk, SOURCES, results=4)
run_spell: Final = entry(spell, SOURCES)
