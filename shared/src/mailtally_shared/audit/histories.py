"""A state that went back: whether it knows less than before, and the days affected. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_shared.audit.finding import Finding, verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import date

    from mailtally_shared.days import Manifest
    from mailtally_shared.state.read.books import Books

_ADVICE = (
    "If the mail hosts are still sending again, check again in a minute. Otherwise rebuild each "
    "day named from the logs of all mail hosts: mailtally rebuild --day DAY --logs GLOB."
)


def check_history(books: Books, lost: Mapping[date, Collection[str]], *, is_older: bool) -> Finding:
    """Return a finding on a state that went back, and the days that lack records.

    Args:
        books: the state.
        lost: days that lost batches touched, each with their hosts.
        is_older: the day writer saw a later state than this one.
    """
    problems = [f"{day} is not written: {why}" for day, why in sorted(books.stopped.items())]
    problems += [
        f"{day}: batches of {', '.join(sorted(hosts))} that touched it are lost."
        for day, hosts in sorted(lost.items())
        if day not in books.stopped
    ]
    if is_older:
        problems.append(f"Redis is older than the day writer remembers{_unheard(books)}.")
    fine = (
        f"It holds all that was committed: {books.state.commits if books.state else 0:,} commits."
    )
    return verdict("state history", problems, fine, _ADVICE)


def _unheard(books: Books) -> str:
    if books.state is None:
        return ""
    given = {
        ledger.collector_id
        for ledger in books.ledgers
        if ledger.acknowledged == books.state.history
    }
    hosts = sorted(host for host, owner in books.owners.items() if owner not in given)
    return f", and has not heard from {', '.join(hosts)} since" if hosts else ""


def check_newest(books: Books, newest: Mapping[date, Manifest]) -> Finding:
    """Check that the newest files of no day have a later revision than the state knows."""
    problems = list(_ahead_of_state(books, newest))
    fine = f"The newest files of {len(books.days):,} days are those that the state knows."
    return verdict("newest files", problems, fine, _ADVICE)


def _ahead_of_state(books: Books, newest: Mapping[date, Manifest]) -> Iterator[str]:
    for day in books.days:
        found = newest.get(day.day)
        if found is None or found.revision <= (day.written_revision or 0):
            continue
        seen = found.state
        if (
            seen
            and books.state
            and seen.history == books.state.history
            and seen.commits > books.state.commits
        ):
            continue  # written after the state was read
        if (found.total_messages, found.total_bytes) != (day.messages, day.bytes):
            yield (
                f"{day.day}: its newest files are revision {found.revision} with "
                f"{found.total_messages:,} messages, above revision {day.written_revision or 0} "
                f"of the state, which has {day.messages:,}."
            )
