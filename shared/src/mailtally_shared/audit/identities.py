"""One collector for each mail host, with one state directory? Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_shared.audit.finding import Finding, Level, verdict
from mailtally_shared.shown import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_shared.state.read.books import Books, Ledger, Registered

_CHECK = "collector identities"
#: Seconds after which a collector that stopped is no longer shown: a service manager restarts it
#: again and again, and each time it is recorded.
_RIVAL_SHOWN = 3600
#: Seconds for which a refused batch is shown.
_DIFFERENT_SHOWN = 86_400
#: Characters of a machine's name that are shown.
_LONGEST_NAME = 120


def check_identities(books: Books, now: float) -> Iterator[Finding]:
    """Yield a finding on different batches with one number, and one on rivals for a host."""
    different = list(_different(books, now))
    if different:
        advice = (
            "Machines use one state directory, or copies of it, at the same time. Give each "
            "machine a directory and a host name of its own; a collector that stopped reads again "
            "what it had not counted when it is started."
        )
        yield verdict(_CHECK, different, "", advice)
    advice = "Stop one of the two for good, or give it another MAILTALLY_COLLECTOR__HOST."
    fine = "One collector counts for each host."
    rivals = list(_rivals(books, now))
    if rivals or not different:
        yield verdict(_CHECK, rivals, fine, advice, Level.WARNING)


def _different(books: Books, now: float) -> Iterator[str]:
    for ledger in books.ledgers:
        if ledger.different and ledger.different_at > now - _DIFFERENT_SHOWN:
            yield _refused(ledger)


def _refused(ledger: Ledger) -> str:
    return (
        f"{ledger.host} sent {ledger.different:,} batches under the numbers of other batches; "
        "they are refused."
    )


def _rivals(books: Books, now: float) -> Iterator[str]:
    for host, registered in sorted(books.registered.items()):
        if registered.rival and registered.rival_at > now - _RIVAL_SHOWN:
            yield _stopped(host, registered)


def _stopped(host: str, registered: Registered) -> str:
    rival, owner = (one_line(m, _LONGEST_NAME) for m in (registered.rival, registered.machine))
    return f"A collector on {rival} stopped, because {owner} counts for {host}."
