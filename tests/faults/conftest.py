"""Sites for the named faults: fewer services than the seeds have, and no plan."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.faults.drive import Drive
from tests.faults.site import Site
from tests.faults.traffic import Traffic, Truth

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

#: Of each service's output, shown where a test fails: its directory is gone a moment later.
_SHOWN_LINES = 40


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory whose name is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="mailtally-faults-") as directory:
        yield Path(directory)


@pytest.fixture
def drive(place: Path, redis_program: Path, request: pytest.FixtureRequest) -> Iterator[Drive]:
    """A site of which nothing but Redis runs yet."""
    assert redis_program
    database = f"sqlite:///{place}/mailtally.sqlite"
    traffic = Traffic(random.Random(request.node.name), Truth())
    with Site(place / "site", database, "everysec", place / "redis") as site:
        yield Drive(site, traffic)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the last lines of every service to the report of a test that failed."""
    report = yield
    drive = getattr(item, "funcargs", {}).get("drive")
    if call.when == "call" and report.failed and isinstance(drive, Drive):
        for name, process in drive.site.processes.items():
            if process.log.exists():
                lines = process.log.read_text("utf-8", "replace").splitlines()[-_SHOWN_LINES:]
                title = f"{name}, exit code {process.exit_code}"
                report.sections.append((title, "\n".join(lines)))
    return report
