"""Fixtures and profiles for all tests."""

from __future__ import annotations

import logging
import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = [
    "tests.support.mariadb",
    "tests.support.postgres",
    "tests.support.redis_server",
]

# Who runs this in the background has it ignored, and so would all programs that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline for a single case: a busy machine is no failure.
settings.register_profile(
    "default", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# CI judges a change: the same tree has the same verdict. What searches are the runs of everybody
# else, which draw other examples each time.
settings.register_profile(
    "ci", settings.get_profile("default"), max_examples=300, derandomize=True, print_blob=True
)
# For `make coverage`, which runs the kernels as plain Python, some hundred times slower: whether a
# branch is reached is all it asks, and a test must end long before its timeout.
settings.register_profile("coverage", settings.get_profile("ci"), max_examples=20)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=5000)
# For the mutation check: that a test fails is all it wants to know.
settings.register_profile(
    "unshrunk", settings.get_profile("default"), phases=[Phase.explicit, Phase.generate]
)
# Hypothesis also draws the constants of all modules that happen to be loaded, so that the same seed
# drew other examples alone, beside other tests, and in CI. It has no setting for that.
_no_constants = Constants()
providers._get_local_constants = lambda: _no_constants  # noqa: SLF001  # as just said
settings.load_profile(
    os.environ.get("MAILTALLY_TEST_PROFILE", "ci" if os.environ.get("CI") else "default")
)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """What a test configures must not write to its closed streams later."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
