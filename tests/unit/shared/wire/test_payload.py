"""A payload gives back what was put in, and nothing else is taken for one."""

import json
import struct
from dataclasses import replace

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.errors import BadBatch
from mailtally_shared.rows import STEPS, Rows
from mailtally_shared.schema import END_OF_TIME, MAX_LINES, MAX_SIZE, MAX_SUM, Service
from mailtally_shared.wire.payload import MAGIC, decode, encode
from tests.support.records import Record, any_record, rows

extreme_records = st.builds(
    Record,
    time=st.sampled_from([0, 1, END_OF_TIME - 1]),
    size=st.sampled_from([0, 255, 256, 65_536, 2**32, MAX_SIZE]),
    attempts=st.sampled_from([0, 1, 255, 1023]),
    service=st.sampled_from(Service),
)


ARRAYS = ("start", "messages", "bytes", "extra", "service", "host", "status", "domain")


def assert_same(one: Rows, other: Rows) -> None:
    for name in Rows.__slots__:
        here, there = getattr(one, name), getattr(other, name)
        assert (here.tolist() == there.tolist()) if name in ARRAYS else (here == there), name


@pytest.mark.parametrize("step", STEPS)
@given(records=st.lists(any_record() | extreme_records))
def test_what_is_encoded_is_decoded(step: int, records: list[Record]) -> None:
    sent = rows(records, step)
    assert_same(decode(encode(sent)), sent)


def test_decoded_columns_have_the_documented_types() -> None:
    original, decoded = rows([Record()]), decode(encode(rows([Record()])))
    for name in ARRAYS:
        assert getattr(decoded, name).dtype == getattr(original, name).dtype, name


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_with_a_reason(junk: bytes) -> None:
    with pytest.raises(BadBatch) as refused:
        decode(junk)
    assert refused.value.reason in {"undecodable", "unknown-version", "too-large"}


@given(st.binary(max_size=300))
def test_random_content_in_a_sound_frame_is_refused(junk: bytes) -> None:
    with pytest.raises(BadBatch):
        decode(MAGIC + zstandard.compress(junk))


@given(st.lists(any_record(), min_size=1, max_size=5), st.data())
def test_a_changed_content_is_refused_or_decodes_to_valid_records(
    records: list[Record], data: st.DataObject
) -> None:
    raw = bytearray(zstandard.decompress(encode(rows(records))[4:]))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        changed = decode(MAGIC + zstandard.compress(bytes(raw)))
    except BadBatch:
        return
    assert all(0 <= start < END_OF_TIME for start in changed.start.tolist())


def test_another_version_is_named_as_such() -> None:
    with pytest.raises(BadBatch) as refused:
        decode(b"MTP1" + encode(Rows.empty())[4:])
    assert refused.value.reason == "unknown-version"


def test_a_bomb_is_refused_before_it_is_decompressed() -> None:
    bomb = MAGIC + zstandard.compress(bytes(50_000_000))
    with pytest.raises(BadBatch) as refused:
        decode(bomb, max_raw=1_000_000)
    assert refused.value.reason == "too-large"


def test_a_frame_that_does_not_tell_its_size_is_refused() -> None:
    frame = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1000))
    with pytest.raises(BadBatch) as refused:
        decode(MAGIC + frame)
    assert refused.value.reason == "too-large"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("domain", 7),
        ("host", 1),
        ("status", 1),
        ("service", len(Service)),
        ("messages", 0),
        ("messages", MAX_LINES + 1),
        ("messages", MAX_SUM),
        ("bytes", MAX_SIZE + 1),
        ("extra", 1024 * 2**31),
        ("start", END_OF_TIME),
    ],
)
def test_values_that_no_collector_writes_are_refused(name: str, value: int) -> None:
    good = rows([Record()])
    arrays = {field: getattr(good, field) for field in good.__slots__}
    arrays[name] = np.array([value], arrays[name].dtype)
    with pytest.raises(BadBatch):
        decode(encode(Rows(**arrays)))


