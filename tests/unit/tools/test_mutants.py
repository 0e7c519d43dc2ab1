"""The list of mutants fits the tree: a safeguard that was rewritten takes its mutant along."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

from tools.mutation.mutants import MUTANTS

ROOT = Path(__file__).resolve().parents[3]


@cache
def text_of(path: str) -> str:
    file = ROOT / path
    return file.read_text("utf-8") if file.is_file() else ""


def test_each_mutant_changes_a_text_that_its_file_has_once() -> None:
    assert [m.name for m in MUTANTS if text_of(m.path).count(m.old) != 1] == []
    assert [m.name for m in MUTANTS if m.new == m.old] == []


def test_each_mutant_has_a_name_of_its_own() -> None:
    names = Counter(mutant.name for mutant in MUTANTS)
    assert [name for name, mutants in names.items() if mutants > 1] == []


def test_the_tests_of_each_mutant_exist() -> None:
    assert [m.name for m in MUTANTS if not m.tests] == []
    named = {test for mutant in MUTANTS for test in mutant.tests}
    assert sorted(test for test in named if not exists(test)) == []


def exists(test: str) -> bool:
    path, *names = test.split("::")
    found = text_of(path)
    return found != "" and all(f" {name.split('[')[0]}(" in found for name in names)
