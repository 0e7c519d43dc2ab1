"""What is told to the outside is one list: in the code, in the docs, in dashboard and alerts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from mailtally_shared.runtime.metrics.metric import Kind
from tests.architecture.events_logged import Logged, events
from tests.architecture.source_tree import ROOT
from tests.architecture.test_docs import anchors
from tests.support import metrics_table
from tests.support.catalogue import CATALOGUE, OF_THE_PROCESS

if TYPE_CHECKING:
    from pathlib import Path

PAGE = metrics_table.PAGE.read_text("utf-8")
ALERTS = (ROOT / "deploy/prometheus/alerts.yml").read_text("utf-8")
BOARD = (ROOT / "deploy/grafana/dashboards/mailtally.json").read_text("utf-8")
PROMETHEUS = (ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8")
COMPOSE = (ROOT / "docker-compose.yml").read_text("utf-8")
FILES = sorted(p for p in (ROOT / "deploy").glob("[pg]r*/**/*.*") if p.is_file())
#: Of what Prometheus adds to each scrape, these are asked for.
OF_PROMETHEUS = {"up"}


def known_names() -> set[str]:
    """What a query may name: a histogram by its three series."""
    names = set(OF_THE_PROCESS)
    for metric in CATALOGUE:
        ends = ("_bucket", "_sum", "_count") if metric.kind is Kind.HISTOGRAM else ("",)
        names |= {metric.name + end for end in ends}
    return names


def documented_events() -> dict[str, Logged]:
    row = r"^\| `([a-z-]+)` \| ([a-z, ]+) \| ([a-z, ]+) \| ([^|]*) \|"
    rows = re.findall(row, PAGE, re.MULTILINE)
    return {
        name: Logged(set(who.split(", ")), set(levels.split(", ")), _fields(fields))
        for name, who, levels, fields in rows
        if set(levels.split(", ")) <= {"debug", "info", "warning", "error"}
    }


def _fields(cell: str) -> set[str]:
    return {part.strip("` ") for part in cell.split(",") if part.strip()}


def alerts() -> dict[str, str]:
    """The severity of each alert, by its name."""
    return dict(re.findall(r"- alert: (\w+)\n.*?severity: (\w+)", ALERTS, re.DOTALL))


def test_the_metrics_on_the_page_are_those_in_the_code() -> None:
    assert metrics_table.filled_in(PAGE) == PAGE, (
        f"{metrics_table.PAGE.name} is not up to date: run `python -m tests.support.metrics_table`"
    )


def test_what_the_library_adds_is_on_the_page() -> None:
    assert set(re.findall(r"`(process_\w+)`", PAGE)) == set(OF_THE_PROCESS)


def test_the_events_on_the_page_are_those_in_the_code() -> None:
    assert documented_events() == events()


def test_the_alerts_on_the_page_are_those_in_the_rules() -> None:
    assert dict(re.findall(r"^\| `(\w+)` \| (critical|warning) \|", PAGE, re.MULTILINE)) == alerts()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_metric_that_is_asked_for_exists(path: Path) -> None:
    text = path.read_text("utf-8")
    named = set(re.findall(r"\b(?:mailtally|process)_[a-z_]*[a-z]\b", text))
    assert named <= known_names()


def test_an_event_that_is_asked_for_is_logged() -> None:
    asked = re.findall(r'event=~?"([^"]+)"', ALERTS + BOARD.replace("\\", ""))
    assert {name for each in asked for name in each.split("|")} <= set(events())


def test_a_job_that_is_asked_for_is_scraped() -> None:
    jobs = re.findall(r"job_name: (\S+)", PROMETHEUS)
    asked = re.findall(r'job=~?"([^"]+)"', ALERTS + BOARD.replace("\\", ""))
    assert asked
    for pattern in asked:
        assert any(re.fullmatch(pattern, job) for job in jobs), pattern


@pytest.mark.parametrize("service", ["collector", "aggregator", "loader"])
def test_prometheus_finds_each_service_of_the_compose_file(service: str) -> None:
    told = rf"{service.upper()}__HEALTH_ADDRESS: 0\.0\.0\.0:(\d+)"
    (listens,) = re.findall(told, COMPOSE)
    assert re.search(rf"names: \[{service}\]\n +type: A\n +port: {listens}\n", PROMETHEUS)


def test_the_compose_file_publishes_to_its_own_machine_only() -> None:
    published = re.findall(r"ports: \[([^\]]*)\]", COMPOSE)
    assert published
    assert all(port.strip('" ').startswith("127.0.0.1:") for port in published)


def test_every_alert_leads_to_a_place_that_says_what_to_do() -> None:
    links = re.findall(r"runbook: (\S+)", ALERTS)
    assert len(links) == len(alerts())
    for link in links:
        name, _, anchor = link.partition("#")
        assert name.startswith("docs/how-to/"), link
        assert anchor in anchors(ROOT / name), link


def test_the_dashboard_asks_the_source_that_is_provisioned() -> None:
    source = (ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text("utf-8")
    (uid,) = re.findall(r"uid: (\S+)", source)
    panels = [panel for panel in json.loads(BOARD)["panels"] if panel["type"] != "row"]
    assert {panel["datasource"]["uid"] for panel in panels} == {uid}
    assert all(panel["title"] and panel["description"] for panel in panels)


def test_panels_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(BOARD)["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
