"""docs/formats.md lists exactly the reasons there are, in the order of the checks."""

from __future__ import annotations

import re
from pathlib import Path

from mailtally_collector.parse import Reason

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"


def test_the_page_lists_the_reasons() -> None:
    rows = re.findall(r"^\| (\d+) \| `([a-z-]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert rows == [(str(reason.value), reason.label) for reason in Reason]
