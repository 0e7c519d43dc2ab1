"""The console of a command's output: ``NO_COLOR`` and ``TERM=dumb`` leave out all styles."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from typing import Literal


def open_console(*, stderr: bool = False) -> Console:
    """Return a console on standard output, or on standard error."""
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    colors: Literal["auto"] | None = None if is_plain else "auto"
    return Console(stderr=stderr, color_system=colors)
