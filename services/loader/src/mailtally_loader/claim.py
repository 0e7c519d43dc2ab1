"""Claiming a day's files in ``loading/``, and releasing them.

A claimed day has a directory of its own, ``loading/dd.mm.YYYY/``. The qml file
arrives there last, which completes the claim; the directory leaves under its name in
one step, which ends it. A crash at any point thus leaves one of three things:

    a directory with a qml file      a claim: loaded at the next start
    a directory without              no claim yet: its files are moved back
    a directory ``.done-…``          completed: removed
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from mailtally_loader.crash_at import CrashAt, Step
from mailtally_shared.days.durable import place, sync_directory
from mailtally_shared.days.names import LOADING, REJECTED, DayNames

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.errors import BadFile

_DONE = ".done-"


def loading_place(directory: Path, names: DayNames) -> Path:
    """Return the directory of a day's files while they are being loaded."""
    return directory / LOADING / names.stem


def claim(directory: Path, names: DayNames, step: Step) -> bool:
    """Claim a day; return false where an earlier claim of it is still being loaded.

    The caller holds the lock of ``directory``, so that the day writer does not change
    these files.
    """
    target = loading_place(directory, names)
    if target.exists():
        return False
    target.mkdir()
    for name in names.all:
        step(CrashAt.CLAIMING)
        if os.path.lexists(directory / name):
            (directory / name).rename(target / name)
    for changed in (target, target.parent, directory):
        sync_directory(changed)
    step(CrashAt.CLAIMED)
    return True


def claimed(directory: Path) -> list[DayNames]:
    """Return the days in ``loading/``, oldest first."""
    days = [names for names, path in _places(directory) if (path / names.qml).exists()]
    return sorted(days, key=lambda names: names.stem.split(".")[::-1])


def tidy(directory: Path) -> None:
    """Complete what a crash interrupted: undo partial claims, remove completed ones.

    The caller holds the lock of ``directory``.
    """
    for path in list((directory / LOADING).iterdir()):
        if path.name.startswith(_DONE):
            _remove(path)
        elif _is_in_the_way(path):
            path.rename(_free(directory / REJECTED / path.name))
    for names, path in _places(directory):
        if not (path / names.qml).exists():
            _undo(directory, path)


def _places(directory: Path) -> list[tuple[DayNames, Path]]:
    """Return the directories of days in ``loading/``; other entries are left alone."""
    paths = [path for path in (directory / LOADING).iterdir() if _is_directory(path)]
    named = [(DayNames.of_qml(f"{path.name}.qml.txt"), path) for path in paths]
    return [(names, path) for names, path in named if names]


def _is_in_the_way(path: Path) -> bool:
    """Return whether a name that a claim needs is not a directory, but a link or a file."""
    return DayNames.of_qml(f"{path.name}.qml.txt") is not None and not _is_directory(path)


def _is_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _remove(path: Path) -> None:
    if _is_directory(path):
        shutil.rmtree(path)
    else:
        path.unlink()


def _undo(directory: Path, half: Path) -> None:
    for path in list(half.iterdir()):
        # A file of that name in the statistic directory belongs to a later revision, which
        # holds the whole day.
        if os.path.lexists(directory / path.name):
            _remove(path)
        else:
            path.rename(directory / path.name)
    sync_directory(directory)
    half.rmdir()


def release(directory: Path, names: DayNames, step: Step) -> None:
    """Remove a day's originals, all or none."""
    done = directory / LOADING / f"{_DONE}{names.stem}"
    loading_place(directory, names).rename(done)
    sync_directory(done.parent)
    step(CrashAt.RELEASED)
    shutil.rmtree(done)


def reject(directory: Path, names: DayNames, error: BadFile, step: Step) -> Path:
    """Move a day's files to ``rejected/`` with the reason, all in one step.

    Returns:
        Their new directory: ``rejected/dd.mm.YYYY``, or with ``.2``, ``.3`` … where
        earlier ones are kept.
    """
    source = loading_place(directory, names)
    reason = f"{error.reason}\n{error}\n".encode("ascii", "backslashreplace")
    place(source / f"{names.stem}.qml.reason.txt", [reason])
    step(CrashAt.REASON_WRITTEN)
    target = _free(directory / REJECTED / names.stem)
    source.rename(target)
    sync_directory(target.parent)
    sync_directory(source.parent)
    return target


def reject_file(directory: Path, path: Path, error: BadFile) -> None:
    """Reject one file that was never claimed, with the reason."""
    target = _free(directory / REJECTED / path.name)
    target.mkdir(parents=True)
    reason = f"{error.reason}\n{error}\n".encode("ascii", "backslashreplace")
    place(target / f"{path.name}.reason.txt", [reason])
    path.rename(target / path.name)
    sync_directory(target)
    sync_directory(directory)


def _free(path: Path) -> Path:
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.name}.{number}")
    return free
