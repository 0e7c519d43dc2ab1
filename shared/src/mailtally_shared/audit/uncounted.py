"""Records in quarantine, late or held, and files that are not loaded. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mailtally_shared.audit.finding import Finding, Level, verdict
from mailtally_shared.shown import listed, one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mailtally_shared.days.directory import Directory
    from mailtally_shared.state.read.books import Books, Quarantine
    from mailtally_shared.state.read.live_day import LiveDay


#: Number of files named in one sentence.
_NAMED = 10
#: Reasons of batches that are sound and exceed a limit.
_SOUND = {"overflow", "too-far-ahead", "too-many-days", "too-many-hosts"}
#: Seconds within which a running loader takes every file.
_PATIENCE = 900.0


def check_kept_in_state(books: Books) -> Iterator[Finding]:
    """Yield a finding for each place of records in the state that are not counted or billed yet."""
    yield _check_quarantine(books.quarantine)
    yield _check_late(books)
    yield _check_held(books)


def check_aside(directory: Directory, now: float) -> Iterator[Finding]:
    """Yield a finding for each kind of file that is not loaded."""
    yield _check_waiting(directory, now)
    yield verdict(
        "rejected files",
        [f"Rejected by the loader: {listed(directory.rejected)}."] if directory.rejected else [],
        "None.",
        "The reason is next to each in rejected/; remove the files when the day is settled.",
        Level.WARNING,
    )
    named = ", ".join(one_line(name) for name in directory.strays[:_NAMED])
    yield verdict(
        "stray files",
        [f"{len(directory.strays)} old files belong to no day and will not be loaded: {named}."]
        if directory.strays
        else [],
        "None.",
        "Day files are called dd.mm.YYYY.qml.txt: rename these, or move them elsewhere.",
        Level.WARNING,
    )


def _check_waiting(directory: Directory, now: float) -> Finding:
    age = now - directory.waiting_since
    is_long = bool(directory.waiting) and age > _PATIENCE
    waiting = f"{directory.waiting:,} day files wait for the loader"
    return verdict(
        "waiting files",
        [f"{waiting}, the oldest for {timedelta(seconds=int(age))}."] if is_long else [],
        f"{waiting}.",
        "They are not billed yet: start a loader, or find the cause in its log.",
        Level.WARNING,
    )


def _check_late(books: Books) -> Finding:
    open_ = [day for day in books.late if day.messages and day.is_dirty]
    alone = [day for day in open_ if day.day not in books.pinned]
    coming = [day for day in open_ if day.day in books.pinned]
    problems = []
    if coming:
        problems.append(f"For days that left the state, in the next revision: {_named(coming)}.")
    if alone:
        problems.append(f"Not billed, because no file of their days is known: {_named(alone)}.")
    advice = "Rebuild such a day from its logs: mailtally rebuild --day DAY --logs GLOB."
    written = sum(day.messages for day in books.late) - sum(day.messages for day in open_)
    fine = f"{written:,}, all in a revision of their days." if written else "None."
    return verdict("late records", problems, fine, advice if alone else "", Level.WARNING)


def _check_held(books: Books) -> Finding:
    problems = [
        f"{ledger.host}: {ledger.held:,} records are dated too far in the future, the first "
        f"{ledger.held_days[0]}, the last {ledger.held_days[-1]}."
        for ledger in books.ledgers
        if ledger.held and ledger.held_days
    ]
    return verdict(
        "held records",
        problems,
        "None.",
        "Each is counted when its time comes. Check the host's clock and 'mailtally held list'; "
        "'mailtally held apply' counts them now, 'mailtally held drop' drops them.",
        Level.WARNING,
    )


def _named(days: Collection[LiveDay]) -> str:
    return ", ".join(f"{day.messages:,} for {day.day}" for day in days)


def _check_quarantine(quarantine: Quarantine) -> Finding:
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in quarantine.reasons.items())
    kept = f"{quarantine.batches:,} batches with {quarantine.records:,} records ({reasons})"
    problems = [f"Quarantined and not counted: {kept}."]
    is_sound = quarantine.reasons.keys() <= _SOUND
    cause = (
        "They are sound, but exceed a limit that a setting names"
        if is_sound
        else "A collector's release or its disk may be faulty"
    )
    return verdict(
        "quarantine",
        problems if quarantine.batches else [],
        "Empty.",
        f"{cause}: see the aggregators' logs, 'mailtally quarantine list' for the entries, and "
        "docs/reference/messages.md for the meaning of each reason.",
        Level.FAILED if quarantine.records else Level.WARNING,
    )
