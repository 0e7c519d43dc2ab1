"""The logs of each mail host, by its collector's report: found, readable, understood. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailtally_shared.audit.finding import Finding, Level, verdict
from mailtally_shared.wire.status import DOUBTFUL, UNEXPECTED, StatusDocument, StatusError, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_shared.state.read.books import Books, Ledger
    from mailtally_shared.wire.status import LogStatus, Sample, Trouble

#: With fewer lines than this, a log that is malformed throughout is a warning only.
_FEW = 10
#: A malformed share above this is no accident …
_LARGE_SHARE = 0.2
#: … among this many of a log's latest lines.
_ENOUGH = 50
#: Kinds of trouble with a log that is still being read.
_DOUBTS = {DOUBTFUL, UNEXPECTED}
#: Latest time that is shown: a document may contain any.
_LATEST = 2**32


def check_host_logs(books: Books) -> Iterator[Finding]:
    """Yield a finding for each host, and one for each kind of trouble with its logs."""
    of_id = {ledger.collector_id: ledger for ledger in books.ledgers}
    for host, owner in sorted(books.owners.items()):
        ledger = of_id.get(owner)
        if ledger is None:
            continue
        try:
            document = parse(ledger.status) if ledger.status else None
        except StatusError as error:
            sentence = f"The status document of its collector is refused. {error}"
            yield Finding(f"logs of {host}", Level.WARNING, sentence)
            document = None
        found = list(_check_host(host, document)) if document else []
        malformed = [finding for finding in found if finding.check.startswith("lines")]
        yield from found
        if not malformed:
            yield from _check_sums(host, [each for each in books.ledgers if each.host == host])


def _check_host(host: str, document: StatusDocument) -> Iterator[Finding]:
    doubts = [trouble for trouble in document.troubles if trouble.kind in _DOUBTS]
    sentences = [trouble.sentence for trouble in document.troubles if trouble not in doubts]
    sentences += ["…"] * document.more_troubles
    logs = len(document.logs) + document.more_logs
    fine = f"Every log can be read; {logs:,} had lines since the collector's start."
    yield verdict(f"logs of {host}", sentences, fine, "")
    if doubts:
        yield verdict(f"changes of {host}", list(map(_dated, doubts)), "", "", Level.WARNING)
    if empty := [one.pattern for one in document.patterns if not one.files]:
        yield verdict(
            f"globs of {host}",
            [f"No file matches {pattern}." for pattern in empty],
            "",
            "Nothing is read for it: correct MAILTALLY_LOGS, or remove the glob.",
            Level.WARNING,
        )
    yield from _check_lines(host, document)


def _dated(doubt: Trouble) -> str:
    """Return the trouble with the time of the lines in question, or of the file's discovery."""
    until = _day(doubt.until or 0)
    if doubt.kind == UNEXPECTED:
        return f"{until}: {doubt.sentence}"
    since = _day(doubt.since) if doubt.since else "an unknown day"
    return f"Lines of {since} to {until} (UTC) are in doubt. {doubt.sentence}"


def _day(moment: int) -> str:
    return f"{datetime.fromtimestamp(min(moment, _LATEST), UTC):%Y-%m-%d %H:%M}"


def _check_lines(host: str, document: StatusDocument) -> Iterator[Finding]:
    """Yield a problem where a log's lines are not understood."""
    unread = [log for log in document.logs if _is_unread(log)]
    bad = [log for log in document.logs if log not in unread and _is_bad(log)]
    if not unread and not bad:
        return
    is_sure = any(log.counted.lines >= _FEW for log in unread)
    problems = [_malformed_share(log, document.samples) for log in (*unread, *bad)]
    advice = (
        "They are not counted: docs/reference/formats.md lists the formats. Set the log's format "
        "with MAILTALLY_COLLECTOR__FORMATS, or exclude the log from MAILTALLY_LOGS."
    )
    level = Level.FAILED if is_sure else Level.WARNING
    yield verdict(f"lines of {host}", problems, "", advice, level)


def _is_unread(log: LogStatus) -> bool:
    return log.counted.lines > 0 and log.counted.share_malformed == 1.0


def _is_bad(log: LogStatus) -> bool:
    return log.latest.lines >= _ENOUGH and log.latest.share_malformed > _LARGE_SHARE


def _malformed_share(log: LogStatus, samples: Iterable[Sample]) -> str:
    counts = log.latest
    reasons = ", ".join(f"{reason} {n:,}" for reason, n in sorted(counts.malformed.items()))
    shown = next((one.line for one in samples if one.path == log.path), "")
    example = f" An example: {shown!r}." if shown else ""
    return (
        f"{sum(counts.malformed.values()):,} of the latest {counts.lines:,} lines of {log.path} "
        f"are malformed ({reasons}).{example}"
    )


def _check_sums(host: str, ledgers: Iterable[Ledger]) -> Iterator[Finding]:
    """Yield a problem where none of a host's lines was understood."""
    ledgers = list(ledgers)
    lines = sum(ledger.lines for ledger in ledgers)
    malformed = sum(sum(ledger.malformed.values()) for ledger in ledgers)
    if lines and malformed == lines:
        problem = f"All of its {lines:,} lines are malformed; none of them is counted."
        advice = (
            "See rejects.jsonl in its collector's state directory, and docs/reference/formats.md."
        )
        level = Level.FAILED if lines >= _FEW else Level.WARNING
        yield verdict(f"lines of {host}", [problem], "", advice, level)
