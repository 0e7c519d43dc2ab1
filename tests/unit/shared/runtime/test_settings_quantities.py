"""Durations, sizes and addresses as people write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from mailtally_shared.runtime.settings import Address, Bytes, CommaList, Seconds, SecondsOrZero
from mailtally_shared.runtime.settings.quantities import parse_list


def parsed(kind: Any, value: object) -> Any:  # noqa: ANN401  # any of the types
    return TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30), ("1.5s", 1.5), ("250ms", 0.25), ("5m", 300), ("1 h", 3600), ("7d", 604800)],
)
def test_durations_have_units(text: str, seconds: float) -> None:
    assert parsed(Seconds, text) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4096", 4096),
        ("512KiB", 1 << 19),
        ("64MiB", 1 << 26),
        ("1.5GiB", 3 << 29),
        ("2TiB", 2 << 40),
    ],
)
def test_sizes_have_binary_units(text: str, size: int) -> None:
    assert parsed(Bytes, text) == size


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *[(Seconds, value) for value in ("0", "-1", "1w", "h", "", "inf", "nan", 0, float("inf"))],
        *[(SecondsOrZero, value) for value in ("-1", -1, "nan")],
        *[(Bytes, value) for value in ("0", "-1", "64MB", "64kB", "1e3", "", "MiB", 2**63)],
        *[(Address, value) for value in ("9100", ":9100", "host", "host:", "host:65536", "h:-1")],
    ],
)
def test_what_makes_no_sense_is_refused(kind: object, value: object) -> None:
    with pytest.raises(ValidationError):
        parsed(kind, value)


@given(st.integers(1, 2**63 - 1))
def test_a_bare_number_of_bytes_is_taken_exactly(size: int) -> None:
    assert parsed(Bytes, str(size)) == parsed(Bytes, size) == size


@given(st.text())
def test_no_text_raises_anything_but_a_validation_error(text: str) -> None:
    for kind in (Seconds, Bytes, Address, CommaList):
        try:
            parsed(kind, text)
        except ValidationError:
            continue


def test_addresses_have_a_host_and_a_port() -> None:
    assert parsed(Address, "127.0.0.1:9100") == ("127.0.0.1", 9100)
    assert parsed(Address, "[::1]:9100") == ("::1", 9100)
    assert parsed(Address, ("127.0.0.1", 9100)) == ("127.0.0.1", 9100)


def test_where_it_makes_sense_a_duration_may_be_zero() -> None:
    assert parsed(SecondsOrZero, "0") == 0


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a, b", ("a", "b")),
        ('["/logs/a,b/stats*", "c"]', ("/logs/a,b/stats*", "c")),
        (' [ "a" ] ', ("a",)),
        ("[ab]*.log, c", ("[ab]*.log", "c")),
        ("[]*.log", ("[]*.log",)),
    ],
)
def test_an_item_of_a_list_may_hold_a_comma(written: str, meant: tuple[str, ...]) -> None:
    assert parse_list(written) == meant


@pytest.mark.parametrize("written", ['["a"', '["a", 1]', '["a"] and more'])
def test_a_list_in_json_that_is_none_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(ValueError, match=r"a,b/stats"):
        parse_list(written)
