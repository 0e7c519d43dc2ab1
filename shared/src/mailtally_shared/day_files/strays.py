"""Files in a statistic directory that no service will take."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from mailtally_shared.day_files.names import LOADED, LOADING, REJECTED, usual_name

if TYPE_CHECKING:
    from pathlib import Path

#: Seconds after its last change from which a file is not on its way any more.
OLD = 3600.0
_DIRECTORIES = frozenset({LOADING, LOADED, REJECTED, "snapshots"})


def strays(directory: Path, now: float) -> list[str]:
    """Return the names of what is old and no file of a day that will be loaded, in order.

    Args:
        directory: the statistic directory; one that is not there has none.
        now: Unix seconds.
    """
    if not directory.is_dir():
        return []
    entries = [path for path in directory.iterdir() if not path.name.startswith(".")]
    days = {_stem(path.name) for path in entries if _is_qml(path)}
    return sorted(
        path.name
        for path in entries
        if path.name not in _DIRECTORIES and not _is_of(path, days) and _is_old(path, now)
    )


def _is_of(path: Path, days: set[str]) -> bool:
    """Return whether a service will take it: a qml file, or what goes with one."""
    return usual_name(path.name) is not None and _stem(path.name) in days and _is_file(path)


def _is_qml(path: Path) -> bool:
    return (usual_name(path.name) or "").endswith(".txt") and _is_file(path)


def _stem(name: str) -> str:
    return name[: len("dd.mm.YYYY")]


def _is_file(path: Path) -> bool:
    """Return whether it is a regular file: services follow no links and open no pipes here."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _is_old(path: Path, now: float) -> bool:
    try:
        return now - path.lstat().st_mtime > OLD
    except FileNotFoundError:  # taken meanwhile
        return False