@pytest.mark.parametrize("name", ["", "two words", "UPPER", "pipe|pipe", "x" * 254])
def test_names_that_no_collector_writes_are_refused(name: str) -> None:
    with pytest.raises(BadBatch):
        decode(encode(rows([Record(domain=name), Record()])))


def test_a_sum_beyond_63_bits_is_refused() -> None:
    most = replace(
        rows([Record(size=MAX_SIZE, attempts=3)]),
        messages=np.array([1024]),
        bytes=np.array([2**62]),
        extra=np.array([2**62 - 1]),
    )
    assert_same(decode(encode(most)), most)
    with pytest.raises(BadBatch, match="beyond 63 bits"):
        decode(encode(replace(most, extra=np.array([2**62]))))


def test_a_row_of_no_record_is_refused() -> None:
    empty = replace(rows([Record(size=0), Record(size=0)]), messages=np.array([2, 0]))
    with pytest.raises(BadBatch, match="no record"):
        decode(encode(empty), records=2)


@pytest.mark.parametrize("step", [0, -1, 2, 7200, 3600.0, "3600", True, None, 10**30])
def test_a_step_that_no_collector_uses_is_refused(step: object) -> None:
    raw = zstandard.decompress(encode(rows([Record()]))[4:])
    length = int.from_bytes(raw[:4], "little")
    descriptor = json.dumps(json.loads(raw[4 : 4 + length]) | {"step": step}).encode()
    changed = len(descriptor).to_bytes(4, "little") + descriptor + raw[4 + length :]
    with pytest.raises(BadBatch, match="cannot be read"):
        decode(MAGIC + zstandard.compress(changed))


@pytest.mark.parametrize("sums", [[2], [1, 1], [2**40, 2**40]])
def test_rows_of_more_records_than_announced_are_refused(sums: list[int]) -> None:
    each = replace(rows([Record()] * len(sums)), messages=np.array(sums))
    assert len(decode(encode(each), records=sum(sums))) == len(sums)
    with pytest.raises(BadBatch) as refused:
        decode(encode(each), records=sum(sums) - 1)
    assert refused.value.reason == "bad-counts"


def test_more_rows_than_announced_are_refused() -> None:
    with pytest.raises(BadBatch) as refused:
        decode(encode(rows([Record()] * 2)), rows=1)
    assert refused.value.reason == "bad-counts"


@pytest.mark.parametrize(
    "descriptor",
    [
        b"[" * 100_000,
        b'{"rows":0,"step":1,"step0":0,"columns":[["start",1]],"dictionaries":[]}',
        b'{"rows":0,"step":1,"step0":1e400,"columns":[["start",1]],"dictionaries":{}}',
        b"null",
        b'{"rows":"\\u0000\\n","step0":0}',
    ],
    ids=["too deep", "a list for a map", "infinite", "nothing", "a line break"],
)
def test_a_descriptor_of_another_shape_is_refused(descriptor: bytes) -> None:
    content = struct.pack("<I", len(descriptor)) + descriptor
    with pytest.raises(BadBatch, match="cannot be read") as refused:
        decode(MAGIC + zstandard.compress(content))
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "change",
    [
        {"rows": 10**9},
        {"rows": -1},
        {"columns": [["start", 3]]},
        {"columns": [["unknown", 1]]},
        {"step0": 10**30},
        {"step0": 2**62},
        {"dictionaries": {"hosts": 10**9}},
        {"columns": None},
    ],
)
def test_a_descriptor_that_does_not_fit_is_refused(change: dict[str, object]) -> None:
    raw = zstandard.decompress(encode(rows([Record()]))[4:])
    length = int.from_bytes(raw[:4], "little")
    descriptor = json.dumps(json.loads(raw[4 : 4 + length]) | change).encode()
    changed = len(descriptor).to_bytes(4, "little") + descriptor + raw[4 + length :]
    with pytest.raises(BadBatch):
        decode(MAGIC + zstandard.compress(changed))


def test_a_value_too_large_for_its_column_is_refused() -> None:
    good = rows([Record()])
    arrays = {field: getattr(good, field) for field in good.__slots__}
    arrays["host"] = np.array([70_000], np.uint32)
    with pytest.raises(BadBatch):
        decode(encode(Rows(**arrays)))
