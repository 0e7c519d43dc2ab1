"""Record all scenarios anew: ``python -m tests.servers [SERVER …]``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.servers.recording import RECORDED, record
from tests.servers.suites import SUITES, Suite


def main(names: list[str]) -> None:
    """Record the suites of these names, or all."""
    for name in names or SUITES:
        with tempfile.TemporaryDirectory(prefix=f"mailtally-{name}-") as directory:
            _record(name, SUITES[name], Path(directory))


def _record(name: str, suite: Suite, directory: Path) -> None:
    for former in RECORDED.glob(f"{name}-*"):
        former.unlink()
    with suite.running(directory) as lab:
        for scenario in suite.scenarios:
            called = scenario.__name__.replace("_", "-")
            lab.host.begin(directory / f"{called}.log")
            outcome = scenario(lab)
            log = lab.host.logs.text()
            differences = outcome.differences(log, *suite.size_forms)
            assert not differences, differences
            record(f"{name}-{called}", suite.version(lab), lab.host.logs.files(), outcome)


if __name__ == "__main__":
    main(sys.argv[1:])
