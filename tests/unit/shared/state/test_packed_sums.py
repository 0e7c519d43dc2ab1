"""What is packed into values of the state comes out of them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.errors import Refused
from mailtally_shared.schema import MAX_SUM, Service
from mailtally_shared.state.commit.merge import PlaceIncrement
from mailtally_shared.state.packed_sums import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = st.builds(
    "{}|{}|{}".format,
    st.sampled_from(["a.example", "b.example", "(overflow)", "xn--4ca.example"]),
    st.sampled_from([service.label for service in Service]),
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="|")),
)
QUANTITY = st.integers(0, MAX_SUM)
#: Those whose bytes look like what stands between entries.
LOOKALIKE = st.sampled_from([0, 0x3000, 0x30_0000_0000_0000, 0x3061003061003061])
SUMS = st.tuples(*[QUANTITY | LOOKALIKE] * 3)


@given(st.dictionaries(KEYS, SUMS, min_size=1, max_size=12))
def test_what_was_packed_is_unpacked(rows: Mapping[str, tuple[int, ...]]) -> None:
    values = pack(PlaceIncrement.of(rows))
    unpacked = unpack(list(values.values()))
    names = list(values)
    found = {
        "|".join([names[value], *unpacked.kinds[kind]]): tuple(sums)
        for value, kind, sums in zip(
            unpacked.value, unpacked.kind, unpacked.quantities.T.tolist(), strict=True
        )
    }
    assert found == rows
    assert len(unpacked.value) == len(rows)


def test_a_name_has_one_value() -> None:
    rows = {"a.example|imap|success": (1, 2, 3), "a.example|pop3|success": (4, 5, 6)}
    assert list(pack(PlaceIncrement.of(rows))) == ["a.example"]


def test_nothing_is_packed_and_unpacked_as_nothing() -> None:
    assert pack(PlaceIncrement()) == {}
    assert unpack([]).quantities.shape == (3, 0)


VALUE = pack(PlaceIncrement.of({"a.example|imap|success": (1, 2, 3)}))["a.example"]


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        b"7",
        VALUE[:-1],
        VALUE + b"7",
        VALUE + VALUE[:-1],
        VALUE[1:],
        b"\0" + VALUE,
        b"9" + VALUE[1:],
    ],
)
def test_a_value_that_is_none_of_ours_is_not_read(spoiled: bytes) -> None:
    with pytest.raises(Refused, match="did not write"):
        unpack([VALUE, spoiled, VALUE])
