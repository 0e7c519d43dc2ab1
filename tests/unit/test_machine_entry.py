"""Ways into machine code: made once for a kind of arguments, by a process that ends."""

from __future__ import annotations

import _ctypes
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from mailtally_collector.machine import entry as entries
from mailtally_collector.machine import kept, marks
from mailtally_collector.machine.entry import digest_of, entry
from mailtally_collector.machine.kinds import kind_of
from mailtally_collector.machine.loading import Code
from mailtally_collector.machine.marks import compiled
from mailtally_shared.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mailtally_shared.columns import Array


class Pair(NamedTuple):
    """Some numbers with a weight."""

    numbers: Array
    weight: np.uint64


@compiled
def weigh(pair: Pair, offset: int, table: Array) -> tuple[int, int]:
    """Numbers of several kinds go in: a tuple's, one below zero, a table's in any order."""
    total = 0
    for number in pair.numbers:
        total += number * marks.signed(pair.weight) + offset
    return total, table[1, 0]


@compiled
def give_a_fraction(numbers: Array) -> float:
    """What no entry can return."""
    return float(numbers[0] / 2)


@compiled
def ask_too_much(numbers: Array) -> None:
    """What needs numba while it runs: an array of its own."""
    numbers[0] = np.ones(int(numbers[0])).sum()


SOURCES = digest_of(sys.modules[__name__], marks)


@pytest.fixture
def compilations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what is compiled; nothing is kept at first."""
    monkeypatch.setenv(kept.VARIABLE, str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    names: list[str] = []
    compile_ = entries._compiled  # noqa: SLF001 - a compilation is to be noticed

    def noting(function: Callable[..., object], kinds: tuple[object, ...]) -> bytes:
        names.append(function.__name__)
        return compile_(function, kinds)

    monkeypatch.setattr(entries, "_compiled", noting)
    return names


def in_machine_code(*, sources: str = SOURCES) -> Callable[[Pair, int, Array], tuple[int, int]]:
    """Compiled also where nothing else is, for coverage."""
    return entry(weigh, sources, results=2, in_python=False)


def test_it_gives_what_python_gives_and_is_compiled_once(compilations: list[str]) -> None:
    pair = Pair(np.arange(5), np.uint64(7))
    table = np.asfortranarray(np.arange(6).reshape(2, 3))
    expected = weigh(pair, -3, table)
    assert expected == (55, 3)
    first, second = in_machine_code(), in_machine_code()
    assert first(pair, -3, table) == expected
    assert first(pair, 0, table) == (70, 3)
    assert second(pair, -3, table) == expected
    assert compilations == ["weigh"]


def test_another_kind_of_arguments_and_other_sources_are_compiled_anew(
    compilations: list[str],
) -> None:
    table = np.arange(6).reshape(2, 3)
    run = in_machine_code()
    assert run(Pair(np.arange(5), np.uint64(7)), -3, table) == (55, 3)
    assert run(Pair(np.arange(10)[::2], np.uint64(7)), -3, table) == (125, 3)
    assert in_machine_code(sources="changed")(Pair(np.arange(5), np.uint64(7)), 0, table) == (70, 3)
    assert compilations == ["weigh"] * 3


def test_code_that_was_damaged_is_compiled_anew(compilations: list[str], tmp_path: Path) -> None:
    arguments = (Pair(np.arange(5), np.uint64(7)), -3, np.arange(6).reshape(2, 3))
    in_machine_code()(*arguments)
    (file,) = tmp_path.glob("*.o")
    file.write_bytes(file.read_bytes()[:-100])
    assert in_machine_code()(*arguments) == (55, 3)
    assert len(compilations) == 2


@pytest.mark.usefixtures("compilations")
@pytest.mark.parametrize("function", [give_a_fraction, ask_too_much])
def test_what_cannot_be_machine_code_is_said(function: Callable[[Array], object]) -> None:
    with pytest.raises(Refused, match=f"machine code of {function.__name__} cannot be made"):
        entry(function, SOURCES, in_python=False)(np.arange(3))


def test_no_kind_is_taken_for_another() -> None:
    numbers = np.arange(8)
    read_only = numbers.copy()
    read_only.flags.writeable = False
    unaligned = np.ndarray((2,), np.uint64, bytearray(20), offset=1)
    different = (
        *(numbers, numbers[::2], read_only, numbers.reshape(2, 4), numbers.view(np.uint64)),
        *(unaligned, Pair(numbers, np.uint64(1)), (numbers, np.uint64(1)), np.uint64(1), 1),
    )
    assert len({kind_of(one) for one in different}) == len(different)
    assert kind_of(True) == kind_of(np.int64(3)) == kind_of(1)  # noqa: FBT003 - a number, too
    with pytest.raises(TypeError, match="str"):
        kind_of("text")


def test_loading_needs_no_numba() -> None:
    program = "import mailtally_collector.parse as p, sys; p.warm(); print('numba' in sys.modules)"
    asked = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert asked.stdout == b"False\n"


def test_it_runs_without_the_lock_of_the_interpreter() -> None:
    assert not Code._flags_ & _ctypes.FUNCFLAG_PYTHONAPI  # ctypes tells it to nobody else
