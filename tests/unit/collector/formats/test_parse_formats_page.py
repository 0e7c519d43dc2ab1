"""docs/reference/formats.md lists exactly the reasons there are, in the order of the checks."""

from __future__ import annotations

import re
from pathlib import Path

from mailtally_collector.formats import Reason

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "formats.md"


def test_the_page_lists_the_reasons() -> None:
    rows = re.findall(r"^\| (\d+) \| `([a-z-]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert rows == [(str(reason.value), reason.label) for reason in Reason]
