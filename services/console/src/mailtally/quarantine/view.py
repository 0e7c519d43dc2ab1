"""Shows what is in quarantine: a line an entry, or JSON. Pure."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

from mailtally_shared.shown import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_aggregator.kept_aside import KeptAside

#: Of the JSON document.
FORMAT = 1
_LONGEST = 200  # characters of a sentence shown


def line_of(kept: KeptAside) -> str:
    """An entry for people: what, when, whose, how many records, why."""
    when = datetime.fromtimestamp(kept.time, UTC)
    host = kept.header.host if kept.header else "-"
    entry = one_line(kept.entry, _LONGEST)
    why = f"{one_line(kept.reason)}: {one_line(kept.message, _LONGEST)}"
    return f"{entry}  {when:%Y-%m-%d %H:%M:%SZ}  {host}  {kept.records:,} records  {why}"


def write_json(found: Iterable[KeptAside], file: IO[str]) -> None:
    """One document with everything in it, payloads as Base64: a copy to keep."""
    document = {"format": FORMAT, "entries": [_fields(kept) for kept in found]}
    json.dump(document, file, indent=2)
    file.write("\n")


def _fields(kept: KeptAside) -> dict[str, Any]:
    return {
        "entry": kept.entry,
        "reason": kept.reason,
        "message": kept.message,
        "time": kept.time,
        "bytes": kept.size,
        "records": kept.records,
        "header": kept.header.model_dump(mode="json") if kept.header else None,
        "payload": b64encode(kept.payload).decode("ascii"),
    }
