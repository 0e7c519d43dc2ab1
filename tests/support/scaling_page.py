"""The examples on docs/explanation/scaling.md, with the answers that ``mailtally plan`` gives now.

``python -m tests.support.scaling_page`` writes them.
"""

from __future__ import annotations

import re
import shlex

from click.testing import CliRunner

from mailtally.commands.plan.command import plan
from tests.architecture.source_tree import ROOT

PAGE = ROOT / "docs/explanation/scaling.md"
_EXAMPLE = re.compile(r"^\$ mailtally plan (.*)\n(?:[^`].*\n)*", re.MULTILINE)


def page(text: str) -> str:
    """The page with each example's answer as it is now."""
    return _EXAMPLE.sub(lambda found: f"$ mailtally plan {found[1]}\n{_answer(found[1])}", text)


def _answer(options: str) -> str:
    return CliRunner().invoke(plan, shlex.split(options), catch_exceptions=False).output


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
