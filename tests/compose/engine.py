"""The Docker engine for the tests: one that runs already, or one that a named command starts."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess

from tests.support.servers import missing

#: A command that starts an engine which has the base images, where there is no registry.
VARIABLE = "MAILTALLY_TEST_ENGINE"
_STARTING = 600.0  # seconds


def engine() -> tuple[str, ...]:
    """The words that begin a Compose command; without an engine the test is skipped, or fails."""
    start = shlex.split(os.environ.get(VARIABLE, ""))
    if start:
        subprocess.run(start, check=True, timeout=_STARTING, stdout=subprocess.DEVNULL)
    if not shutil.which("docker") or not _succeeds("docker", "info"):
        missing("a Docker engine", f"none answers; {VARIABLE} may name a command that starts one")
    if shutil.which("docker-compose"):
        return ("docker-compose",)
    if not _succeeds("docker", "compose", "version"):
        missing("Compose", "there is neither docker-compose nor docker compose")
    return ("docker", "compose")


def _succeeds(*words: str) -> bool:
    return subprocess.run(words, check=False, capture_output=True, timeout=60).returncode == 0
