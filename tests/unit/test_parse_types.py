"""The machine code is compiled for one kind of arguments: no chunk may call for another.

Compiling takes half a minute or more, in which its collector reads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailtally_collector.machine.kinds import kind_of
from mailtally_collector.parse import Setting, StatsParser, made, stats
from mailtally_collector.parse.format import NOTHING_KNOWN
from mailtally_collector.parse.maillog import format as maillog
from mailtally_collector.parse.maillog import remember

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

STATS_LINE = b"Jun 20 18:20:14 mail.example.com in[1]: 5|a@example.net|b@example.com|69|success\n"
STAMP = b"@4000000038c3eeb027f6b0a4 "
MAILLOG = b"".join(
    STAMP + line
    for line in (
        b"new msg 7\n",
        b"info msg 7: bytes 100 from <a@example.com> qp 1 uid 2\n",
        b"starting delivery 1: msg 7 to local b@example.net\n",
        b"starting delivery 2: msg 7 to remote c@far.example\n",
        b"delivery 1: success: ok/\n",
    )
)
ENTRIES: tuple[tuple[ModuleType, str], ...] = (
    (stats, "run_read_chunk"),
    (stats, "run_spell"),
    (maillog, "run_scan"),
    (maillog, "run_restore"),
    (maillog, "run_join"),
    (remember, "run_gather"),
)
#: Lines down to the empty one: a chunk may be one of them, and nothing else.
short_lines = st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"-") + b"\n")


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[tuple[object, ...]]]:
    """The types of arguments with which each way into the machine code is taken."""
    types: dict[str, set[tuple[object, ...]]] = {}

    def noting(name: str, entry: Callable[..., object]) -> Callable[..., object]:
        def noted(*args: object) -> object:
            types.setdefault(name, set()).add(tuple(map(kind_of, args)))
            return entry(*args)

        return noted

    for module, name in ENTRIES:
        monkeypatch.setattr(module, name, noting(name, getattr(module, name)))
    return types


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(short_lines, max_size=3))
def test_short_chunks_of_stats_are_of_the_usual_types(
    seen: dict[str, set[tuple[object, ...]]], lines: list[bytes]
) -> None:
    StatsParser().parse(STATS_LINE)
    StatsParser().parse(b"".join(lines))
    assert {name: len(types) for name, types in seen.items()} == {
        "run_read_chunk": 1,
        "run_spell": 1,
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(short_lines, max_size=3))
def test_short_chunks_of_maillogs_are_of_the_usual_types(
    seen: dict[str, set[tuple[object, ...]]], lines: list[bytes]
) -> None:
    parser = made(Setting())["maillog"]
    state = NOTHING_KNOWN
    for chunk in (MAILLOG, b"".join(lines), b"\n", MAILLOG):
        _, state = parser.parse(chunk, state)
    assert set(map(len, seen.values())) == {1}
