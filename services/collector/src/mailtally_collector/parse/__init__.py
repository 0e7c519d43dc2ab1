"""Parse: whole lines of a traffic log become columns of records, and malformed lines.

A line is read from both ends: ``head`` (date to timestamp), ``measures`` (bytes to attempts), and
what is left between, ``addresses``. ``kernel`` does so for all lines of a chunk, as machine code;
``settle`` and ``domain`` then decide about each distinct name. So it is with the format ``stats``;
qmail's own log is read in ``maillog``. ``formats`` has all there are, and ``by_log`` parses each
log in its own. What they are is in ``docs/formats.md``.
"""

from mailtally_collector.parse.by_log import ByLog, Known
from mailtally_collector.parse.format import Format, Setting
from mailtally_collector.parse.formats import FORMATS, made, warm_all
from mailtally_collector.parse.parsed import Parsed, Parser, Rejects
from mailtally_collector.parse.reasons import Reason
from mailtally_collector.parse.stats import StatsParser, warm

__all__ = [
    "FORMATS",
    "ByLog",
    "Format",
    "Known",
    "Parsed",
    "Parser",
    "Reason",
    "Rejects",
    "Setting",
    "StatsParser",
    "made",
    "warm",
    "warm_all",
]
