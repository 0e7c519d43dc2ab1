"""A fault test kills the process where it says, and nowhere else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

PROGRAM = """
from enum import StrEnum
from mailtally_shared.runtime.crash_points import crash_point, declare, is_misspelt

class CrashAt(StrEnum):
    FIRST = "first"
    SECOND = "second"

declare(CrashAt)
print(is_misspelt())
for turn in range(3):
    crash_point(CrashAt.FIRST)
    print("first", flush=True)
    crash_point("second")
    print("second", flush=True)
"""


def run(crash_at: str | None) -> tuple[int, list[str]]:
    environment = dict(os.environ)
    environment.pop("MAILTALLY_CRASH_AT", None)
    if crash_at is not None:
        environment["MAILTALLY_CRASH_AT"] = crash_at
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.split()


@pytest.mark.parametrize("crash_at", [None, ""])
def test_without_the_variable_nothing_happens(crash_at: str | None) -> None:
    assert run(crash_at) == (0, ["False", *["first", "second"] * 3])


def test_the_process_is_killed_at_the_place_named() -> None:
    assert run("second") == (-signal.SIGKILL, ["False", "first"])


def test_it_may_pass_some_times_first() -> None:
    assert run("first:3") == (-signal.SIGKILL, ["False", *["first", "second"] * 2])


def test_a_place_that_nobody_declared_is_told() -> None:
    code, output = run("third")
    assert (code, output[0]) == (0, "True")
