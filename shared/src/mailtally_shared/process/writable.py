"""Whether a directory that a service writes to can be written to: for its ``check``."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def unwritable(setting: str, directory: Path) -> Iterator[str]:
    """Return a sentence if no file can be made in a directory, or where it would be made.

    The file has no name for longer than that takes.
    """
    place = next(each for each in (directory, *directory.absolute().parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b".")
            file.flush()
    except OSError as error:
        yield f"{setting}: {place} cannot be written to: {error.strerror}."
