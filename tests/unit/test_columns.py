"""Columns come together under common names, and services by their labels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.columns import Columns, Service
from tests.support.records import Record, any_record, columns, records_of


@given(st.lists(st.lists(any_record(), max_size=8), max_size=4))
def test_concatenating_keeps_every_record_in_order(parts: list[list[Record]]) -> None:
    whole = Columns.concatenate([columns(part) for part in parts])
    assert records_of(whole) == [record for part in parts for record in part]
    assert len(set(whole.domains)) == len(whole.domains)


@pytest.mark.parametrize("service", Service)
def test_a_service_is_found_by_its_label(service: Service) -> None:
    assert Service.from_label(service.label) is service


def test_an_unknown_label_is_no_service() -> None:
    with pytest.raises(ValueError, match="unknown service 'smtp'"):
        Service.from_label("smtp")
