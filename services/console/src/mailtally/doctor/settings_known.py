"""Variables in the environment that set nothing. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally.doctor.finding import Finding, Level, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence


def check_settings(unknown: Sequence[str]) -> Finding:
    """Name each variable that looks like a setting and is none.

    Args:
        unknown: a sentence for each.
    """
    fine = "Every MAILTALLY_ variable of this environment is a setting."
    advice = "Correct its name (docs/settings.md), or remove it: it has no effect."
    return verdict("settings", unknown, fine, advice, Level.WARNING)
