"""During a rolling upgrade, batches of a newer format wait for an aggregator that knows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgpack
import pytest

from mailtally_aggregator.intake import gathering
from mailtally_shared.wire.announcement import VERSION, parse_announcement
from mailtally_shared.wire.payload import MAGIC, checksum
from tests.contract.test_intake import RECORDS, Pipe
from tests.support.records import NOON, domain_sums

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally.local.embedded_redis import EmbeddedRedis
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys
    from mailtally_shared.wire.announcement import BatchHeader, Heartbeat


@pytest.fixture
def pipe(
    state: State, keys: StateKeys, calendar: Calendar, empty_redis: EmbeddedRedis
) -> Iterator[Pipe]:
    made = Pipe(state=state, keys=keys, calendar=calendar, url=empty_redis.broker_url)
    yield made
    made.close()


def newer(header: BatchHeader) -> bytes:
    """The announcement as a version to come may write it."""
    return json.dumps(
        json.loads(header.to_bytes()) | {"version": VERSION + 1, "colour": "blue"}
    ).encode()


def parse_newer(body: bytes) -> BatchHeader | Heartbeat:
    """How an aggregator of that version reads both."""
    fields = json.loads(body)
    fields.pop("colour", None)
    return parse_announcement(json.dumps(fields | {"version": VERSION}).encode())


def announce(pipe: Pipe, header: BatchHeader, body: bytes) -> None:
    payload = pipe.state.get(header.payload_key)
    assert isinstance(payload, bytes)
    pipe.publisher.batches([(body, header.payload_key, payload)])


def test_a_newer_announcement_waits_until_an_upgraded_aggregator_takes_it(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, older = pipe.mail1.batch(RECORDS), pipe.mail1.batch(RECORDS)
    for _ in range(20):  # as often as its collector may send it
        announce(pipe, header, newer(header))
        pipe.drain()
    pipe.send(older)
    pipe.drain()
    assert pipe.sums() == domain_sums(RECORDS)
    assert not pipe.state.exists(pipe.keys.quarantine)
    assert pipe.state.exists(header.payload_key)
    monkeypatch.setattr(gathering, "parse_announcement", parse_newer)
    announce(pipe, header, newer(header))
    pipe.drain()
    assert pipe.sums() == domain_sums(RECORDS * 2)
    assert pipe.state.hget(pipe.keys.ledger(pipe.mail1.id), "hwm") == b"2"


def test_a_newer_payload_is_not_kept_aside_either(pipe: Pipe) -> None:
    header = pipe.mail1.batch(RECORDS)
    payload = MAGIC[:3] + b"9something to come"
    digest = checksum(payload)
    newer_header = header.model_copy(
        update={
            "checksum": digest,
            "payload_bytes": len(payload),
            "payload_key": pipe.keys.payload(pipe.mail1.id, header.seq, digest),
        }
    )
    for _ in range(20):
        pipe.send(newer_header, payload)
        assert pipe.intake.turn(NOON) == 1
    kept = [msgpack.unpackb(each)["reason"] for each in pipe.state.hvals(pipe.keys.quarantine)]
    assert kept == []
    assert pipe.state.exists(newer_header.payload_key)
