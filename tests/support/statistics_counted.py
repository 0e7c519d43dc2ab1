"""Statistics counted the plain way, a line at a time, and the product's on the same bytes.

Lines are read with the reference parser; nothing of the product's statistics is used for it.
"""

from __future__ import annotations

import io
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from mailtally_collector.statistics.documents import document
from mailtally_collector.statistics.figures import Figures
from mailtally_collector.statistics.part import Wanted
from mailtally_collector.statistics.reading import Counting
from mailtally_collector.statistics.selection import Selection
from mailtally_collector.statistics.source import Buffers, Stream
from mailtally_collector.statistics.summary import Question, summarised
from tests.support import reference_parser as reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from io import BufferedReader

    from mailtally_collector.statistics.summary import Summary

#: Small, so that even a short log is several pieces; a line of 64 KiB fits.
BUFFER = 2**17
WASTED = (
    *("timeout", "rejclam", "rejspam", "manyhops", "mboxoverquota"),
    *("badmime", "bytestooverflow", "partial", "readerr"),
)


def stream_of(content: bytes, path: str = "stats") -> Stream:
    return Stream(path, cast("BufferedReader", io.BufferedReader(cast("Any", io.BytesIO(content)))))


def figures_of(content: bytes, question: Question, *, buffer: int = BUFFER) -> Figures:
    """The product's figures; what the last line lacks is not looked at."""
    largest = question.top or 10
    figures = Figures(by=question.by, largest=largest)
    buffers = Buffers(buffer)
    wanted = Wanted(question.selection, question.details, largest)
    with Counting(figures, wanted, buffers) as counting:
        counting.count(stream_of(content).pieces(buffers))
        counting.finish()
    return figures


def summary_of(content: bytes, *, buffer: int = BUFFER, **terms: Any) -> Summary:  # noqa: ANN401 - of Question
    """The product's summary of some lines; ``terms`` are of ``Question``."""
    defaults = {"files": ("stats",), "selection": Selection(), "zone": ZoneInfo("UTC")}
    question = Question(**{**defaults, "details": True, **terms})
    return summarised(figures_of(content, question, buffer=buffer), question)


def told(content: bytes, **terms: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """The product's JSON document."""
    return document(summary_of(content, **terms))


@dataclass(frozen=True)
class Line:
    """A well-formed line, with what the parser's records leave out."""

    record: reference.Record
    outgoing: bool
    sender: bytes
    recipient: bytes


def read(content: bytes) -> tuple[list[Line], list[tuple[int, str, bytes]]]:
    """The lines of a log, and offset, reason and bytes of the malformed ones."""
    lines, malformed = [], []
    offset = 0
    for whole in content.split(b"\n")[:-1]:
        text = whole.lstrip(b"\0")  # a hole in front of a line is no part of it
        try:
            lines.append(_line(text))
        except reference.Malformed as error:
            malformed.append((offset + len(whole) - len(text), error.reason.label, text))
        offset += len(whole) + 1
    return lines, malformed


def _line(text: bytes) -> Line:
    record = reference.parse_line(text)
    rest = text.removesuffix(b"\r").split(b"|", 1)[1]
    sender, recipient = reference.addresses(reference.measures(rest)[0])
    outgoing = re.match(rb".{16}\S+ out\[", text) is not None
    return Line(record, outgoing, sender, recipient)


def expected(content: bytes, wanted: Callable[[reference.Record], bool]) -> dict[str, Any]:
    """What the document has to say, but for its outline; every table with all of its rows."""
    lines, malformed = read(content)
    chosen = [line for line in lines if wanted(line.record)]
    reasons = Counter(reason for _, reason, _ in malformed)
    times = [line.record.time for line in chosen]
    return {
        "lines": len(lines) + len(malformed),
        "records": len(lines),
        "malformed": dict(sorted(reasons.items())),
        "first": _moment(min(times)) if times else None,
        "last": _moment(max(times)) if times else None,
        "total": sums(chosen),
        "traffic": {
            key: sums(group)
            for key, group in grouped(
                chosen,
                lambda line: (
                    line.record.service.label,
                    "out" if line.outgoing else "in",
                    line.record.status,
                ),
            ).items()
        },
        "hours": by(chosen, lambda line: _moment(line.record.time // 3600 * 3600)),
        "domains": by(chosen, lambda line: line.record.domain),
        "senders": by(chosen, lambda line: line.sender.decode()),
        "recipients": by(chosen, lambda line: line.recipient.decode()),
        "hours_of_day": by(chosen, lambda line: line.record.time // 3600 % 24),
    }


def by(lines: Iterable[Line], key: Callable[[Line], Any]) -> dict[Any, dict[str, int]]:
    return {name: sums(group) for name, group in grouped(lines, key).items()}


def grouped(lines: Iterable[Line], key: Callable[[Line], Any]) -> dict[Any, list[Line]]:
    groups: dict[Any, list[Line]] = defaultdict(list)
    for line in lines:
        groups[key(line)].append(line)
    return dict(groups)


def sums(lines: Iterable[Line]) -> dict[str, int]:
    records = [line.record for line in lines]
    return {
        "messages": len(records),
        "bytes": sum(record.size for record in records),
        "wasted": sum(record.size for record in records if record.status in WASTED),
        "again": sum(record.size * (max(record.attempts, 1) - 1) for record in records),
    }


def _moment(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat()
