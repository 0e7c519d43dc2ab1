"""The pages of statistics as they have to look; ``python -m tests.support.statistics_golden``
writes them anew, for a person to look at.
"""

from __future__ import annotations

from pathlib import Path

from mailtally_collector.statistics.page import table
from mailtally_collector.statistics.terminal import Look
from tests.support.statistics_counted import summary_of
from tests.support.statistics_sample import SAMPLE

FOLDER = Path(__file__).parents[1] / "unit" / "golden"
#: How each page is looked at: on terminals, on one that knows little, and in a pipe.
LOOKS = {
    "statistics-80": Look(width=80, short=True),
    "statistics-200": Look(width=200, short=True),
    "statistics-80-colour": Look(width=80, short=True, colour=True),
    "statistics-80-ascii": Look(width=80, short=True, unicode=False),
    "statistics-40": Look(width=40, short=True),
    "statistics-piped": Look(),
}


def page(name: str) -> str:
    summary = summary_of(SAMPLE, top=5)
    return "".join(f"{line}\n" for line in table(summary, LOOKS[name]))


def golden(name: str) -> Path:
    return FOLDER / f"{name}.txt"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in LOOKS:
        golden(name).write_text(page(name), "utf-8")
