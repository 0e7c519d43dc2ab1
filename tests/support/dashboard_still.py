"""A picture of the dashboard, drawn from what a real Prometheus answers to its queries.

``python -m tests.support.dashboard_still docs/images/dashboard.png`` lets a site of three hosts
work for some minutes, asks every panel's queries over that time, and has Chromium draw the page.
Grafana is not needed; places, titles, thresholds and units are those of the dashboard's file.
"""

from __future__ import annotations

import html
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mailtally.local.embedded_redis import EmbeddedRedis
from tests.support.cluster import Cluster, kill, log_line
from tests.support.observed_site import ObservedSite
from tests.support.prometheus import DASHBOARD, Prometheus, program, prometheus

SECONDS = 150
HOSTS = {"mail1": 400, "mail2": 250, "mail3": 120}  # lines a second
COLUMN, LINE, GAP = 46, 26, 8  # pixels of Grafana's grid
COLOURS = ("#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#b877d9", "#5794f2", "#96d98d")
THRESHOLDS = {"green": "#2e7d32", "orange": "#b26a00", "red": "#b3261e"}
STYLE = """
body { margin: 0; background: #111217; color: #ccccdc; font: 12px sans-serif; }
.panel { position: absolute; background: #181b1f; border: 1px solid #2c3235; overflow: hidden; }
.title { padding: 5px 8px; font-weight: bold; } .row { position: absolute; font-size: 14px; }
.stat { text-align: center; font-size: 28px; color: white; }
.legend { position: absolute; bottom: 4px; left: 8px; right: 8px; font-size: 10px; }
"""

Series = tuple[str, list[tuple[float, float]]]


def main(target: Path) -> None:
    """Let a site work, and draw what was seen of it."""
    with (
        tempfile.TemporaryDirectory(prefix="mailtally-still-") as name,
        EmbeddedRedis(Path(name)) as redis,
        Cluster(Path(name) / "site", redis) as cluster,
    ):
        site = ObservedSite(cluster, tuple(HOSTS))
        site.start()
        with prometheus(Path(name), site.targets()) as watching:
            began = time.time()
            _work(site, began + SECONDS)
            page = _page(watching, began, time.time())
    _draw(page, target)


