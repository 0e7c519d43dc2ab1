"""What to do when a server that a test needs is not on this machine."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

#: Set by ``.ci/run``: there, a missing server is a broken machine.
IN_CI = bool(os.environ.get("CI"))


def missing(server: str, reason: object) -> NoReturn:
    """Skip the test on a laptop, fail it in CI."""
    sentence = f"needs {server}: {reason}"
    if IN_CI:
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)
