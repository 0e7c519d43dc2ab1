"""What a few kilobytes from outside may become in memory: measured in processes of their own."""

from __future__ import annotations

import pytest

from tests.support.peak import peak_of

MEGABYTE = 2**20
REFUSED = """
try:
    {call}
except BadBatch as error:
    assert error.reason in {reasons}, error.reason
else:
    raise AssertionError("it was taken")
"""
#: Frames are written piece by piece, so that they take no memory here either.
PAYLOAD = """
import json, struct, zstandard
from mailtally_shared.errors import BadBatch
from mailtally_shared.wire.payload import MAGIC, decode
COLUMNS = ["start", "messages", "bytes", "extra", "service", "host", "status", "domain"]
def payload(descriptor, fill, megabytes):
    size = 4 + len(descriptor) + megabytes * 2**20
    compressor = zstandard.ZstdCompressor(level=3).compressobj(size=size)
    parts = [compressor.compress(struct.pack("<I", len(descriptor)) + descriptor)]
    piece = fill * (2**20 // len(fill))
    parts += [compressor.compress(piece) for _ in range(megabytes)]
    return MAGIC + b"".join(parts) + compressor.flush()
def described(records, names):
    columns = [[name, 1] for name in COLUMNS]
    dictionaries = dict(hosts=0, statuses=0, domains=names)
    counts = dict(rows=records, step=1, step0=0, columns=columns)
    return json.dumps(counts | dict(dictionaries=dictionaries)).encode()
sent = {sent}
assert len(sent) < 64 * 1024, len(sent)
"""
BOMBS = {
    "zeros": r"payload(described(200 * 2**20 // 8, 0), b'\0', 200)",
    "brackets": "payload(b'', b'[],[', 100)",
    "long descriptor": "payload(b'[' + b'[],' * 2000 + b'1]', b'[],[', 4)",
    "short names": r"payload(described(0, 100 * 2**20), b'abc\n', 100)",
    "few short names": r"payload(described(0, 4 * 2**20), b'abc\n', 4)",
    "names within the bytes announced": r"payload(described(0, 3 * 2**20), b'abc\n', 3)",
    "long names": "payload(described(0, 200 * 2**20), b'abcdefgh', 200)",
}


@pytest.mark.parametrize("sent", BOMBS.values(), ids=BOMBS.keys())
@pytest.mark.parametrize("records", [0, 100_000])
def test_a_payload_of_a_few_kilobytes_stays_small(sent: str, records: int) -> None:
    reasons = {"too-large", "undecodable", "bad-counts"}
    work = REFUSED.format(call=f"decode(sent, rows={records})", reasons=reasons)
    assert peak_of(PAYLOAD.format(sent=sent), work) < 32 * MEGABYTE


def test_a_payload_unpacks_to_no_more_rows_than_were_announced() -> None:
    setup = """
    import numpy as np
    from mailtally_shared.errors import BadBatch
    from mailtally_shared.rows import Rows
    from mailtally_shared.wire.payload import decode, encode
    kinds = dict(start="i8", messages="i8", bytes="i8", extra="i8", service="u1")
    kinds |= dict(host="u2", status="u1", domain="u4")
    zeros = {name: np.zeros(500_000, kind) for name, kind in kinds.items()}
    sent = encode(Rows(step=1, **zeros, hosts=("h",), statuses=("s",), domains=("d",)))
    del zeros
    """
    work = REFUSED.format(call="decode(sent, rows=10)", reasons={"too-large", "bad-counts"})
    assert peak_of(setup, work) < 8 * MEGABYTE


INTRICATE = {
    "lists": "b'[' + b'[],' * (5 * 2**20) + b'1]'",
    "maps": "b'[' + b'{},' * (5 * 2**20) + b'1]'",
    "texts": "b'[' + b'\"\",' * (5 * 2**20) + b'1]'",
    "deep": "b'[' * (15 * 2**20)",
    "numbers": "b'{\"a\":[' + b'1,' * (7 * 2**20) + b'1]}'",
}


@pytest.mark.parametrize("body", INTRICATE.values(), ids=INTRICATE.keys())
def test_an_announcement_of_brackets_takes_little_more_than_it_has(body: str) -> None:
    setup = f"""
    from mailtally_shared.errors import BadBatch
    from mailtally_shared.wire.announcement import parse_announcement
    body = {body}
    """
    work = REFUSED.format(call="parse_announcement(body)", reasons={"bad-header"})
    assert peak_of(setup, work) < 64 * MEGABYTE


def test_a_long_progress_note_is_taken() -> None:
    setup = r"""
    import json
    from mailtally_shared.wire.announcement import BatchHeader, MAX_PROGRESS, parse_announcement
    note = json.dumps({"positions": [["a\\b", 1]] * 400_000})
    assert 4_000_000 < len(note) < MAX_PROGRESS
    header = BatchHeader(collector_id="a" * 32, epoch=1, nonce="b" * 32,
        host="h", seq=1, lines=0, records=0, rows=0,
        watermark=0, progress=note, payload_key="k", payload_bytes=0, checksum="0" * 32)
    body = header.to_bytes()
    """
    assert peak_of(setup, "assert parse_announcement(body) == header") < 128 * MEGABYTE
