"""The prose linter finds the words of its list in prose, and nowhere else."""

from __future__ import annotations

import pytest

from tools.prose.findings import RULES, findings
from tools.prose.texts import DOCSTRINGS, ROOT, docstrings, page, texts


def found(markdown: str) -> list[tuple[int, str]]:
    return [(each.line, each.written) for each in findings(page("docs/page.md", markdown))]


def test_a_word_of_the_list_is_found_with_its_line() -> None:
    assert found("A fine line.\n\nIt is counted anew.\n") == [(3, "anew")]


def test_words_that_a_line_break_parts_are_found() -> None:
    assert found("The service stands\nin the room.\n") == [(1, "stands in")]


@pytest.mark.parametrize(
    "text",
    [
        "`told` is a name.",
        "```\nkept anew\n```\n",
        "  ```\n  kept anew\n  ```\n",
        'The message "It was told." is quoted.',
        "[a page](anew.md)",
        "<!-- anew -->",
        "It stands in for another.",
        "Besides, renewed.",
    ],
)
def test_what_is_no_prose_or_another_word_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_of_the_changelog_only_the_newest_entry_is_read() -> None:
    text = "# Changelog\n\n## [Unreleased]\n\nNew.\n\n## 0.1.0\n\nDone anew.\n"
    assert list(findings(page("CHANGELOG.md", text))) == []
    assert found(text) == [(9, "anew")]


def test_a_docstring_is_found_with_its_place_in_the_file() -> None:
    source = '"""A module."""\n\n\ndef f():\n    """Do it.\n\n    And anew.\n    """\n'
    (finding,) = (each for text in docstrings("m.py", source) for each in findings(text))
    assert str(finding) == "m.py:7: 'anew': write instead: again"


def test_every_page_is_read_and_every_rule_says_what_to_write() -> None:
    read = {text.path for text in texts()}
    assert {"README.md", "ARCHITECTURE.md", "docs/index.md", "docs/how-to/upgrade.md"} <= read
    assert all((ROOT / folder).is_dir() for folder in DOCSTRINGS)
    assert all(instead for _, instead in RULES)
