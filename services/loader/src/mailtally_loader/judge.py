"""Whether a valid set of day files may replace the loaded one."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from mailtally_shared.errors import BadFile
from mailtally_shared.shown import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailtally_shared.days import DaySet, Manifest
    from mailtally_shared.days.charged_rows import QmlTotals
    from mailtally_shared.days.manifest import CountedSums


class Verdict(Enum):
    """The decision on a set that may be loaded."""

    LOAD = "load"  # replace the day's rows
    RECORD = "record"  # a newer revision with the same figures: record it, leave the rows
    SKIP = "skip"  # already loaded: archive it


@dataclass(frozen=True, slots=True)
class Newest:
    """The database's record of the newest load of a day."""

    revision: int  # the highest of the day's revisions ever loaded; 0 if none had one
    qml_sha256: str
    breakdown_sha256: str | None
    totals: QmlTotals
    hours_sha256: str | None = None
    collectors: Mapping[str, CountedSums] = field(default_factory=dict)  # counted, charged or not


def judge(day_set: DaySet, newest: Newest | None) -> Verdict:
    """Decide on a set.

    Args:
        day_set: checked and consistent.
        newest: ``None`` where the day was never loaded.

    Raises:
        BadFile: the set must not be loaded; reasons ``stale``, ``lowers-total``,
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
    found, loaded = day_set.totals, newest.totals
    if (
        found.bytes < loaded.bytes
        or found.hits_all < loaded.hits_all
        or found.hits_html < loaded.hits_html
    ):
        raise BadFile(
            "lowers-total",
            day_set.names.qml,
            f"it has no manifest and would lower the day from {loaded} to {found}; "
            "if that is right, write the day from its logs: "
            "mailtally rebuild --day DAY --logs GLOB",
        )
    return Verdict.LOAD


def _judge_revision(day_set: DaySet, manifest: Manifest, newest: Newest) -> Verdict:
    hours = manifest.hours and manifest.hours.sha256
    same = (day_set.qml_sha256, manifest.breakdown_sha256, hours) == (
        newest.qml_sha256,
        newest.breakdown_sha256,
        newest.hours_sha256,
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
    """Refuse lower counts of a collector without a person's word; what is charged may be lower."""
    loaded = sorted(newest.collectors.items())
    lower = [name for name, sums in loaded if _is_lower(manifest, name, sums)]
    if lower and manifest.lowered_by is None:
        raise BadFile(
            "lowers-counted",
            day_set.names.breakdown,
            f"it counts less of {listed(lower)} than what is loaded, and no person allowed "
            "that: rebuild the day from its logs (mailtally rebuild; --lower where it is right)",
        )


def _is_lower(manifest: Manifest, collector: str, loaded: CountedSums) -> bool:
    found = manifest.collectors.get(collector)
    return found is None or found.is_below(loaded)
