"""The real Redis of the contract tests."""

from tests.contract.conftest import calendar, keys, state

__all__ = ["calendar", "keys", "state"]
