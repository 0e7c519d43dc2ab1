"""What is in an archive of day files, as the files were before the loader packed them."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_STATE = re.compile(rb'"state": \{\s*"history": "[0-9a-f]{32}",\s*"commits": [1-9]\d*\s*\}')


def archived(loaded: Path) -> dict[str, bytes]:
    """Return the newest files of each day, unpacked, by the names they had before.

    A manifest names the state that its day comes from. That is the one thing that analyze, which
    has none, cannot write.
    """
    return {
        path.name.removesuffix(".gz"): _STATE.sub(b'"state": null', _unpacked(path))
        for path in sorted(loaded.glob("[!.]*.qml.*"))
        if ".qml.r" not in path.name
    }


def _unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content
