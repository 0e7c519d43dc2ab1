"""A payload gives back what was put in, and nothing else is taken for one."""

import json
import struct

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.columns import END_OF_TIME, MAX_SIZE, Columns, Service
from mailtally_shared.errors import BadBatch
from mailtally_shared.payload import MAGIC, decode, encode
from tests.support.records import Record, any_record, columns, records_of

extreme_records = st.builds(
    Record,
    time=st.sampled_from([0, 1, END_OF_TIME - 1]),
    size=st.sampled_from([0, 255, 256, 65_536, 2**32, MAX_SIZE]),
    attempts=st.sampled_from([0, 1, 255, 1023]),
    service=st.sampled_from(Service),
)


@given(st.lists(any_record() | extreme_records))
def test_what_is_encoded_is_decoded(records: list[Record]) -> None:
    assert records_of(decode(encode(columns(records)))) == records


def test_decoded_columns_have_the_documented_types() -> None:
    original, decoded = columns([Record()]), decode(encode(columns([Record()])))
    for name in ("time", "size", "attempts", "service", "host", "status", "domain"):
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
    raw = bytearray(zstandard.decompress(encode(columns(records))[4:]))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        changed = decode(MAGIC + zstandard.compress(bytes(raw)))
    except BadBatch:
        return
    assert all(0 <= record.time < END_OF_TIME for record in records_of(changed))


def test_another_version_is_named_as_such() -> None:
    with pytest.raises(BadBatch) as refused:
        decode(b"MTP2" + encode(Columns.empty())[4:])
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
        ("size", MAX_SIZE + 1),
        ("attempts", 2**31),
        ("time", END_OF_TIME),
    ],
)
def test_values_that_no_collector_writes_are_refused(name: str, value: int) -> None:
    good = columns([Record()])
    arrays = {field: getattr(good, field) for field in good.__slots__}
    arrays[name] = np.array([value], arrays[name].dtype)
    with pytest.raises(BadBatch):
        decode(encode(Columns(**arrays)))


@pytest.mark.parametrize("name", ["", "two words", "UPPER", "pipe|pipe", "x" * 254])
def test_names_that_no_collector_writes_are_refused(name: str) -> None:
    with pytest.raises(BadBatch):
        decode(encode(columns([Record(domain=name), Record()])))


def test_a_product_beyond_63_bits_is_refused() -> None:
    with pytest.raises(BadBatch):
        decode(encode(columns([Record(size=MAX_SIZE, attempts=2**20)])))


@pytest.mark.parametrize(
    "descriptor",
    [
        b"[" * 100_000,
        b'{"records":0,"time0":0,"columns":[["time",1]],"dictionaries":[]}',
        b'{"records":0,"time0":1e400,"columns":[["time",1]],"dictionaries":{}}',
        b"null",
        b'{"records":"\\u0000\\n","time0":0}',
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
        {"records": 10**9},
        {"records": -1},
        {"columns": [["time", 3]]},
        {"columns": [["unknown", 1]]},
        {"time0": 10**30},
        {"dictionaries": {"hosts": 10**9}},
        {"columns": None},
    ],
)
def test_a_descriptor_that_does_not_fit_is_refused(change: dict[str, object]) -> None:
    raw = zstandard.decompress(encode(columns([Record()]))[4:])
    length = int.from_bytes(raw[:4], "little")
    descriptor = json.dumps(json.loads(raw[4 : 4 + length]) | change).encode()
    changed = len(descriptor).to_bytes(4, "little") + descriptor + raw[4 + length :]
    with pytest.raises(BadBatch):
        decode(MAGIC + zstandard.compress(changed))


def test_a_value_too_large_for_its_column_is_refused() -> None:
    good = columns([Record()])
    arrays = {field: getattr(good, field) for field in good.__slots__}
    arrays["host"] = np.array([70_000], np.uint32)
    with pytest.raises(BadBatch):
        decode(encode(Columns(**arrays)))
