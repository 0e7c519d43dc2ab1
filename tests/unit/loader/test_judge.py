"""Which sets of day files may replace what is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailtally_loader.judge import Newest, Verdict, judge
from mailtally_shared.days import ChargingPolicy, DaySet, Manifest
from mailtally_shared.days.charged_rows import QmlTotals
from mailtally_shared.days.manifest import CountedSums, Lowered, utc
from mailtally_shared.errors import BadFile
from tests.support.day_sets import DAY, NAMES

OURS, OTHER = "a" * 64, "b" * 64
TOTALS = QmlTotals(rows=2, bytes=100, hits_all=10, hits_html=5)
COUNTED = CountedSums(messages=15, bytes=100, transferred=100)
LOADED = Newest(
    revision=3, qml_sha256=OURS, breakdown_sha256=OURS, totals=TOTALS, collectors={"m1": COUNTED}
)


def day_set(
    *,
    revision: int | None,
    qml: str = OURS,
    breakdown: str = OURS,
    totals: QmlTotals = TOTALS,
    counted: CountedSums = COUNTED,
    lowered_by: Lowered | None = None,
) -> DaySet:
    manifest = None
    if revision is not None:
        manifest = Manifest(
            day=DAY,
            timezone="UTC",
            revision=revision,
            complete=True,
            policy=ChargingPolicy(),
            breakdown_rows=2,
            total_messages=counted.messages,
            total_bytes=counted.bytes,
            collectors={"m1": counted} if counted.messages else {},
            lowered_by=lowered_by,
            qml_rows=2,
            charged_bytes=totals.bytes,
            hits_all=totals.hits_all,
            hits_html=totals.hits_html,
            qml_sha256=qml,
            breakdown_sha256=breakdown,
            written_at=utc(1_770_000_000),
        )
    return DaySet(Path(), NAMES, DAY, manifest, qml, totals)


@pytest.mark.parametrize("revision", [None, 1])
def test_a_day_that_was_never_loaded_is_loaded(revision: int | None) -> None:
    assert judge(day_set(revision=revision), None) is Verdict.LOAD


def test_a_newer_revision_that_charges_less_of_the_same_count_is_loaded() -> None:
    lower = day_set(revision=4, qml=OTHER, totals=TOTALS._replace(bytes=1))
    assert judge(lower, LOADED) is Verdict.LOAD


@pytest.mark.parametrize("quantity", ["messages", "bytes", "transferred"])
def test_a_newer_revision_that_counts_less_of_a_host_needs_a_persons_word(quantity: str) -> None:
    less = COUNTED.model_copy(update={quantity: getattr(COUNTED, quantity) - 1})
    with pytest.raises(BadFile, match="counts less of m1") as refused:
        judge(day_set(revision=4, breakdown=OTHER, counted=less), LOADED)
    assert refused.value.reason == "lowers-counted"
    word = Lowered(who="root@central", at=utc(1_770_000_000))
    allowed = day_set(revision=4, breakdown=OTHER, counted=less, lowered_by=word)
    assert judge(allowed, LOADED) is Verdict.LOAD


def test_a_newer_revision_that_lacks_a_host_needs_a_persons_word() -> None:
    nothing = CountedSums(messages=0, bytes=0, transferred=0)
    with pytest.raises(BadFile, match="counts less of m1"):
        judge(day_set(revision=4, breakdown=OTHER, counted=nothing), LOADED)


def test_a_newer_revision_with_the_same_figures_is_noted() -> None:
    assert judge(day_set(revision=4), LOADED) is Verdict.RECORD


def test_a_newer_revision_with_another_breakdown_is_loaded() -> None:
    assert judge(day_set(revision=4, breakdown=OTHER), LOADED) is Verdict.LOAD


def test_the_same_revision_again_is_archived_only() -> None:
    assert judge(day_set(revision=3), LOADED) is Verdict.SKIP


@pytest.mark.parametrize(("revision", "qml"), [(3, OTHER), (2, OURS), (2, OTHER)])
def test_an_older_revision_or_the_same_with_other_content_is_stale(revision: int, qml: str) -> None:
    with pytest.raises(BadFile) as refused:
        judge(day_set(revision=revision, qml=qml), LOADED)
    assert refused.value.reason == "stale"


def test_a_bare_file_that_is_loaded_already_is_archived_only() -> None:
    assert judge(day_set(revision=None), LOADED) is Verdict.SKIP


@pytest.mark.parametrize("quantity", ["bytes", "hits_all", "hits_html"])
def test_a_bare_file_that_lowers_anything_is_refused(quantity: str) -> None:
    lower = TOTALS._replace(**{quantity: getattr(TOTALS, quantity) - 1})
    with pytest.raises(BadFile) as refused:
        judge(day_set(revision=None, qml=OTHER, totals=lower), LOADED)
    assert refused.value.reason == "lowers-total"


def test_a_bare_file_that_lowers_nothing_is_loaded() -> None:
    higher = TOTALS._replace(bytes=101)
    assert judge(day_set(revision=None, qml=OTHER, totals=higher), LOADED) is Verdict.LOAD
