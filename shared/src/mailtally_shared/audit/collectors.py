"""How far each mail host is read, and the kinds of its lines. Pure."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mailtally_shared.audit.finding import Finding, Level, verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from mailtally_shared.state.read.books import Books, Ledger

_DAY = 86_400
#: Lag in seconds that is normal for any collector: an idle one sends a heartbeat now and then.
LEAST_PATIENCE = 60.0


def check_collectors(
    books: Books, expected: Collection[str], patience: float, now: float
) -> Iterator[Finding]:
    """Yield a finding for each mail host: how far it is read, and the kinds of its lines.

    Args:
        books: the state.
        expected: hosts that should have a collector.
        patience: seconds that a collector may lag behind.
        now: Unix seconds.
    """
    of_id = {ledger.collector_id: ledger for ledger in books.ledgers}
    for host, owner in sorted(books.owners.items()):
        ledger = of_id.get(owner)
        if ledger is None:
            yield _never_seen(host)
        else:
            all_of_host = [each for each in books.ledgers if each.host == host]
            finding = _check_collector(host, ledger, all_of_host, patience, now)
            is_alone = finding.level is not Level.OK and not books.has_writer
            more = " No aggregator is at work either: start one." if is_alone else ""
            yield finding._replace(sentence=finding.sentence + more)
    for host in sorted(set(expected) - set(books.owners)):
        yield _never_seen(host)


def check_foreign_names(books: Books) -> Finding:
    """Return a finding on names of hosts and collectors that none has registered."""
    found = f"{books.foreign:,} names of hosts or collectors in Redis were never registered"
    problems = [f"{found}; they are ignored."] if books.foreign else []
    fine = "Every name of a host and a collector was registered."
    advice = (
        "Anyone with a collector's password can add them, and so does a collector whose state "
        "directory is lost at each start: see docs/explanation/security.md."
    )
    return verdict("names", problems, fine, advice, Level.WARNING)


def _never_seen(host: str) -> Finding:
    sentence = "It is expected and has never reported: start its collector."
    return Finding(f"collector {host}", Level.WARNING, sentence)


def _check_collector(
    host: str, ledger: Ledger, all_of_host: Sequence[Ledger], patience: float, now: float
) -> Finding:
    is_behind = ledger.watermark < now - patience
    parts = [_read_up_to(ledger.watermark, now), f"{ledger.hwm:,} batches applied"]
    if ledger.ahead:
        parts.append(f"{ledger.ahead:,} more beyond a gap")
    parts.append(_lines(all_of_host))
    advice = " Is its collector running? See its log." if is_behind else ""
    level = Level.WARNING if is_behind else Level.OK
    return Finding(f"collector {host}", level, f"{'; '.join(parts)}.{advice}")


def _read_up_to(watermark: int, now: float) -> str:
    if not watermark:
        return "It has not said yet how far it has read"
    if watermark > now + _DAY:
        return "Read to the end of its input"
    moment = datetime.fromtimestamp(watermark, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    behind = timedelta(seconds=max(0, int(now) - watermark))
    return f"Read up to {moment}, {behind} ago"


def _lines(ledgers: Sequence[Ledger]) -> str:
    malformed: Counter[str] = Counter()
    for ledger in ledgers:
        malformed.update(ledger.malformed)
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in malformed.most_common())
    return (
        f"{sum(ledger.lines for ledger in ledgers):,} lines, "
        f"{sum(ledger.records for ledger in ledgers):,} records, "
        f"{malformed.total():,} malformed{f' ({reasons})' if reasons else ''}"
    )
