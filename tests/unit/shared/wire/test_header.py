"""Announcements are read strictly; what is none is refused with a reason."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.errors import BadBatch
from mailtally_shared.wire.announcement import (
    MAX_MESSAGE,
    BatchHeader,
    Heartbeat,
    parse_announcement,
)
from mailtally_shared.wire.status import MAX_STATUS
from tests.support.records import NONCE

HEADER = BatchHeader(
    collector_id="0" * 32,
    epoch=1,
    nonce=NONCE,
    host="mail1",
    seq=1,
    lines=3,
    records=2,
    rows=2,
    malformed={"bad-date": 1},
    watermark=0,
    progress="{}",
    payload_key="{mailtally}:payload:x:1",
    payload_bytes=100,
    checksum="f" * 32,
)
HEARTBEAT = Heartbeat(
    collector_id="0" * 32, epoch=1, nonce=NONCE, host="mail1", after_seq=0, watermark=5
)


@pytest.mark.parametrize("message", [HEADER, HEARTBEAT])
def test_an_announcement_survives_the_way(message: BatchHeader | Heartbeat) -> None:
    assert parse_announcement(message.to_bytes()) == message


@given(st.binary(max_size=100))
def test_random_bytes_are_refused(junk: bytes) -> None:
    with pytest.raises(BadBatch):
        parse_announcement(junk)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 1}, "unknown-version"),
        ({"version": 3}, "unknown-version"),
        ({"nonce": "0" * 31}, "bad-header"),
        ({"collector_id": "0" * 31}, "bad-header"),
        ({"collector_id": "0" * 32 + "\n"}, "bad-header"),
        ({"host": "Mail 1"}, "bad-header"),
        ({"seq": 0}, "bad-header"),
        ({"seq": "1"}, "bad-header"),
        ({"seq": 2**53}, "bad-header"),
        ({"records": -1}, "bad-header"),
        ({"surplus": 1}, "bad-header"),
        ({"kind": "other"}, "bad-header"),
        ({"malformed": {"BAD reason": 1}}, "bad-header"),
    ],
)
def test_wrong_values_are_refused(change: dict[str, object], reason: str) -> None:
    body = json.loads(HEADER.to_bytes()) | change
    with pytest.raises(BadBatch) as refused:
        parse_announcement(json.dumps(body).encode())
    assert refused.value.reason == reason


@pytest.mark.parametrize("status", ["x" * (MAX_STATUS + 1), "two\nlines", "\x1b[2J"])
def test_a_status_document_that_is_too_large_or_not_printable_is_refused(status: str) -> None:
    body = json.loads(HEARTBEAT.to_bytes()) | {"status": status}
    with pytest.raises(BadBatch) as refused:
        parse_announcement(json.dumps(body).encode())
    assert refused.value.reason == "bad-header"


def test_a_huge_message_is_refused_unread() -> None:
    with pytest.raises(BadBatch, match="bytes is not an announcement"):
        parse_announcement(b" " * (MAX_MESSAGE + 1))


@pytest.mark.parametrize("body", [b'{"kind":"heart\\u0000"}', b'{"kind":"batch","a\\nb":1}'])
def test_what_is_wrong_is_told_on_one_line(body: bytes) -> None:
    with pytest.raises(BadBatch) as refused:
        parse_announcement(body)
    assert str(refused.value).isprintable()
