"""What the target for libFuzzer needs of qmail's own log: its program in C, and some lines.

Run ``python -m tests.fuzz.queue_corpus HEADER DIRECTORY``.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

from mailtally_collector.formats.maillog.sentences import QMAIL
from mailtally_kernel import Program
from mailtally_kernel.interface import Step
from tools.samples.maillogs import play

_START = 1_771_200_000


def array_of(kind: str, content: bytes) -> str:
    """Return a C array of bytes, aligned as a step is."""
    values = ",".join(map(str, content))
    return f"_Alignas(8) static const uint8_t {kind}[] = {{{values}}};\n"


def header() -> str:
    """Return the program as two arrays of bytes."""
    program = Program(QMAIL)  # it owns what the table points at
    table = program.table
    size = ctypes.sizeof(Step)
    steps = ctypes.string_at(table.steps, table.count * size)
    return array_of("program_steps", steps) + array_of(
        "program_bytes", ctypes.string_at(table.bytes, table.length)
    )


def main() -> None:
    """Write the header and the corpus."""
    Path(sys.argv[1]).write_text(header())
    run = play(3, start=_START, seed=1)
    for name, lines in (("syslog", run.syslog()), ("multilog", run.multilog())):
        (Path(sys.argv[2]) / name).write_bytes(b"".join(lines))


if __name__ == "__main__":
    main()
