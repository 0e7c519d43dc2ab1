"""Each server's log says what clients and sinks know."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.suites import SUITES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.truth import Outcome


class Labs:
    """The laboratory that runs; another one is started when a test needs it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running: tuple[str, Any] | None = None
        self._ending = ExitStack()

    def of(self, name: str) -> Any:  # noqa: ANN401 - of the suite's own kind
        if self._running is None or self._running[0] != name:
            self.close()
            # A new one, also after a start that failed.
            directory = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._directory))
            running = SUITES[name].running(directory)
            self._running = name, self._ending.enter_context(running)
        return self._running[1]

    def close(self) -> None:
        self._running = None
        self._ending.close()


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labs]:
    with closing(Labs(tmp_path_factory.mktemp("servers"))) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "scenario"),
    [
        pytest.param(name, scenario, id=f"{name}-{scenario.__name__}")
        for name, suite in SUITES.items()
        for scenario in suite.scenarios
    ],
)
def test_a_log_has_what_clients_and_sinks_know(
    labs: Labs, name: str, scenario: Callable[[Any], Outcome], tmp_path: Path
) -> None:
    lab = labs.of(name)
    lab.host.begin(tmp_path / "mail.log")

    outcome = scenario(lab)

    log = lab.host.logs.text()
    assert outcome.differences(log, *SUITES[name].size_forms) == [], log
    assert outcome.truth.rows()
