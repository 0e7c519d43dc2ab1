"""The progress names each kind of line and of day by what it is."""

from __future__ import annotations

import io

from rich.console import Console

from mailtally.local.progress import Progress
from mailtally.local.progress_shown import Progressing


def shown(progress: Progress) -> str:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, color_system=None, width=200)
    with Progressing(console, 300_000) as progressing:
        progressing.tell(progress)
    return screen.getvalue()


def progress(**given: int) -> Progress:
    names = ("lines", "records", "malformed", "quarantined", "days", "days_written")
    return Progress(
        **{**dict.fromkeys((*names, "days_stopped", "days_due", "files_waiting"), 0), **given}
    )


def test_what_is_malformed_quarantined_stopped_or_waiting_is_named() -> None:
    text = shown(
        progress(
            lines=1000,
            malformed=3,
            quarantined=5,
            days=3,
            days_written=2,
            days_stopped=1,
            files_waiting=2,
        )
    )
    assert (
        "1,000 of 300,000 lines counted, 3 malformed, 5 quarantined, 2 of 3 days written, "
        "1 stopped, 2 waiting for the loader"
    ) in text


def test_what_there_is_none_of_is_not_named() -> None:
    assert "12 of 300,000 lines counted" in shown(progress(lines=12))
    assert "malformed" not in shown(progress(lines=12))


def test_a_site_is_settled_once_nothing_is_due_or_waits() -> None:
    assert progress(days=3, days_written=2, days_stopped=1).is_settled
    assert not progress(days=1, days_due=1).is_settled
    assert not progress(days=1, days_written=1, files_waiting=1).is_settled