def _work(site: ObservedSite, until: float) -> None:
    """Mail, a malformed line now and then, an old day, and an aggregator that dies."""
    site.send_nonsense()
    old, second = log_line(int(until) - 3 * 86_400, "b@example.com", 10), 0
    _append(site, "mail1", old)
    while time.time() < until:
        for number, (host, rate) in enumerate(HOSTS.items()):
            lines = int(rate * (1 + 0.5 * ((second // 10 + number) % 4)))
            line = log_line(
                int(time.time()), f"b{second % 50}@example.com", 2000, f"{host}.example"
            )
            _append(site, host, line * lines + b"malformed\n" * (second % (7 + number) == 0))
        second += 1
        if second == SECONDS // 2:
            kill(site.processes[site.ports["aggregator"][1]])
            site.start_collector("mail4")
        time.sleep(1.0)


def _append(site: ObservedSite, host: str, lines: bytes) -> None:
    with (site.cluster.logs / host / "stats").open("ab") as log:
        log.write(lines)


def _page(watching: Prometheus, began: float, ended: float) -> str:
    board = json.loads(DASHBOARD.read_text("utf-8"))
    drawn = "".join(_panel(watching, panel, began, ended) for panel in board["panels"])
    return f"<style>{STYLE}</style>{drawn}"


def _panel(watching: Prometheus, panel: dict[str, Any], began: float, ended: float) -> str:
    place = panel["gridPos"]
    width, height = place["w"] * COLUMN - GAP, place["h"] * LINE - GAP
    where = f"left:{place['x'] * COLUMN + GAP}px;top:{place['y'] * LINE + GAP}px"
    title = html.escape(panel["title"])
    if panel["type"] == "row":
        return f'<div class="row" style="{where}">▾ {title}</div>'
    series = [
        found
        for target in panel["targets"]
        for found in watching.series(target["expr"], target["legendFormat"], began, ended)
    ]
    defaults = panel["fieldConfig"]["defaults"]
    if panel["type"] == "stat":
        inner, colour = _stat(series, defaults)
    else:
        inner, colour = _graph(series, defaults, width, height), ""
    size = f"width:{width}px;height:{height}px;{colour}"
    return (
        f'<div class="panel" style="{where};{size}"><div class="title">{title}</div>{inner}</div>'
    )


def _stat(series: list[Series], defaults: dict[str, Any]) -> tuple[str, str]:
    value = series[0][1][-1][1] if series else float("nan")
    steps = defaults["thresholds"]["steps"]
    reached = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    text = _shown(value, defaults["unit"])
    return f'<div class="stat">{text}</div>', f"background:{THRESHOLDS[reached[-1]]}"


def _graph(series: list[Series], defaults: dict[str, Any], width: int, height: int) -> str:
    points = [point for _, values in series for point in values]
    if not points:
        return '<div class="stat">no data</div>'
    area = _Area(width - 70, height - 90, points)
    coloured = list(zip(COLOURS * 9, series, strict=False))
    lines = "".join(
        f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{area.line(values)}"/>'
        for colour, (_, values) in coloured
    )
    marks = "".join(area.mark(share, defaults["unit"]) for share in (0.0, 0.5, 1.0))
    times = "".join(area.time_mark(share) for share in (0.0, 0.5, 1.0))
    legend = " ".join(
        f'<span style="white-space:nowrap"><span style="color:{colour}">▬</span> '
        f"{html.escape(name)}</span>"
        for colour, (name, _) in coloured
    )
    picture = f'<svg width="{width}" height="{height - 40}">{marks}{times}{lines}</svg>'
    return f'{picture}<div class="legend">{legend}</div>'


class _Area:
    """Where points lie in a picture, to the right of the scale."""

    LEFT, ABOVE = 60, 8

    def __init__(self, width: int, height: int, points: list[tuple[float, float]]) -> None:
        self._width, self._height = width, height
        self._begin = min(when for when, _ in points)
        self._time = max(when for when, _ in points) - self._begin or 1.0
        self._top = max(value for _, value in points) or 1.0

    def line(self, values: list[tuple[float, float]]) -> str:
        """The points of a line."""
        return " ".join(
            f"{self.LEFT + self._width * (when - self._begin) / self._time:.1f},"
            f"{self._at(value / self._top):.1f}"
            for when, value in values
        )

    def mark(self, share: float, unit: str) -> str:
        """A line across at a share of the highest value, and what it stands for."""
        y, right = self._at(share), self.LEFT + self._width
        text = _shown(self._top * share, unit)
        return (
            f'<line x1="{self.LEFT}" x2="{right}" y1="{y:.0f}" y2="{y:.0f}" stroke="#2c3235"/>'
            f'<text x="54" y="{y + 4:.0f}" fill="#9fa7b3" font-size="10" text-anchor="end">'
            f"{text}</text>"
        )

    def time_mark(self, share: float) -> str:
        """The time of day at a share of the whole time, below the lines."""
        text = time.strftime("%H:%M:%S", time.gmtime(self._begin + self._time * share))
        anchor = "end" if share == 1 else "middle"  # the last one ends where the panel does
        return (
            f'<text x="{self.LEFT + self._width * share:.0f}" y="{self._height + 14:.0f}" '
            f'fill="#9fa7b3" font-size="10" text-anchor="{anchor}">{text}</text>'
        )

    def _at(self, share: float) -> float:
        return self._height - (self._height - self.ABOVE) * share


def _shown(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{value:.0%}"
    if unit in {"bytes", "Bps"}:
        for prefix in ("", "k", "M"):
            if value < 1000:
                return f"{value:.3g} {prefix}B{'/s' if unit == 'Bps' else ''}"
            value /= 1000
        return f"{value:.3g} GB"
    ends = {"s": " s", "cps": "/s", "ops": "/s"}
    if unit == "s" and 0 < value < 1:
        return f"{value * 1000:.3g} ms"
    return (
        f"{value:,.0f}{ends.get(unit, '')}" if value >= 10 else f"{value:.3g}{ends.get(unit, '')}"
    )


def _height() -> int:
    places = [panel["gridPos"] for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]]
    lines: int = max(place["y"] + place["h"] for place in places)
    return lines * LINE + GAP


def _draw(page: str, target: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as file:
        file.write(f'<meta charset="utf-8">{page}')
        file.flush()
        size = f"--window-size={24 * COLUMN + GAP},{_height()}"
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--disable-gpu", size]
        command = [program("chromium"), *options, f"--screenshot={target}", f"file://{file.name}"]
        subprocess.run(command, check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
