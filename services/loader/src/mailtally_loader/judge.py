"""Whether a good set of day files may replace what is loaded (DESIGN section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from mailtally_shared.errors import BadFile

if TYPE_CHECKING:
    from mailtally_shared.day_files import DaySet, Manifest
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


def judge(day_set: DaySet, newest: Newest | None) -> Verdict:
    """Decide on a set.

    Args:
        day_set: checked and in agreement with itself.
        newest: None where the day was never loaded.

    Raises:
        BadFile: it must not be loaded; reasons ``stale``, ``lowers-total``.
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
            "if that is right, let the day writer restate the day",
        )
    return Verdict.LOAD


def _judge_revision(day_set: DaySet, manifest: Manifest, newest: Newest) -> Verdict:
    same = (day_set.qml_sha256, manifest.breakdown_sha256) == (
        newest.qml_sha256,
        newest.breakdown_sha256,
    )
    if manifest.revision > newest.revision:
        return Verdict.RECORD if same else Verdict.LOAD
    if manifest.revision == newest.revision and same:
        return Verdict.SKIP
    raise BadFile(
        "stale",
        day_set.names.qml,
        f"it is revision {manifest.revision}, but revision {newest.revision} was loaded before",
    )
