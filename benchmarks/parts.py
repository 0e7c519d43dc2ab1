"""What each part of a benchmark found, kept as JSON so that the parts may be taken one by one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.machine import facts

if TYPE_CHECKING:
    from collections.abc import Mapping

RESULTS = Path(__file__).parent / "results"
#: Where the newest of each part is kept; not tracked.
PARTS = RESULTS / "parts"

Found = dict[str, Any]


def keep(
    directory: Path, part: str, found: Mapping[str, Any], machine: Mapping[str, object]
) -> Path:
    """Write a part's figures, in the place of earlier ones; returns where to.

    Args:
        directory: of all parts; made if it is not there.
        part: its name.
        found: JSON's types.
        machine: its facts as they were before the part: the load is that of other work.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{part}.json"
    path.write_text(_spelled({"taken_at": _now(), "machine": machine, **found}), "utf-8")
    return path


def kept(directory: Path = PARTS) -> dict[str, Found]:
    """The newest figures of each part that was ever kept there."""
    paths = sorted(directory.glob("*.json")) if directory.exists() else []
    return {path.stem: json.loads(path.read_bytes()) for path in paths}


def publish(parts: Mapping[str, Found], verdicts: object) -> Path:
    """Write all parts and what they came to as one file, to be tracked; returns where to."""
    now = datetime.now(UTC)
    whole = {"taken_at": _now(), "machine": facts(), "targets": verdicts, "parts": parts}
    path = RESULTS / f"{now:%Y-%m-%dT%H%M%SZ}.json"
    path.write_text(_spelled(whole), "utf-8")
    return path


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _spelled(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"
