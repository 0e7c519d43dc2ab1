"""Whether a good set of day files may replace what is loaded (DESIGN section 5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from mailtally_shared.errors import BadFile
from mailtally_shared.shown import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailtally_shared.day_files import DaySet, Manifest
    from mailtally_shared.day_files.manifest import CountedSums
    from mailtally_shared.day_files.rows import QmlTotals


class Verdict(Enum):
    """What to do with a set that may be loaded."""

    LOAD = "load"  # replace the day's rows
    RECORD = "record"  # a newer revision with the same figures: note it, leave the rows
    SKIP = "skip"  # loaded already: archive it


@dataclass(frozen=True, slots=True)
class Newest:
    """What the database says of the newest load of a day."""

    revision: int  # the highest of the day's revisions ever loaded; 0 if none had one
    qml_sha256: str
    breakdown_sha256: str | None
    totals: QmlTotals
    hosts: Mapping[str, CountedSums] = field(default_factory=dict)  # counted, charged or not


def judge(day_set: DaySet, newest: Newest | None) -> Verdict:
    """Decide on a set.

    Args:
        day_set: checked and in agreement with itself.
        newest: None where the day was never loaded.

    Raises:
        BadFile: it must not be loaded; reasons ``stale``, ``lowers-total``,
            ``lowers-counted``.
    """
    if newest is None:
        return Verdict.LOAD
    if day_set.manifest is None:
        return _judge_bare(day_set, newest)
    return _judge_revision(day_set, day_set.manifest, newest)


def _judge_bare(day_set: DaySet, newest: Newest) -> Verdict:
    if day_set.qml_sha256 == newest.qml_sha256:
        return Verdict.SKIP
    ours, theirs = day_set.totals, newest.totals
    if (
        ours.bytes < theirs.bytes
        or ours.hits_all < theirs.hits_all
        or ours.hits_html < theirs.hits_html
    ):
        raise BadFile(
            "lowers-total",
            day_set.names.qml,
            f"it has no manifest and would lower the day from {theirs} to {ours}; "
            "if that is right, write the day from its logs: "
            "mailtally rebuild --day DAY --logs GLOB",
        )
    return Verdict.LOAD


def _judge_revision(day_set: DaySet, manifest: Manifest, newest: Newest) -> Verdict:
    same = (day_set.qml_sha256, manifest.breakdown_sha256) == (
        newest.qml_sha256,
        newest.breakdown_sha256,
    )
    if manifest.revision > newest.revision:
        if same:
            return Verdict.RECORD
        _refuse_lower(day_set, manifest, newest)
        return Verdict.LOAD
    if manifest.revision == newest.revision and same:
        return Verdict.SKIP
    raise BadFile(
        "stale",
        day_set.names.qml,
        f"it is revision {manifest.revision}, but revision {newest.revision} was loaded before",
    )


def _refuse_lower(day_set: DaySet, manifest: Manifest, newest: Newest) -> None:
    """Refuse lower counts of a host without a person's word; what is charged may be lower."""
    lower = [host for host, sums in sorted(newest.hosts.items()) if _is_lower(manifest, host, sums)]
    if lower and manifest.lowered_by is None:
        raise BadFile(
            "lowers-counted",
            day_set.names.breakdown,
            f"it counts less of {listed(lower)} than what is loaded, and no person allowed "
            "that: rebuild the day from its logs (mailtally rebuild; --lower where it is right)",
        )


def _is_lower(manifest: Manifest, host: str, loaded: CountedSums) -> bool:
    found = manifest.hosts.get(host)
    return found is None or found.is_below(loaded)
