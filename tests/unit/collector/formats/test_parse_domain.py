"""The spelling of a domain, whatever the bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_collector.formats.engine.domain import normalised


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"example.com", "example.com"),
        (b"Example.COM.", "example.com"),
        (b"example.com..", "example.com."),
        (b"a_b-c.example", "a_b-c.example"),
        (b"d" * 253 + b".", "d" * 253),
        ("Bücher.example".encode(), "xn--bcher-kva.example"),
        ("bücher.example。".encode(), "xn--bcher-kva.example"),
        ("straße.example".encode(), "xn--strae-oqa.example"),
    ],
)
def test_it_is_ascii_lower_case_and_without_its_last_dot(name: bytes, expected: str) -> None:
    assert normalised(name) == expected


@pytest.mark.parametrize(
    "name",
    [b"", b".", b"d" * 254, b"a b", b"a@b", b"a\r", b"\xff", "b..ü".encode(), "_ü".encode(),
     "\u00ad".encode(), ("b\u00fc" + "\u00ad" * 505).encode(), ("ü" * 63 + ".").encode() * 4],
)  # fmt: skip
def test_what_is_no_domain_has_no_spelling(name: bytes) -> None:
    assert normalised(name) is None


@given(st.one_of(st.binary(max_size=80), st.text(max_size=40).map(str.encode)))
def test_a_spelling_is_its_own_spelling(name: bytes) -> None:
    spelling = normalised(name)
    if spelling is not None and not spelling.endswith("."):
        assert normalised(spelling.encode()) == spelling
