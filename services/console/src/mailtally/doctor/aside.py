"""What was kept aside instead of being counted or loaded. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally.doctor.finding import Finding, Level, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally.doctor.figures import Directory
    from mailtally_aggregator.books import Books, Quarantine


def check_aside(books: Books, directory: Directory) -> Iterator[Finding]:
    """What was kept aside instead of being counted or loaded."""
    yield _check_quarantine(books.quarantine)
    late = [f"{day.messages:,} for {day.day}" for day in books.late if day.messages]
    yield verdict(
        "late records",
        [f"Kept aside, because their days had left the state: {', '.join(late)}."] if late else [],
        "None.",
        "They are not billed; correct those days by hand if they matter.",
        Level.WARNING,
    )
    yield verdict(
        "rejected files",
        [f"Set aside by the loader: {', '.join(directory.rejected)}."]
        if directory.rejected
        else [],
        f"None; {directory.waiting:,} files wait for the loader.",
        "Each has its reason beside it in rejected/; remove it when it is settled.",
        Level.WARNING,
    )


def _check_quarantine(quarantine: Quarantine) -> Finding:
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in quarantine.reasons.items())
    kept = f"{quarantine.batches:,} batches with {quarantine.records:,} records ({reasons})"
    problems = [f"Kept aside and not counted: {kept}."]
    return verdict(
        "quarantine",
        problems if quarantine.batches else [],
        "Empty.",
        "Something is wrong with a collector's release or its disk: see the aggregators' logs.",
        Level.WARNING,
    )
