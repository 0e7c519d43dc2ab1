"""The newest files of a day, wherever they are: waiting for the loader, or archived."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_shared.day_files import DayNames, Manifest, Sums, breakdown, manifest
from mailtally_shared.day_files.names import LOADED, LOADING
from mailtally_shared.errors import BadFile, Refused

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Filed:
    """A day as it was written last."""

    manifest: Manifest
    rows: list[Sums]


def newest_filed(directory: Path, day: date) -> Filed | None:
    """The newest revision of a day; ``None`` where the day was never written.

    Args:
        directory: the statistic directory.
        day: the traffic day.

    Raises:
        Refused: the loader has the files in hand, they cannot be read, or they are
            of other origin and say nothing about hosts.
    """
    names = DayNames.of(day)
    if (directory / LOADING / names.stem).exists():
        raise Refused(f"The loader has the files of {day} in hand: try again when it is done.")
    loaded = directory / LOADED
    try:
        if (directory / names.qml).exists():
            return _read(directory / names.manifest, directory / names.breakdown)
        if (loaded / f"{names.qml}.gz").exists():
            return _read(loaded / names.manifest, loaded / f"{names.breakdown}.gz")
    except (OSError, EOFError, zlib.error, BadFile) as error:
        raise Refused(
            f"The files of {day} cannot be read ({error}): bring them back, or move them away "
            "to rebuild the day from its logs alone."
        ) from error
    return None


def _read(manifest_path: Path, breakdown_path: Path) -> Filed:
    written = manifest.parse(manifest_path.read_bytes(), manifest_path.name)
    packed = breakdown_path.suffix == ".gz"
    with gzip.open(breakdown_path) if packed else breakdown_path.open("rb") as lines:
        return Filed(written, list(breakdown.parse(lines, breakdown_path.name)))
