"""When a group is full, and when it is handed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mailtally_aggregator.intake.group import Group, is_behind
from mailtally_aggregator.policies import GroupLimits
from mailtally_shared.schema import END_OF_TIME
from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.wire.announcement import BatchHeader, Heartbeat
from tests.support.records import NONCE, NOON, Record, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = 86_400
BEHIND: dict[str, Any] = {"clock": NOON, "watermark": NOON - 3600}
CAUGHT_UP: dict[str, Any] = {"clock": NOON, "watermark": NOON - 1}


def header(seq: int = 1, host: str = "mail1", **fields: Any) -> BatchHeader:  # noqa: ANN401 - any field
    given: dict[str, Any] = {
        "collector_id": ("a" if host == "mail1" else "b") * 32,
        "epoch": 1,
        "nonce": NONCE,
        "host": host,
        "seq": seq,
        "lines": 1,
        "records": 1,
        "rows": 1,
        "watermark": 0,
        "progress": "{}",
        "payload_key": "key",
        "payload_bytes": 10,
        "checksum": f"{seq:032x}",
    }
    return BatchHeader.model_validate(given | fields)


def group_of(*batches: Sequence[Record], host: str = "mail1") -> Group:
    group = Group()
    for seq, records in enumerate(batches, 1):
        group.add(Batch(header(seq, host, rows=len(records)), rows(records)))
    return group


def named(*domains: str, time: int = NOON) -> list[Record]:
    return [Record(time=time, domain=domain) for domain in domains]


@pytest.mark.parametrize(
    ("batches", "names"),
    [
        ([named("a.example", "b.example")], 2),
        ([named("a.example", "b.example")] * 3, 2),
        ([named("a.example"), named("a.example", time=NOON + DAY)], 2),
        ([named("a.example"), [Record(domain="a.example", host="relay.example")]], 2),
        ([named("a.example"), named("b.example"), named("c.example", "a.example")], 3),
        ([[]], 0),
    ],
)
def test_a_group_is_full_by_the_names_that_redis_writes(
    batches: list[list[Record]], names: int
) -> None:
    assert not group_of(*batches).is_full(GroupLimits(names=names + 1))
    if names:
        assert group_of(*batches).is_full(GroupLimits(names=names))


def test_names_are_counted_on_as_batches_come() -> None:
    group, limits = Group(), GroupLimits(names=3)
    for seq in range(1, 4):
        group.add(Batch(header(seq), rows(named("a.example", "b.example"))))
        assert not group.is_full(limits)
    group.add(Batch(header(4), rows(named("c.example"))))
    assert group.is_full(limits)


def test_one_batch_fits_whatever_its_size() -> None:
    huge = header(rows=10**6, payload_bytes=10**9)
    assert Group().has_room_for(huge, GroupLimits(rows=10, max_payload=10))
    group = group_of(named("a.example"))
    assert not group.has_room_for(huge, GroupLimits(rows=10))
    assert not group.has_room_for(huge, GroupLimits(max_payload=10))
    assert not group.has_room_for(header(2), GroupLimits(batches=1))
    assert group.has_room_for(header(2), GroupLimits())


def test_a_merged_group_takes_nothing_more() -> None:
    group = group_of(named("a.example"))
    group.is_merged = True
    assert not group.has_room_for(header(2), GroupLimits())
    assert not group.has_room_for(beat(), GroupLimits())


def beat() -> Heartbeat:
    return Heartbeat(
        collector_id="a" * 32, epoch=1, nonce=NONCE, host="mail1", after_seq=1, watermark=1
    )


def test_an_announcement_counts_once_however_often_it_comes() -> None:
    group = Group()
    assert group.note("first", header(1), 0.0)
    assert not group.note("again", header(1), 0.0)
    assert group.note("other", header(2), 0.0)
    assert not group.note("beat", beat(), 0.0)
    assert not group.note("junk", None, 0.0)
    assert group.messages == ["first", "again", "other", "beat", "junk"]
    assert group.heartbeats == [beat()]


@pytest.mark.parametrize(
    ("fields", "behind"),
    [
        (BEHIND, True),
        ({"clock": NOON, "watermark": 0}, True),
        (CAUGHT_UP, False),
        ({"clock": NOON, "watermark": END_OF_TIME}, False),
    ],
)
def test_a_collector_is_behind_while_its_watermark_is(
    fields: dict[str, Any], *, behind: bool
) -> None:
    assert is_behind(header(**fields)) is behind


def test_lines_that_are_read_as_they_are_logged_do_not_wait() -> None:
    group = Group()
    group.note(None, header(1, **CAUGHT_UP), 0.0)
    group.note(None, beat(), 0.0)
    assert group.waits(0.0, 60.0, GroupLimits()) == 0.0


def test_a_backlog_waits_in_proportion_to_what_a_commit_costs_up_to_the_limit() -> None:
    group = Group()
    group.note(None, header(1, **BEHIND), 100.0)
    assert group.waits(100.0, 0.0, GroupLimits()) == 0.0
    assert group.waits(100.0, 0.1, GroupLimits()) == pytest.approx(0.2)
    assert group.waits(100.1, 0.1, GroupLimits()) == pytest.approx(0.1)
    assert group.waits(100.0, 60.0, GroupLimits(wait=0.5)) == pytest.approx(0.5)
    assert group.waits(100.6, 60.0, GroupLimits(wait=0.5)) == 0.0


def test_the_last_batch_of_a_backlog_ends_the_wait() -> None:
    group = Group()
    group.note(None, header(1, **BEHIND), 0.0)
    group.note(None, header(1, "mail2", **CAUGHT_UP), 0.0)
    assert group.waits(0.0, 60.0, GroupLimits()) > 0.0
    group.note(None, header(2, **CAUGHT_UP), 0.0)
    assert group.waits(0.0, 60.0, GroupLimits()) == 0.0


def test_a_full_group_does_not_wait() -> None:
    group = group_of(named("a.example"))
    group.note(None, header(1, **BEHIND), 0.0)
    assert group.waits(0.0, 60.0, GroupLimits()) > 0.0
    assert group.waits(0.0, 60.0, GroupLimits(batches=1)) == 0.0
