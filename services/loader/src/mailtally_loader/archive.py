"""Archiving loaded files: ``loaded/dd.mm.YYYY.qml.txt.gz`` and its companions.

1. Where an older revision is archived under these names, rename it to ``….rN.…``: the qml
   file first and the manifest, which holds N, last.
2. Write the new manifest, which marks step 1 as complete; then the breakdown, the hours, where the
   day has any, and the qml file.

A crash in step 1 leaves the older manifest in place, one in step 2 the new one; repeating both
steps completes either. The bytes depend on the content only, so writing a file again changes
nothing.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from typing import TYPE_CHECKING

from mailtally_loader.crash_at import CrashAt, Step
from mailtally_shared.days.directory import read_manifest
from mailtally_shared.days.durable import place, sync_directory
from mailtally_shared.days.reading import MAX_FILE_BYTES
from mailtally_shared.errors import BadFile
from mailtally_shared.regular import open_packed, open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailtally_shared.days import DaySet, Manifest

_CHUNK = 1 << 20
_LEVEL = 6
_GZIP_FORMAT = 31  # zlib's largest window, in a gzip wrapper without name or time

#: The order in which an older archive is renamed. A bare file counts as revision 0.
_KINDS = ("txt.gz", "csv.gz", "hours.csv.gz", "json")


def archive(day_set: DaySet, loaded: Path, step: Step) -> None:
    """Archive a set in the directory ``loaded``; repeating it changes nothing."""
    if not _is_archived(day_set, loaded):
        _keep_previous(_name(day_set), loaded, step)
    for kind, original in _originals(day_set):
        step(CrashAt.ARCHIVING)
        chunks = _chunks(original) if kind == "json" else _compressed(original)
        place(loaded / f"{_name(day_set)}.{kind}", chunks)
    step(CrashAt.ARCHIVED)


def _name(day_set: DaySet) -> str:
    return f"{day_set.names.stem}.qml"


def _originals(day_set: DaySet) -> list[tuple[str, Path]]:
    """Return kind and path of each file, in the order in which they are written."""
    names, directory = day_set.names, day_set.directory
    qml = ("txt.gz", directory / names.qml)
    if day_set.manifest is None:
        return [qml]
    companions = [("json", directory / names.manifest), ("csv.gz", directory / names.breakdown)]
    if day_set.manifest.hours:
        companions.append(("hours.csv.gz", directory / names.hours))
    return [*companions, qml]


def _is_archived(day_set: DaySet, loaded: Path) -> bool:
    if day_set.manifest is None:
        return _content_sha256(loaded / f"{_name(day_set)}.txt.gz") == day_set.qml_sha256
    archived = _manifest(_name(day_set), loaded)
    return archived is not None and _identity(archived) == _identity(day_set.manifest)


def _identity(one: Manifest) -> tuple[int, str, str, str | None]:
    hours = one.hours.sha256 if one.hours else None
    return one.revision, one.qml_sha256, one.breakdown_sha256, hours


def _manifest(name: str, loaded: Path) -> Manifest | None:
    try:
        return read_manifest(loaded / f"{name}.json")
    except (FileNotFoundError, BadFile):
        return None


def _content_sha256(path: Path) -> str | None:
    try:
        with open_packed(path, MAX_FILE_BYTES) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, BadFile):
        return None


def _keep_previous(name: str, loaded: Path, step: Step) -> None:
    archived = _manifest(name, loaded)
    revision = archived.revision if archived else 0
    for kind in _KINDS:
        path = loaded / f"{name}.{kind}"
        if os.path.lexists(path):
            path.rename(_free(loaded, f"{name}.r{revision}", kind))
            sync_directory(loaded)
        step(CrashAt.KEEPING_PREVIOUS)


def _free(loaded: Path, name: str, kind: str) -> Path:
    number, free = 1, loaded / f"{name}.{kind}"
    while free.exists():
        number += 1
        free = loaded / f"{name}-{number}.{kind}"
    return free


def _chunks(path: Path) -> Iterator[bytes]:
    with open_regular(path) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _compressed(path: Path) -> Iterator[bytes]:
    packer = zlib.compressobj(_LEVEL, wbits=_GZIP_FORMAT)
    for chunk in _chunks(path):
        yield packer.compress(chunk)
    yield packer.flush()
