"""The tables of docs/reference/monitoring.md that say what the code says.

``python -m tests.support.metrics_table`` writes the metrics into the page.
"""

from __future__ import annotations

import re
from pathlib import Path

from mailtally_shared.runtime.metrics.metric import By, Metric
from tests.support.catalogue import CATALOGUE

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/monitoring.md"
_BEGIN, _END = "<!-- metrics: begin -->\n", "<!-- metrics: end -->\n"
_HEAD = "| metric | type | labels | unit | meaning |\n|---|---|---|---|---|\n"
_TITLES = {
    By.ALL: "Every service",
    By.COLLECTOR: "Collector",
    By.AGGREGATOR: "Each aggregator: add them up",
    By.DAY_WRITER: "The whole cluster: from the day writer",
    By.LOADER: "Loader",
}


def tables() -> str:
    """A table for each part of the list."""
    return "\n".join(
        f"### {title}\n\n{_HEAD}{''.join(_row(each) for each in CATALOGUE if each.by is by)}"
        for by, title in _TITLES.items()
    )


def filled_in(page: str) -> str:
    """A page with the tables in their place."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{tables()}\n{_END}{after}"


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    meaning = re.sub(r"\|", r"\\|", metric.help)
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.unit} | {meaning} |\n"


if __name__ == "__main__":
    PAGE.write_text(filled_in(PAGE.read_text("utf-8")), "utf-8")
