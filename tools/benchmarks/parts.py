"""The results of each part of a benchmark as JSON, so that parts can run one by one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.benchmarks.machine import facts

if TYPE_CHECKING:
    from collections.abc import Mapping

RESULTS = Path(__file__).parent / "results"
#: Directory of each part's newest results; not tracked.
PARTS = RESULTS / "parts"

Found = dict[str, Any]


def keep(
    directory: Path, part: str, found: Mapping[str, Any], machine: Mapping[str, object]
) -> Path:
    """Write a part's figures, replacing earlier ones, and return the path.

    Args:
        directory: directory of all parts; created if needed.
        part: name of the part.
        found: figures, of JSON types.
        machine: facts from before the part, so that the load is that of other work.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{part}.json"
    path.write_text(_spelled({"taken_at": _now(), "machine": machine, **found}), "utf-8")
    return path


def kept(directory: Path = PARTS) -> dict[str, Found]:
    """Return the newest figures of each part in a directory."""
    paths = sorted(directory.glob("*.json")) if directory.exists() else []
    return {path.stem: json.loads(path.read_bytes()) for path in paths}


def publish(parts: Mapping[str, Found], verdicts: object) -> Path:
    """Write all parts and their verdicts as one tracked file, and return the path."""
    now = datetime.now(UTC)
    whole = {"taken_at": _now(), "machine": facts(), "targets": verdicts, "parts": parts}
    path = RESULTS / f"{now:%Y-%m-%dT%H%M%SZ}.json"
    path.write_text(_spelled(whole), "utf-8")
    return path


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _spelled(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"
