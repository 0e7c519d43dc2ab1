"""Formats: parse whole lines of a log into columns of records, and malformed lines.

``engine`` holds what all formats share. Lines are read by ``mailtally_kernel``, in C. ``queue`` has
it join the lines of each message, as their program declares them; ``maillog`` declares qmail's own
log, ``syslog`` hands each line to its program of ``programs``, and ``stats`` has a grammar of its
own. ``registry`` lists all formats, and
``by_log`` parses each log in its own format. ``docs/reference/formats.md`` defines them.
"""

from mailtally_collector.formats.by_log import ByLog, Known
from mailtally_collector.formats.engine.folding import FoldedChunk, Times, folded, joined
from mailtally_collector.formats.engine.log_format import Format, Origin, Setting
from mailtally_collector.formats.engine.parsed import Parsed, Parser, ProgramLines, Rejects
from mailtally_collector.formats.engine.reasons import Reason
from mailtally_collector.formats.registry import FORMATS, made
from mailtally_collector.formats.stats.parser import StatsParser, warm

__all__ = [
    "FORMATS",
    "ByLog",
    "FoldedChunk",
    "Format",
    "Known",
    "Origin",
    "Parsed",
    "Parser",
    "ProgramLines",
    "Reason",
    "Rejects",
    "Setting",
    "StatsParser",
    "Times",
    "folded",
    "joined",
    "made",
    "warm",
]
