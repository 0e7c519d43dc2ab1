"""Every claim of docs/explanation/security.md names a test, and that test is there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.source_tree import ROOT

PAGE = (ROOT / "docs/explanation/security.md").read_text("utf-8")
ROWS = re.findall(r"^\| (.+) \| (.+) \|$", PAGE.partition("\n## Claims\n")[2], re.MULTILINE)[1:]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_there_are_claims() -> None:
    assert len(ROWS) > len(re.findall(r"\*\*[Cc]annot\*\*", PAGE))


@pytest.mark.parametrize(("claim", "test"), ROWS)
def test_a_claim_names_a_test_that_exists(claim: str, test: str) -> None:
    named = NAMED.fullmatch(test)
    assert named, f"{claim}: {test} names no test"
    tree = ast.parse((ROOT / named[1]).read_text("utf-8"))
    assert named[2] in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_no_claim_stands_twice() -> None:
    assert len({claim for claim, _ in ROWS}) == len(ROWS)
