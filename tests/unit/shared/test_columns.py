"""Services are found by their labels."""

import pytest

from mailtally_shared.schema import Service


@pytest.mark.parametrize("service", Service)
def test_a_service_is_found_by_its_label(service: Service) -> None:
    assert Service.from_label(service.label) is service


def test_an_unknown_label_is_no_service() -> None:
    with pytest.raises(ValueError, match="unknown service 'smtp'"):
        Service.from_label("smtp")
