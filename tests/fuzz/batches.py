"""What comes out of the queue and out of the state: announcements, payloads, status documents."""

from __future__ import annotations

import struct
from zoneinfo import ZoneInfo

import msgpack
import zstandard

from mailtally_shared.adding import SumOverflowError
from mailtally_shared.calendar import Calendar
from mailtally_shared.errors import BadBatch
from mailtally_shared.state.commit.merge import Reported, merge
from mailtally_shared.state.commit.request import heartbeat_entry, ledger_entry
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.wire.announcement import BatchHeader, parse_announcement
from mailtally_shared.wire.payload import MAGIC, decode, encode
from mailtally_shared.wire.status import MAX_STATUS, StatusError, parse, render
from tests.fuzz.target import Target, one_by_one, refusal
from tests.support.records import sums_of

_KEYS = StateKeys()
_CALENDAR = Calendar(ZoneInfo("UTC"))
_COMPRESSOR = zstandard.ZstdCompressor(level=1)
_JSON = (
    *(b"null", b"true", b"0", b"-1", b"1e400", b"NaN", b"1.5", b'"x"', b"[]", b"{}", b"[[]]"),
    *(b'"', b"\\", b"\\u0000", b"\\ud800", b"\xff", b",", b":", b"9007199254740992"),
    *(b"9223372036854775808", b"9" * 400, b"[" * 3000, b'{"a":' * 3000),
)


def check_announcement(body: bytes) -> str:
    """Refused with a reason, or fit for the ledger and the same once more."""
    try:
        message = parse_announcement(body)
    except BadBatch as error:
        return refusal(error)
    assert parse_announcement(message.to_bytes()) == message
    if isinstance(message, BatchHeader):
        msgpack.packb(ledger_entry(_KEYS, message, quarantined=False))
    else:
        msgpack.packb(heartbeat_entry(_KEYS, message))
    return "taken"


def check_status(text: bytes) -> str:
    """Refused with a sentence of one line, or shown, travelled once more, and not too long."""
    try:
        document = parse(text)
    except StatusError as error:
        return refusal(BadBatch("refused", str(error)))
    again = render(document)
    assert len(again) <= MAX_STATUS
    assert again.isascii()
    assert render(parse(again)) == again
    return "taken"


def check_payload(payload: bytes) -> str:
    """Refused with a reason, or rows that merge and travel once more."""
    try:
        rows = decode(payload, max_raw=2**24)
    except BadBatch as error:
        return refusal(error)
    assert sums_of(decode(encode(rows))) == sums_of(rows)
    try:
        increments = merge([Reported(rows)], _CALENDAR, str)
    except SumOverflowError:
        return "overflow"
    found = [increment for hosts in increments.values() for increment in hosts.values()]
    sums = [increment.sums() for increment in found]
    assert sum(messages for messages, _, _ in sums) == sum(rows.messages.tolist())
    assert sum(size for _, size, _ in sums) == sum(rows.bytes.tolist())
    return "taken"


def check_content(content: bytes) -> str:
    """A payload's content, whose first line is the descriptor, in a sound frame."""
    descriptor, _, rest = content.partition(b"\n")
    raw = struct.pack("<I", len(descriptor)) + descriptor + rest
    return check_payload(MAGIC + _COMPRESSOR.compress(raw))


TARGETS = (
    Target(
        "announcement",
        one_by_one(check_announcement),
        tokens=(*_JSON, b'"kind":"heartbeat"', b'"version":3', b'"malformed":{"a":1}'),
    ),
    Target(
        "status",
        one_by_one(check_status),
        tokens=(*_JSON, b'"format":2', b'"malformed":{"a":1}', b'"more_logs":1'),
    ),
    Target(
        "payload",
        one_by_one(check_payload),
        tokens=(
            b"MTP1",
            b"MTP2",
            b"MTP3",
            b"\x28\xb5\x2f\xfd",
            b"\xff" * 8,
            b"\0" * 8,
            b"\x50\x2a\x4d\x18",
        ),
    ),
    Target(
        "content",
        one_by_one(check_content),
        tokens=(
            *_JSON,
            b'"start",8',
            b'"messages"',
            b'"step":900',
            b"\n",
            b"\xff" * 8,
            b"\0" * 8,
            b"4",
            b"8",
        ),
    ),
)
