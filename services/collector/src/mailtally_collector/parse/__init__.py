"""Parse: whole lines of a traffic log become columns of records, and malformed lines.

A line is read from both ends: ``head`` (date to timestamp), ``measures`` (bytes to attempts), and
what is left between, ``addresses``. ``kernel`` does so for all lines of a chunk, as machine code;
``settle`` and ``domain`` then decide about each distinct name. The format is in
``docs/formats.md``.
"""

from mailtally_collector.parse.parsed import Parsed, Parser, Rejects
from mailtally_collector.parse.reasons import Reason
from mailtally_collector.parse.stats import StatsParser, warm

__all__ = ["Parsed", "Parser", "Reason", "Rejects", "StatsParser", "warm"]
