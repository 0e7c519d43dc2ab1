"""The file of a manifest, read with limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_shared.day_files import manifest
from mailtally_shared.regular import read_regular

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.day_files.manifest import Manifest

#: Largest manifest that is read, in bytes.
MAX_BYTES = 4 * 2**20


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        FileNotFoundError: there is none.
        BadFile: it is no file, too large, or no manifest.
    """
    return manifest.parse(read_regular(path, MAX_BYTES), path.name)
