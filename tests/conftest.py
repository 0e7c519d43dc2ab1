"""Fixtures and profiles for all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.redis_server"]

# No deadline for a single case: a busy machine is no failure.
settings.register_profile(
    "default", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("default"), max_examples=300, print_blob=True)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=5000)
settings.load_profile(
    os.environ.get("MAILTALLY_TEST_PROFILE", "ci" if os.environ.get("CI") else "default")
)
