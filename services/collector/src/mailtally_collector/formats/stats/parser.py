"""Parse lines of ``stats`` by the kernel of ``mailtally_kernel``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_collector.formats.engine.domain import normalised
from mailtally_collector.formats.engine.output_columns import bytes_of
from mailtally_collector.formats.engine.parsed import Parsed, Rejects
from mailtally_kernel import KernelError, read_stats
from mailtally_shared.columns import Columns
from mailtally_shared.errors import Refused

if TYPE_CHECKING:
    from mailtally_kernel import Lines

#: A line to parse before there is anything else.
_WARMING = b"Jan  1 00:00:00 a.example in[1]: 0|a@a.example|a@a.example|0|success\n"


class StatsParser:
    """A :class:`Parser` of the ``stats`` log. Safe for any number of threads; releases the GIL."""

    def parse(self, chunk: bytes | bytearray | memoryview) -> Parsed:
        r"""Parse whole lines; see :meth:`Parser.parse`.

        It takes about 32 bytes of memory per record, plus the dictionaries.

        Raises:
            ValueError: The last line has no ``\n``.
        """
        return parsed_of(read_stats(bytes_of(chunk), normalised)) if chunk else Parsed.nothing()


def warm() -> None:
    """Load the kernel, so that a missing one is noticed at the start.

    Raises:
        Refused: The kernel is missing, or of another version.
    """
    try:
        StatsParser().parse(_WARMING)
    except KernelError as error:
        raise Refused(str(error)) from error


def parsed_of(lines: Lines) -> Parsed:
    """Return what the kernel has read, in the form that all formats share."""
    read = lines.columns
    columns = Columns(
        time=read["time"],
        size=read["size"],
        attempts=read["attempts"],
        service=read["service"],
        host=read["host"],
        status=read["status"],
        domain=read["domain"],
        hosts=lines.hosts,
        statuses=lines.statuses,
        domains=lines.domains,
    )
    return Parsed(columns, Rejects(**lines.rejects), lines.lines, nuls=lines.nuls)
