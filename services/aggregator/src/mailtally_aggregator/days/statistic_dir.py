"""The statistic directory as a resource that may fail for a while: full, or not mounted."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from mailtally_shared.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def directory_errors(directory: Path) -> Iterator[None]:
    """Translate the operating system's failures into ``Unavailable``, so that the writer waits."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"The statistic directory {directory} cannot be written to: {error.strerror or error}."
        ) from error
