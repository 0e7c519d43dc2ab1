"""What to do when a mail server is not on this machine."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

#: Set together with ``CI``: there, a mail server that cannot be run is a broken machine.
REQUIRED_VARIABLE = "MAILTALLY_TEST_SERVERS"


def missing(server: str, reason: object) -> NoReturn:
    """Skip the test on a laptop, fail it in CI where mail servers are required."""
    sentence = f"needs {server}: {reason}"
    if os.environ.get("CI") and os.environ.get(REQUIRED_VARIABLE):
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)
