"""Lines of a mail log: the columnar parser against the plain one, line by line."""

from __future__ import annotations

from collections import Counter

from mailtally_collector.formats import StatsParser
from tests.fuzz.target import Target
from tests.support import reference_parser as reference
from tests.support.parsed_records import records_of, rejects_of

_PARSER = StatsParser()


def check(block: list[bytes]) -> Counter[str]:
    """All lines of a block at once."""
    chunk = b"".join(line + b"\n" for line in block)
    parsed = _PARSER.parse(chunk)
    records, rejects = reference.parse(chunk)
    assert records_of(parsed) == records
    assert rejects_of(parsed) == rejects
    assert parsed.lines == len(records) + len(rejects) == chunk.count(b"\n")
    return Counter(parsed.rejects.labels()) + Counter(taken=len(records))


TARGETS = (
    Target(
        "log",
        check,
        tokens=(
            *(b"|", b"||", b'"', b"\\", b"\r", b"\n", b"\0", b"@", b" ", b"[", b"]", b": ", b"."),
            *(b"imap@", b"pop3@", b"web@maillist", b"<>", b"#@[]", b"in", b"out", b"success"),
            *(b"0", b"-1", b"007", b"2147483648", b"9007199254740991", b"9007199254740992"),
            *(b"253402214399", b"253402214400", b"9" * 25, b"d" * 253, "bü".encode(), b"\xff"),
        ),
        by_line=True,
    ),
)
