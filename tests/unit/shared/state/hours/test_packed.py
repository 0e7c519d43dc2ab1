"""Packed hours come back as they were, and nothing else is read."""

from __future__ import annotations

import hashlib
import struct
from zoneinfo import ZoneInfo

import pytest
import zstandard
from hypothesis import given

from mailtally_shared.calendar import Calendar
from mailtally_shared.state.commit.merge import Reported
from mailtally_shared.state.hours.counted import count_hours, joined
from mailtally_shared.state.hours.packed import (
    IDENTITY,
    MAGIC,
    DamagedHoursError,
    pack,
    unpack,
)
from tests.support.records import NOON, Record, rows
from tests.unit.shared.state.hours.test_counted import flat, records

UTC = Calendar(ZoneInfo("UTC"))


def packed(*some: Record) -> bytes:
    (hours,) = count_hours([Reported(rows(some))], UTC).values()
    return pack(hours)


PACKED = packed(Record(time=NOON, size=10), Record(time=NOON + 3600, domain="b.example", size=7))


@given(some=records)
def test_what_is_packed_comes_back(some: list[Record]) -> None:
    for hours in count_hours([Reported(rows(some))], UTC).values():
        assert flat(unpack(pack(hours)).rows()) == flat(hours.rows())


def test_only_the_names_of_a_day_are_packed() -> None:
    other = Record(time=NOON + 86_400, domain="of.another.day.example")
    (today, _) = count_hours([Reported(rows([Record(time=NOON), other]))], UTC).values()
    assert unpack(pack(today)).names == ["example.com"]


def test_no_hours_are_nothing() -> None:
    assert pack(joined([])) == b""


@pytest.mark.parametrize("at", [0, 3, IDENTITY - 1, IDENTITY, len(PACKED) - 1])
def test_a_changed_byte_is_noticed(at: int) -> None:
    changed = bytearray(PACKED)
    changed[at] ^= 1
    with pytest.raises(DamagedHoursError):
        unpack(bytes(changed))


@pytest.mark.parametrize("length", [0, 5, IDENTITY, len(PACKED) - 1])
def test_a_value_that_was_cut_is_noticed(length: int) -> None:
    with pytest.raises(DamagedHoursError):
        unpack(PACKED[:length])


def sealed(frame: bytes) -> bytes:
    return MAGIC + hashlib.blake2b(frame, digest_size=16).digest() + frame


def raw() -> bytes:
    return zstandard.ZstdDecompressor().decompress(PACKED[IDENTITY:])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 15,
        struct.pack("<4I", 2**31, 1, 1, 1) + raw()[16:],
        struct.pack("<4I", 2, 2**31, 2, 21) + raw()[16:],
        struct.pack("<4I", 2, 2, 1, 21) + raw()[16:],
        struct.pack("<4I", 2, 1, 2, 21) + raw()[16:24] + raw()[32:33] + raw()[34:],
        raw() + b"x",
        raw()[:16] + struct.pack("<q", -1) + raw()[24:],
        raw()[:32] + b"\x09" + raw()[33:],
    ],
)
def test_counts_that_contradict_the_content_are_refused(content: bytes) -> None:
    with pytest.raises(DamagedHoursError):
        unpack(sealed(zstandard.ZstdCompressor().compress(content)))


def test_a_value_that_would_become_too_large_is_not_decompressed() -> None:
    with pytest.raises(DamagedHoursError, match="would decompress to"):
        unpack(sealed(zstandard.ZstdCompressor().compress(b"\0" * 2**27)))


def test_a_frame_that_states_no_size_is_refused() -> None:
    compressor = zstandard.ZstdCompressor(write_content_size=False)
    with pytest.raises(DamagedHoursError):
        unpack(sealed(compressor.compress(raw())))
