"""A Prometheus of the test's own, from the system's package, with our rules."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.support.ports import free_port
from tests.support.servers import missing
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
RULES = DEPLOY / "prometheus/alerts.yml"
DASHBOARD = DEPLOY / "grafana/dashboards/mailtally.json"


def program(name: str) -> str:
    """A program of the package ``prometheus``; without it the test is skipped, or fails in CI."""
    found = shutil.which(name)
    if found is None:
        missing("Prometheus", f"no program {name}; it is in Debian's package prometheus")
    return found


def panels() -> dict[str, list[str]]:
    """The queries of each panel of the dashboard, by its title."""
    board = json.loads(DASHBOARD.read_text("utf-8"))
    return {
        panel["title"]: [target["expr"] for target in panel["targets"]]
        for panel in board["panels"]
        if panel["type"] != "row"
    }


class Prometheus:
    """A running one, asked by its HTTP interface."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """The data of an answer; ``None`` while it is not there yet."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", f"/api/v1/{path}")
            answer = json.loads(connection.getresponse().read())
        except (ConnectionError, json.JSONDecodeError):
            return None
        finally:
            connection.close()
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str) -> list[Any]:
        """What an expression gives now; Grafana's own variable for a stretch is filled in."""
        result: list[Any] = self.get(f"query?query={quote(_filled_in(expression))}")["result"]
        return result

    def series(
        self, expression: str, legend: str, began: float, ended: float
    ) -> list[tuple[str, list[tuple[float, float]]]]:
        """An expression over time: for each series its name, and (Unix seconds, value)."""
        query = quote(_filled_in(expression))
        found = self.get(f"query_range?query={query}&start={began}&end={ended}&step=2")["result"]
        return [
            (
                _named(legend, each["metric"]),
                [(when, float(value)) for when, value in each["values"]],
            )
            for each in found
        ]

    def are_up(self, count: int) -> bool:
        """Whether so many targets were scraped well."""
        found = self.get("query?query=sum(up)")
        return bool(found and found["result"]) and float(found["result"][0]["value"][1]) == count


@contextmanager
def prometheus(directory: Path, targets: Mapping[str, Sequence[str]]) -> Iterator[Prometheus]:
    """Scrape some targets, by job, every second, and judge our rules as often."""
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": list(addresses)}]}
            for job, addresses in targets.items()
        ],
    }
    file, port = directory / "prometheus.yml", free_port()
    file.write_text(json.dumps(config))  # JSON is YAML, too
    command = [
        program("prometheus"),
        f"--config.file={file}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (directory / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        running, count = Prometheus(port), sum(map(len, targets.values()))
        wait_until(lambda: running.are_up(count), 90, f"a scrape of {count} targets")
        yield running
    finally:
        process.terminate()
        process.wait(20)


def _filled_in(expression: str) -> str:
    return re.sub(r"\$__rate_interval\b", "20s", expression)


def _named(legend: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda match: labels.get(match[1], ""), legend)
